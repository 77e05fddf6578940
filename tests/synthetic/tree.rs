//! Trees and their NARs.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use shellpack::internals::Dump;
use shellpack_format::store::nar::push_string;

/// A small tree, as a store path or a project has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tree {
    File { executable: bool, contents: Vec<u8> },
    Symlink(String),
    Directory(BTreeMap<String, Tree>),
}

impl Tree {
    pub(crate) fn file(contents: impl AsRef<[u8]>) -> Self {
        let contents = contents.as_ref().to_vec();
        Self::File {
            executable: false,
            contents,
        }
    }

    pub(crate) fn program(contents: &str) -> Self {
        Self::File {
            executable: true,
            contents: contents.into(),
        }
    }

    pub(crate) fn directory<const N: usize>(entries: [(&str, Tree); N]) -> Self {
        Self::Directory(entries.map(|(name, tree)| (name.to_owned(), tree)).into())
    }

    pub(crate) fn write(&self, at: &Path) {
        match self {
            Self::File {
                executable,
                contents,
            } => {
                fs::write(at, contents).unwrap();
                let mode = if *executable { 0o755 } else { 0o644 };
                fs::set_permissions(at, fs::Permissions::from_mode(mode)).unwrap();
            }
            Self::Symlink(target) => symlink(target, at).unwrap(),
            Self::Directory(entries) => {
                fs::create_dir(at).unwrap();
                for (name, tree) in entries {
                    tree.write(&at.join(name));
                }
            }
        }
    }

    /// Its NAR, read from a disk as `create` does it.
    pub(crate) fn nar(&self) -> Vec<u8> {
        let scratch = tempfile::tempdir().unwrap();
        self.write(&scratch.path().join("tree"));
        nar_of(&scratch.path().join("tree"))
    }
}

/// The NAR of what is on the disk.
pub(crate) fn nar_of(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let dump = Dump::of(path).unwrap();
    dump.reader(0).read_to_end(&mut bytes).unwrap();
    bytes
}

/// A NAR, sound or not, from its strings.
pub(crate) fn nar(strings: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for string in strings {
        push_string(&mut bytes, string.as_bytes());
    }
    bytes
}

/// A NAR of a directory from the strings of its entries.
pub(crate) fn nar_of_entries(entries: &[&[&str]]) -> Vec<u8> {
    let head: &[&str] = &["nix-archive-1", "(", "type", "directory"];
    nar(&[head, &entries.concat(), &[")"]].concat())
}

/// The strings of an entry that is an empty file.
pub(crate) fn entry(name: &str) -> Vec<&str> {
    let node = ["node", "(", "type", "regular", "contents", "", ")", ")"];
    [&["entry", "(", "name", name][..], &node].concat()
}
