//! A tree made from a NAR, in the form that Nix gives to everything in its store.
//!
//! Files are created below directories that are held open, never by a path from the
//! archive, and never over something that exists: a NAR cannot write outside its tree.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Timespec, Timestamps};

use super::parse::{Event, Parser};
use crate::error::{Error, Result};

/// Nix gives every file in its store the modification time 1: zero means "unknown" to some tools.
const STORE_MTIME: Timestamps = Timestamps {
    last_access: Timespec {
        tv_sec: 1,
        tv_nsec: 0,
    },
    last_modification: Timespec {
        tv_sec: 1,
        tv_nsec: 0,
    },
};
const DIRECTORY: Mode = Mode::from_raw_mode(0o555);
const PLAIN: Mode = Mode::from_raw_mode(0o444);

/// Restores one tree from slices of its NAR.
#[derive(Debug)]
pub struct Restore {
    target: PathBuf,
    parser: Parser,
    directories: Vec<OwnedFd>,
    /// The name of the node that comes next, in the innermost open directory.
    name: Vec<u8>,
    file: Option<File>,
}

impl Restore {
    /// Will create `target`, which must not exist; its directory must.
    pub fn new(target: PathBuf) -> Self {
        Self {
            target,
            parser: Parser::default(),
            directories: Vec::new(),
            name: Vec::new(),
            file: None,
        }
    }

    /// Takes the next slice of the NAR.
    pub fn write(&mut self, mut slice: &[u8]) -> Result<()> {
        loop {
            let event = self
                .parser
                .next(&mut slice)
                .map_err(|source| Error::BadNar {
                    path: self.target.clone(),
                    source,
                })?;
            let Some(event) = event else { return Ok(()) };
            self.apply(event)
                .map_err(Error::io("unpack", &self.target))?;
        }
    }

    /// Ensures that the NAR was complete.
    pub fn finish(self) -> Result<()> {
        self.parser.finish().map_err(|source| Error::BadNar {
            path: self.target,
            source,
        })
    }

    fn apply(&mut self, event: Event<'_>) -> io::Result<()> {
        match event {
            Event::Entry(name) => self.name = name,
            Event::Directory => self.open_directory()?,
            Event::DirectoryEnd => self.close_directory()?,
            Event::Symlink(target) => self.symlink(&target)?,
            Event::File { executable, .. } => self.file = Some(self.create(executable)?),
            Event::Contents(bytes) => {
                if let Some(file) = &mut self.file {
                    file.write_all(bytes)?;
                }
            }
            Event::FileEnd => {
                if let Some(file) = self.file.take() {
                    rustix::fs::futimens(&file, &STORE_MTIME)?;
                }
            }
        }
        Ok(())
    }

    fn create(&self, executable: bool) -> io::Result<File> {
        // The file gets its final mode at once: a descriptor that is open stays writable.
        let mode = if executable { DIRECTORY } else { PLAIN };
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = match self.directories.last() {
            Some(parent) => rustix::fs::openat(parent, self.name.as_slice(), flags, mode)?,
            None => rustix::fs::openat(CWD, &self.target, flags, mode)?,
        };
        Ok(File::from(handle))
    }

    fn symlink(&self, target: &[u8]) -> io::Result<()> {
        let target = Path::new(std::ffi::OsStr::from_bytes(target));
        if let Some(parent) = self.directories.last() {
            rustix::fs::symlinkat(target, parent, self.name.as_slice())?;
            rustix::fs::utimensat(
                parent,
                self.name.as_slice(),
                &STORE_MTIME,
                AtFlags::SYMLINK_NOFOLLOW,
            )?;
        } else {
            rustix::fs::symlinkat(target, CWD, &self.target)?;
            rustix::fs::utimensat(CWD, &self.target, &STORE_MTIME, AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Ok(())
    }

    fn open_directory(&mut self) -> io::Result<()> {
        // Writable until it is complete: an ordinary user cannot create entries in a 0555 directory.
        let (mode, flags) = (
            Mode::RWXU,
            OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY,
        );
        let handle = if let Some(parent) = self.directories.last() {
            rustix::fs::mkdirat(parent, self.name.as_slice(), mode)?;
            rustix::fs::openat(parent, self.name.as_slice(), flags, Mode::empty())?
        } else {
            rustix::fs::mkdirat(CWD, &self.target, mode)?;
            rustix::fs::openat(CWD, &self.target, flags, Mode::empty())?
        };
        self.directories.push(handle);
        Ok(())
    }

    fn close_directory(&mut self) -> io::Result<()> {
        if let Some(parent) = self.directories.pop() {
            rustix::fs::fchmod(&parent, DIRECTORY)?;
            rustix::fs::futimens(&parent, &STORE_MTIME)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::nix::nar::dump::Dump;

    fn sample(root: &Path) {
        std::fs::create_dir_all(root.join("empty")).unwrap();
        std::fs::write(root.join("plain"), vec![7; 100_000]).unwrap();
        std::fs::write(root.join("tool"), "#!").unwrap();
        std::fs::set_permissions(
            root.join("tool"),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )
        .unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("link")).unwrap();
    }

    fn nar_of(path: &Path, from: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        Dump::of(path)
            .unwrap()
            .reader(from)
            .read_to_end(&mut bytes)
            .unwrap();
        bytes
    }

    #[test]
    fn a_restored_tree_dumps_to_the_same_bytes() {
        let scratch = tempfile::tempdir().unwrap();
        let (first, second) = (scratch.path().join("first"), scratch.path().join("second"));
        sample(&first);
        let bytes = nar_of(&first, 0);
        let mut restore = Restore::new(second.clone());
        for slice in bytes.chunks(777) {
            restore.write(slice).unwrap();
        }
        restore.finish().unwrap();
        assert_eq!(nar_of(&second, 0), bytes);
        std::fs::set_permissions(&second, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
    }

    #[test]
    fn reading_from_an_offset_gives_the_rest() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("tree");
        sample(&root);
        let bytes = nar_of(&root, 0);
        for from in [1, 8, 333, 50_000, bytes.len() - 1, bytes.len()] {
            assert_eq!(nar_of(&root, from as u64), bytes[from..], "from {from}");
        }
    }

    #[test]
    fn nothing_that_exists_is_overwritten() {
        let scratch = tempfile::tempdir().unwrap();
        let (first, second) = (scratch.path().join("first"), scratch.path().join("second"));
        std::fs::write(&first, "new").unwrap();
        std::fs::write(&second, "old").unwrap();
        assert!(
            Restore::new(second.clone())
                .write(&nar_of(&first, 0))
                .is_err()
        );
        assert_eq!(std::fs::read_to_string(&second).unwrap(), "old");
    }
}
