//! Removes trees, however deep: with few open directories, and without long paths. A tree that could be
//! made and not removed would be in the way of the path forever.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::error::{Error, Result};

/// How many levels of directories are open at a time. Directories below them are moved to the top
/// first.
const LEVELS: usize = 12;

/// Removes a tree of files whose directories may be read-only. What does not exist is no error.
pub fn delete_tree(path: &Path) -> Result<()> {
    delete(path).map_err(Error::io("remove", path))
}

fn delete(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.is_dir() => return fs::remove_file(path),
        Ok(_) => {}
    }
    let top = open(CWD, path)?;
    let mut deletion = Deletion { top, moved: 0 };
    loop {
        let before = deletion.moved;
        deletion.clear(deletion.top.try_clone()?, 0)?;
        if deletion.moved == before {
            break;
        }
    }
    fs::remove_dir(path)
}

struct Deletion {
    top: OwnedFd,
    /// How many directories were moved to the top.
    moved: u64,
}

impl Deletion {
    /// Removes all entries, or moves them to the top.
    fn clear(&mut self, dir: OwnedFd, level: usize) -> io::Result<()> {
        for name in entries(&dir)? {
            match rustix::fs::unlinkat(&dir, &name, AtFlags::empty()) {
                Ok(()) => continue,
                // Linux says the first, and some file systems the second.
                Err(Errno::ISDIR | Errno::PERM) if is_directory(&dir, &name)? => {}
                Err(error) => return Err(error.into()),
            }
            let below = open(&dir, &name)?;
            if level < LEVELS {
                self.clear(below, level + 1)?;
                rustix::fs::unlinkat(&dir, &name, AtFlags::REMOVEDIR)?;
            } else {
                drop(below);
                self.move_to_top(&dir, &name)?;
            }
        }
        Ok(())
    }

    fn move_to_top(&mut self, dir: &OwnedFd, name: &CString) -> io::Result<()> {
        loop {
            self.moved += 1;
            let place = format!(".to-delete-{}", self.moved);
            match rustix::fs::renameat_with(dir, name, &self.top, place, RenameFlags::NOREPLACE) {
                Err(Errno::EXIST) => {}
                other => return other.map_err(Into::into),
            }
        }
    }
}

fn entries(dir: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

fn is_directory(dir: &OwnedFd, name: &CString) -> io::Result<bool> {
    let status = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(status.st_mode) == FileType::Directory)
}

/// Opens a directory, and makes it writable.
fn open(dir: impl AsFd, name: impl rustix::path::Arg + Copy) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = match rustix::fs::openat(&dir, name, flags | OFlags::RDONLY, Mode::empty()) {
        Err(Errno::ACCESS) => {
            let place = rustix::fs::openat(&dir, name, flags | OFlags::PATH, Mode::empty())?;
            let place = format!("/proc/self/fd/{}", place.as_raw_fd());
            fs::set_permissions(&place, fs::Permissions::from_mode(0o700))?;
            rustix::fs::openat(&dir, name, flags | OFlags::RDONLY, Mode::empty())?
        }
        other => other?,
    };
    rustix::fs::fchmod(&opened, Mode::RWXU)?;
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_removed_however_deep() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().join("top");
        fs::create_dir(&top).unwrap();
        // Longer than any path that the system takes.
        let name = "d".repeat(250);
        let mut at = open(CWD, top.as_path()).unwrap();
        for level in 0..60 {
            rustix::fs::mkdirat(&at, name.as_str(), Mode::RWXU).unwrap();
            rustix::fs::symlinkat("nowhere", &at, "link").unwrap();
            rustix::fs::mkdirat(&at, ".to-delete-1", Mode::RWXU).unwrap();
            let next = open(&at, name.as_str()).unwrap();
            rustix::fs::fchmod(&at, Mode::from_raw_mode([0o555, 0][level % 2])).unwrap();
            at = next;
        }
        delete_tree(&top).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        delete_tree(&top).unwrap();
    }

    #[test]
    fn a_symlink_is_removed_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (kept, link) = (dir.path().join("kept"), dir.path().join("link"));
        fs::create_dir(&kept).unwrap();
        std::os::unix::fs::symlink(&kept, &link).unwrap();
        delete_tree(&link).unwrap();
        assert!(kept.exists() && fs::symlink_metadata(&link).is_err());
    }
}
