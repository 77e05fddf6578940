//! Trees and their NARs.

use std::collections::BTreeMap;

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

    /// Its NAR, written from this description alone.
    pub(crate) fn nar(&self) -> Vec<u8> {
        let mut bytes = nar(&["nix-archive-1"]);
        self.push_node(&mut bytes);
        bytes
    }

    fn push_node(&self, out: &mut Vec<u8>) {
        out.extend(nar(&["(", "type"]));
        match self {
            Self::File {
                executable,
                contents,
            } => {
                out.extend(nar(&["regular"]));
                if *executable {
                    out.extend(nar(&["executable", ""]));
                }
                out.extend(nar(&["contents"]));
                push_string(out, contents);
            }
            Self::Symlink(target) => out.extend(nar(&["symlink", "target", target])),
            Self::Directory(entries) => {
                out.extend(nar(&["directory"]));
                for (name, tree) in entries {
                    out.extend(nar(&["entry", "(", "name", name, "node"]));
                    tree.push_node(out);
                    out.extend(nar(&[")"]));
                }
            }
        }
        out.extend(nar(&[")"]));
    }
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
