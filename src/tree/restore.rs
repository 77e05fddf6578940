//! Makes a tree from a NAR, in the form that Nix gives to everything in its store.
//!
//! Files are created below directories that are held open, never by a path from the archive, and
//! never over an existing file. So a NAR cannot write outside its tree.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Timespec, Timestamps};

use crate::error::{Error, Result};
use shellpack_format::store::nar::parse::{NarEvent, Parser};

mod split;

pub(crate) use split::RestorePart;

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
    target: Arc<Path>,
    parser: Parser,
    directories: Vec<Arc<Directory>>,
    /// The name of the next node, in the innermost open directory.
    name: Vec<u8>,
    /// The current file, and the number of bytes written to it.
    file: Option<(Arc<File>, u64)>,
    /// The number of directories and files that have begun.
    begun: u64,
    /// Nodes that exist already, because another part goes on in them.
    shared: Shared,
}

/// A directory that is being filled, perhaps by several parts of one NAR at a time.
type Directory = OwnedFd;

/// The nodes that are open where a NAR was split, each with its number in the order of the NAR.
#[derive(Debug, Default)]
struct Shared {
    directories: VecDeque<(u64, Arc<Directory>)>,
    file: Option<(u64, Arc<File>)>,
}

impl Restore {
    /// Will create `target`, which must not exist. Its directory must.
    pub fn new(target: PathBuf) -> Self {
        Self {
            target: target.into(),
            parser: Parser::default(),
            directories: Vec::new(),
            name: Vec::new(),
            file: None,
            begun: 0,
            shared: Shared::default(),
        }
    }

    /// Takes the next slice of the NAR.
    pub fn write(&mut self, mut slice: &[u8]) -> Result<()> {
        while let Some(event) = self.next(&mut slice)? {
            self.apply(event)
                .map_err(Error::io("unpack", &self.target))?;
        }
        Ok(())
    }

    /// Ensures that the NAR is complete.
    pub fn finish(self) -> Result<()> {
        self.parser.finish().map_err(|source| Error::BadNar {
            path: self.target.to_path_buf(),
            source,
        })
    }

    fn next<'b>(&mut self, slice: &mut &'b [u8]) -> Result<Option<NarEvent<'b>>> {
        self.parser.next(slice).map_err(|source| Error::BadNar {
            path: self.target.to_path_buf(),
            source,
        })
    }

    fn apply(&mut self, event: NarEvent<'_>) -> io::Result<()> {
        match event {
            NarEvent::Entry(name) => self.name = name,
            NarEvent::Directory => {
                let directory = self.begin_directory()?;
                self.directories.push(directory);
            }
            NarEvent::DirectoryEnd => {
                if let Some(directory) = self.directories.pop() {
                    seal_directory(directory)?;
                }
            }
            NarEvent::Symlink(target) => self.symlink(&target)?,
            NarEvent::File { executable, .. } => {
                self.file = Some((self.begin_file(executable)?, 0));
            }
            NarEvent::Contents(bytes) => {
                if let Some((file, at)) = &mut self.file {
                    file.write_all_at(bytes, *at)?;
                    *at += bytes.len() as u64;
                }
            }
            NarEvent::FileEnd => {
                if let Some((file, _)) = self.file.take() {
                    seal_file(file)?;
                }
            }
        }
        Ok(())
    }

    fn begin_file(&mut self, executable: bool) -> io::Result<Arc<File>> {
        self.begun += 1;
        match self
            .shared
            .file
            .take_if(|(number, _)| *number == self.begun)
        {
            Some((_, file)) => Ok(file),
            None => self.create(&self.name, executable).map(Arc::new),
        }
    }

    fn begin_directory(&mut self) -> io::Result<Arc<Directory>> {
        self.begun += 1;
        let shared = &mut self.shared.directories;
        if shared.front().is_some_and(|next| next.0 == self.begun)
            && let Some((_, directory)) = shared.pop_front()
        {
            return Ok(directory);
        }
        self.make_directory(&self.name).map(Arc::new)
    }

    fn create(&self, name: &[u8], executable: bool) -> io::Result<File> {
        // The file gets its final mode at once: an open descriptor stays writable.
        let mode = if executable { DIRECTORY } else { PLAIN };
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = match self.directories.last() {
            Some(parent) => rustix::fs::openat(parent, name, flags, mode)?,
            None => rustix::fs::openat(CWD, &*self.target, flags, mode)?,
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
            rustix::fs::symlinkat(target, CWD, &*self.target)?;
            rustix::fs::utimensat(CWD, &*self.target, &STORE_MTIME, AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Ok(())
    }

    fn make_directory(&self, name: &[u8]) -> io::Result<Directory> {
        // Writable until it is complete: an ordinary user cannot create entries in a 0555 directory.
        let (mode, flags) = (
            Mode::RWXU,
            OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY,
        );
        let handle = if let Some(parent) = self.directories.last() {
            rustix::fs::mkdirat(parent, name, mode)?;
            rustix::fs::openat(parent, name, flags, Mode::empty())?
        } else {
            rustix::fs::mkdirat(CWD, &*self.target, mode)?;
            rustix::fs::openat(CWD, &*self.target, flags, Mode::empty())?
        };
        Ok(handle)
    }
}

/// The last holder of a directory gives it its final form: all of its entries exist.
fn seal_directory(directory: Arc<Directory>) -> io::Result<()> {
    if let Some(directory) = Arc::into_inner(directory) {
        rustix::fs::fchmod(&directory, DIRECTORY)?;
        rustix::fs::futimens(&directory, &STORE_MTIME)?;
    }
    Ok(())
}

/// The last holder of a file gives it its final form.
fn seal_file(file: Arc<File>) -> io::Result<()> {
    if let Some(file) = Arc::into_inner(file) {
        rustix::fs::futimens(&file, &STORE_MTIME)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::tree::dump::Dump;

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

    /// For any split of a NAR, and any order of writing its parts, the tree is the same.
    #[test]
    fn parts_that_are_written_in_any_order_give_the_same_tree() {
        let scratch = tempfile::tempdir().unwrap();
        let first = scratch.path().join("first");
        sample(&first);
        std::fs::create_dir_all(first.join("deep/er/est")).unwrap();
        std::fs::write(first.join("deep/er/est/file"), "at the bottom").unwrap();
        std::fs::write(first.join("deep/zz"), "behind it").unwrap();
        let bytes = nar_of(&first, 0);
        for step in [50, 333, 2048, 99_000] {
            let second = scratch.path().join(format!("split-{step}"));
            let mut restore = Restore::new(second.clone());
            let slices: Vec<_> = bytes.chunks(step).collect();
            let (last, others) = slices.split_last().unwrap();
            let mut parts: Vec<_> = others
                .iter()
                .map(|slice| (restore.split(slice).unwrap(), slice))
                .collect();
            restore.write(last).unwrap();
            restore.finish().unwrap();
            while let Some((mut part, slice)) = parts.pop() {
                slice.chunks(40).for_each(|few| part.write(few).unwrap());
                part.finish().unwrap();
            }
            assert_eq!(nar_of(&second, 0), bytes, "step {step}");
            assert_all_sealed(&second);
            std::fs::set_permissions(&second, std::os::unix::fs::PermissionsExt::from_mode(0o755))
                .unwrap();
        }
    }

    fn assert_all_sealed(path: &Path) {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = path.symlink_metadata().unwrap();
        assert_eq!(metadata.mtime(), 1, "{}", path.display());
        if metadata.is_dir() {
            assert_eq!(metadata.mode() & 0o777, 0o555, "{}", path.display());
            for entry in path.read_dir().unwrap() {
                assert_all_sealed(&entry.unwrap().path());
            }
        }
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
