//! Files to be replaced are set aside until the new ones are in place. They keep their names in a
//! directory beside their old place: if anything goes wrong in between, the old bundle can be
//! opened there, and moved back.

use std::fs;
use std::path::{Path, PathBuf};

use super::sync::sync_directory;
use crate::error::{Error, Result};

/// Files that were set aside.
#[derive(Debug)]
pub(super) struct Aside {
    dir: PathBuf,
    /// Their old paths, in the order in which they were moved.
    files: Vec<PathBuf>,
}

impl Aside {
    /// Makes the directory for files to set aside.
    pub(super) fn of(dir: &Path) -> Result<Self> {
        let made = tempfile::Builder::new()
            .prefix(".shellpack-")
            .suffix(".old")
            .tempdir_in(dir)
            .map_err(Error::io("create a directory in", dir))?
            // Dropping a value must not delete the user's files.
            .keep();
        Ok(Self {
            dir: dir.join(made.file_name().unwrap_or_default()),
            files: Vec::new(),
        })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn take(&mut self, file: PathBuf) -> Result<()> {
        fs::rename(&file, self.place_of(&file)).map_err(Error::io("replace", &file))?;
        self.files.push(file);
        Ok(())
    }

    /// The old paths must be on disk before other files get their names.
    pub(super) fn sync(&self, dir: &Path) -> Result<()> {
        let Some(last) = self.files.last() else {
            return Ok(());
        };
        let last = self.place_of(last);
        sync_directory(&self.dir, &last)
            .and_then(|()| sync_directory(dir, &last))
            .map_err(Error::io("sync", dir))
    }

    /// Moves the files back. Returns whether all are in their old places. The one that makes a
    /// bundle of them was moved first, and comes back last.
    pub(super) fn put_back(&self) -> bool {
        let put_back = |file: &PathBuf| {
            let is_free = file.symlink_metadata().is_err();
            is_free && fs::rename(self.place_of(file), file).is_ok()
        };
        let are_back = self.files.iter().rev().filter(|file| put_back(file));
        let all = are_back.count() == self.files.len();
        let _ = fs::remove_dir(&self.dir);
        all
    }

    /// Removes the old files. Returns whether they are gone.
    pub(super) fn remove(self) -> bool {
        for file in &self.files {
            let _ = fs::remove_file(self.place_of(file));
        }
        fs::remove_dir(&self.dir).is_ok()
    }

    fn place_of(&self, file: &Path) -> PathBuf {
        self.dir.join(file.file_name().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(dir: &Path) -> Vec<String> {
        let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
        let mut names: Vec<_> = names
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn two_aside(dir: &Path) -> Aside {
        let mut aside = Aside::of(dir).unwrap();
        for name in ["a", "b"] {
            fs::write(dir.join(name), name).unwrap();
            aside.take(dir.join(name)).unwrap();
        }
        aside.sync(dir).unwrap();
        assert_eq!(listed(dir).len(), 1);
        assert_eq!(listed(aside.dir()), ["a", "b"]);
        aside
    }

    #[test]
    fn what_is_put_back_is_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        assert!(two_aside(dir.path()).put_back());
        assert_eq!(listed(dir.path()), ["a", "b"]);
        assert_eq!(fs::read(dir.path().join("b")).unwrap(), b"b");
    }

    #[test]
    fn what_is_there_by_then_is_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let aside = two_aside(dir.path());
        fs::write(dir.path().join("b"), "somebody else's").unwrap();
        assert!(!aside.put_back());
        assert_eq!(listed(aside.dir()), ["b"]);
        assert_eq!(fs::read(dir.path().join("b")).unwrap(), b"somebody else's");
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"a");
    }

    #[test]
    fn what_is_removed_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert!(two_aside(dir.path()).remove());
        assert!(listed(dir.path()).is_empty());
    }
}
