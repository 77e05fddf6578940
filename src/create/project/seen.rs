//! Files of the project that evaluation may see although they are not carried.

use std::fs;
use std::path::{Path, PathBuf};

use super::Project;

impl Project {
    /// Whether a place is the project's, whatever is there.
    pub(in crate::create) fn may_hold(&self, path: &Path) -> bool {
        path.starts_with(&self.root)
    }

    /// Whether a file of the project is carried. There may be symlinks on the way to it.
    pub(in crate::create) fn carries(&self, path: &Path) -> bool {
        let real = || {
            let dir = fs::canonicalize(path.parent()?).ok()?;
            Some(self.has(&dir.join(path.file_name()?)))
        };
        self.has(path) || real().unwrap_or(false)
    }

    fn has(&self, path: &Path) -> bool {
        match path.strip_prefix(&self.root).map(Path::to_str) {
            Ok(Some("")) => true,
            Ok(Some(below)) => {
                let files = &self.entries.files;
                let found = files.binary_search_by(|file| file.path.as_str().cmp(below));
                found.is_ok()
            }
            _ => false,
        }
    }

    /// Directories whose content the next evaluation will see: it copies or lists them.
    pub(in crate::create) fn watched(&self) -> impl Iterator<Item = &PathBuf> {
        self.copied.iter().chain(&self.listed)
    }
}

/// The kind of a file, in the words of Nix's `readDir`.
pub(in crate::create) fn kind_of(path: &Path) -> String {
    let kind = fs::symlink_metadata(path).map(|metadata| metadata.file_type());
    let word = match kind {
        Ok(kind) if kind.is_dir() => "directory",
        Ok(kind) if kind.is_file() => "regular",
        Ok(kind) if kind.is_symlink() => "symlink",
        _ => "unknown",
    };
    word.to_owned()
}
