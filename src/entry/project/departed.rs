//! Files that earlier bundles of a name brought, and that the one to open does not have any more. With them,
//! evaluation might see another project: it may read a directory.
//!
//! Only what nobody edited is taken away, and only what a rollback can put back.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use super::held::Held;
use super::is_same;
use crate::opened::Brought;
use shellpack_format::bundle::manifest::{FileKind, Manifest, RelativePath};

/// The files, and directories that are taken away if nothing else is in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Departed {
    files: BTreeMap<RelativePath, FileKind>,
    directories: BTreeSet<RelativePath>,
}

impl Departed {
    /// Compares the files in `root` with those of earlier bundles, the current one first. A bundle that is
    /// opened again takes nothing away: what is there was put there since.
    pub(super) fn find(root: &Path, manifest: &Manifest, earlier: &[Brought]) -> Self {
        let mut departed = Self::default();
        if earlier.first().is_some_and(|first| first.is_of(manifest)) {
            return departed;
        }
        let own = manifest.project.files.iter();
        let own: BTreeMap<_, _> = own
            .map(|file| (&file.path, is_directory(&file.kind)))
            .collect();
        let is_of_name = |brought: &&Brought| *brought.name() == manifest.name;
        let others = earlier.iter().filter(|brought| !is_of_name(brought));
        let of_others = others.flat_map(Brought::files).map(|file| &file.path);
        let of_others: BTreeSet<_> = of_others.collect();
        for brought in earlier.iter().filter(is_of_name) {
            for file in brought.files() {
                let is_directory = is_directory(&file.kind);
                let is_own = own.get(&file.path).is_some_and(|own| *own == is_directory);
                if is_own || of_others.contains(&file.path) {
                    continue;
                }
                if is_directory {
                    departed.directories.insert(file.path.clone());
                } else if brought.keeps(&file.kind)
                    // A file in the place of a file is replaced.
                    && own.get(&file.path).is_none_or(|own| *own)
                    && is_same(&root.join(file.path.as_str()), &file.kind)
                {
                    departed.files.insert(file.path.clone(), file.kind.clone());
                }
            }
        }
        departed
    }

    /// Whether there is nothing to take away.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether a file is taken away.
    pub(super) fn has(&self, path: &RelativePath) -> bool {
        self.files.contains_key(path)
    }

    /// The files.
    pub(super) fn files(&self) -> BTreeSet<RelativePath> {
        self.files.keys().cloned().collect()
    }

    /// The directories that the files are in.
    pub(super) fn parents(&self) -> impl Iterator<Item = &Path> {
        let paths = self.files.keys().chain(&self.directories);
        paths.filter_map(|path| Path::new(path.as_str()).parent())
    }

    /// Whether a place is free once all of them are gone: they are all that is there.
    pub(super) fn makes_room_for(&self, path: &RelativePath, root: &Path) -> bool {
        self.has(path) || self.directories.contains(path) && self.is_all(path.as_str(), root)
    }

    /// Whether a directory has nothing else in it.
    fn is_all(&self, directory: &str, root: &Path) -> bool {
        let Ok(mut entries) = root.join(directory).read_dir() else {
            return false;
        };
        entries.all(|entry| {
            let name = entry.map(|entry| entry.file_name());
            let Some(name) = name.ok().and_then(|name| name.into_string().ok()) else {
                return false;
            };
            let Ok(path) = RelativePath::parse(&format!("{directory}/{name}")) else {
                return false;
            };
            self.makes_room_for(&path, root)
        })
    }

    /// Takes them away from a directory. A file that was edited meanwhile stays.
    pub(super) fn remove(&self, root: &Path, held: &Held) -> io::Result<()> {
        for (path, kind) in &self.files {
            if is_same(&root.join(path.as_str()), kind) {
                held.remove_file(Path::new(path.as_str()))?;
            }
        }
        for path in self.directories.iter().rev() {
            // The user's own files, if there are any, keep it.
            let _ = held.remove_directory(Path::new(path.as_str()));
        }
        Ok(())
    }
}

fn is_directory(kind: &FileKind) -> bool {
    matches!(kind, FileKind::Directory { .. })
}
