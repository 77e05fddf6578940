//! A directory that is held open. Whatever somebody else does to its name meanwhile, all that is made
//! in it is made in this one, and no symlink in it is followed.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, Timespec, Timestamps, chmodat, fchmod, mkdirat,
    openat, renameat, renameat_with, statat, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;

/// The directory.
#[derive(Debug)]
pub(super) struct Held(File);

impl Held {
    /// Holds a directory that the user named, perhaps by a symlink.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(opened(CWD, path, OFlags::empty())?.into()))
    }

    /// Holds the directory in this one that is really there, and no symlink.
    pub(super) fn below(&self, relative: &Path) -> io::Result<Self> {
        let mut at = self.0.try_clone()?;
        for part in relative.components() {
            let part: &Path = part.as_ref();
            at = opened(&at, part, OFlags::NOFOLLOW)?.into();
        }
        Ok(Self(at))
    }

    /// The kind of file that it is.
    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.0.metadata()
    }

    /// Whether the other one is this one.
    pub(super) fn is(&self, other: &Self) -> io::Result<bool> {
        let (one, other) = (self.metadata()?, other.metadata()?);
        Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
    }

    /// Makes a directory.
    pub(super) fn make_directory(&self, at: &Path, mode: u32) -> io::Result<()> {
        let (dir, name) = self.place(at)?;
        Ok(mkdirat(&dir.0, name, Mode::from_raw_mode(mode))?)
    }

    /// Makes a symlink.
    pub(super) fn make_link(&self, at: &Path, target: &str) -> io::Result<()> {
        let (dir, name) = self.place(at)?;
        Ok(symlinkat(target, &dir.0, name)?)
    }

    /// Makes a file, and opens it for writing.
    pub(super) fn make_file(&self, at: &Path, mode: u32) -> io::Result<File> {
        let (dir, name) = self.place(at)?;
        let new = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY;
        let flags = new | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&dir.0, name, flags, Mode::from_raw_mode(mode))?;
        Ok(file.into())
    }

    /// Moves what is there to a place in another directory. Only with `replaces` may there be
    /// something else.
    pub(super) fn move_to(
        &self,
        at: &Path,
        to: &Self,
        place: &Path,
        replaces: bool,
    ) -> io::Result<()> {
        let (from, name) = self.place(at)?;
        let (to, new_name) = to.place(place)?;
        if !replaces {
            match renameat_with(&from.0, name, &to.0, new_name, RenameFlags::NOREPLACE) {
                // Some file systems do not know it.
                Err(Errno::INVAL | Errno::NOSYS) => {}
                other => return Ok(other?),
            }
            if statat(&to.0, new_name, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
                return Err(Errno::EXIST.into());
            }
        }
        Ok(renameat(&from.0, name, &to.0, new_name)?)
    }

    /// Removes a file or a symlink.
    pub(super) fn remove_file(&self, at: &Path) -> io::Result<()> {
        let (dir, name) = self.place(at)?;
        Ok(unlinkat(&dir.0, name, AtFlags::empty())?)
    }

    /// Removes an empty directory.
    pub(super) fn remove_directory(&self, at: &Path) -> io::Result<()> {
        let (dir, name) = self.place(at)?;
        Ok(unlinkat(&dir.0, name, AtFlags::REMOVEDIR)?)
    }

    /// The permissions of what is there.
    pub(super) fn mode(&self, at: &Path) -> io::Result<u32> {
        let (dir, name) = self.place(at)?;
        Ok(statat(&dir.0, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode & 0o777)
    }

    /// Sets the permissions of a directory.
    pub(super) fn set_mode(&self, at: &Path, mode: u32) -> io::Result<()> {
        let directory = self.below(at)?;
        Ok(fchmod(&directory.0, Mode::from_raw_mode(mode))?)
    }

    /// Takes permissions from what is there: it keeps those that `mode` has.
    pub(super) fn restrict(&self, at: &Path, mode: u32) -> io::Result<()> {
        let (dir, name) = self.place(at)?;
        let old = statat(&dir.0, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode;
        Ok(chmodat(
            &dir.0,
            name,
            Mode::from_raw_mode(old & mode & 0o777),
            AtFlags::empty(),
        )?)
    }

    /// Sets the modification time of what is there.
    pub(super) fn set_time(&self, at: &Path, time: Timespec) -> io::Result<()> {
        let (dir, name) = self.place(at)?;
        let times = Timestamps {
            last_access: time,
            last_modification: time,
        };
        Ok(utimensat(&dir.0, name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// The directory that a place is in, step by step, and its name there.
    fn place<'a>(&self, at: &'a Path) -> io::Result<(Self, &'a Path)> {
        let dir = self.below(at.parent().unwrap_or(Path::new("")))?;
        Ok((dir, at.file_name().map_or(at, Path::new)))
    }
}

fn opened(dir: impl std::os::fd::AsFd, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let flags = flags | OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    openat(dir, path, flags, Mode::empty())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn no_symlink_on_the_way_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("held/inner")).unwrap();
        fs::create_dir(at("else")).unwrap();
        symlink(at("else"), at("held/link")).unwrap();
        let held = Held::open(&at("held")).unwrap();
        for place in ["link/x", "inner/../link/x"] {
            assert!(held.make_file(Path::new(place), 0o644).is_err(), "{place}");
            assert!(held.make_directory(Path::new(place), 0o755).is_err());
            assert!(held.make_link(Path::new(place), "x").is_err());
        }
        held.make_file(Path::new("inner/x"), 0o644).unwrap();
        let twice = held.make_file(Path::new("inner/x"), 0o644).unwrap_err();
        assert_eq!(twice.kind(), io::ErrorKind::AlreadyExists);
        assert!(
            held.move_to(Path::new("inner/x"), &held, Path::new("link/x"), true)
                .is_err()
        );
        assert_eq!(fs::read_dir(at("else")).unwrap().count(), 0);
    }

    #[test]
    fn it_stays_the_same_when_its_name_leads_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("held")).unwrap();
        let held = Held::open(&at("held")).unwrap();
        fs::rename(at("held"), at("moved")).unwrap();
        symlink("/", at("held")).unwrap();
        held.make_file(Path::new("x"), 0o600).unwrap();
        assert!(at("moved/x").exists());
        assert!(!held.is(&Held::open(&at("held")).unwrap()).unwrap());
    }

    #[test]
    fn what_appears_meanwhile_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let held = Held::open(dir.path()).unwrap();
        for name in ["a", "b"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let (a, b) = (Path::new("a"), Path::new("b"));
        let error = held.move_to(a, &held, b, false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        held.move_to(a, &held, b, true).unwrap();
        assert_eq!(fs::read(dir.path().join("b")).unwrap(), b"a");
        held.restrict(b, 0o400).unwrap();
        let mode = fs::metadata(dir.path().join("b"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o400);
    }
}
