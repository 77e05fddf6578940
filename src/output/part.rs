//! A file of a bundle before it has its name. Usually nobody looks for it and it goes away if it
//! comes to nothing; that of a copy stays, and the next copy goes on where this one ended.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use tempfile::TempPath;

use super::temporary;
use crate::media::is_lost;
use crate::media::volumes::parent;
use crate::media::writeback::Steady;

/// Where such files are made.
#[derive(Debug, Clone)]
pub(super) struct PartPlace {
    pub(super) dir: PathBuf,
    /// Whether the medium is waited for now and then.
    pub(super) in_step: bool,
    /// The bundle whose parts stay and are gone on with.
    pub(super) keep: Option<PathBuf>,
}

/// Where such a file is.
#[derive(Debug)]
pub(super) enum PartPath {
    /// It goes away when this is dropped.
    Temporary(TempPath),
    /// It stays.
    Kept(PathBuf),
}

/// A file that is being written.
#[derive(Debug)]
pub(super) struct PartFile {
    file: Steady,
    path: PartPath,
    /// How much of it was there, as far as that has not been found to be something else.
    there: u64,
    at: u64,
}

/// What a part of a bundle is called if it stays: `.dev.shellpack-copy`, and for further volumes
/// `.dev.shellpack-copy.2`. Nobody else calls files so; `dev.shellpack.part` could be a download.
pub(super) fn kept_name(bundle: &Path, number: usize) -> PathBuf {
    let bundle_name = bundle.file_name().unwrap_or_default().as_bytes();
    let stem = bundle_name.strip_suffix(b".shellpack");
    let mut name = OsString::from(".");
    name.push(OsStr::from_bytes(stem.unwrap_or(bundle_name)));
    name.push(".shellpack-copy");
    if number > 1 {
        name.push(format!(".{number}"));
    }
    bundle.with_file_name(name)
}

/// Parts that a copy of a bundle left, also one into more volumes.
pub(super) fn kept_parts(bundle: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent(bundle)).into_iter().flatten().flatten();
    let is_part = |path: &PathBuf| {
        let number = || path.extension()?.to_str()?.parse().ok();
        let names = [Some(1), number()].into_iter().flatten();
        let mut names = names.map(|number| kept_name(bundle, number));
        names.any(|name| name.file_name() == path.file_name())
            && path.symlink_metadata().is_ok_and(|part| part.is_file())
    };
    entries.map(|entry| entry.path()).filter(is_part).collect()
}

impl PartPlace {
    /// The file of a volume, of which the first has the number 1.
    pub(super) fn file(&self, number: usize) -> io::Result<PartFile> {
        let (file, path) = if let Some(bundle) = &self.keep {
            let path = kept_name(bundle, number);
            let file = open(&path).map_err(|error| about(&path, error))?;
            (file, PartPath::Kept(path))
        } else {
            let (file, path) = temporary(&self.dir)?.into_parts();
            (file, PartPath::Temporary(path))
        };
        Ok(PartFile {
            there: file.metadata()?.len(),
            file: if self.in_step {
                Steady::in_step(file)
            } else {
                Steady::new(file)
            },
            path,
            at: 0,
        })
    }
}

/// Opens a part that may be there already, and that nobody else is writing to.
fn open(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    options
        .read(true)
        .write(true)
        .create(true)
        .custom_flags(flags);
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Err(io::Error::other("another copy is writing to it")),
        // Where files cannot be locked, nobody can tell.
        _ => Ok(file),
    }
}

/// Names the file: the user has not, and knows of the directory only. An error that tells that the
/// medium fails stays what it is.
fn about(path: &Path, error: io::Error) -> io::Error {
    let path = path.display();
    match error.raw_os_error() {
        _ if is_lost(&error) => error,
        Some(code) if code == Errno::LOOP.raw_os_error() => {
            io::Error::other(format!("{path}: it is a symbolic link"))
        }
        _ => io::Error::new(error.kind(), format!("{path}: {error}")),
    }
}

impl PartFile {
    /// Everything was written. What was there of it and is too much goes.
    pub(super) fn close(self) -> io::Result<(File, PartPath)> {
        let file = self.file.into_inner();
        if self.there > self.at {
            file.set_len(self.at)?;
        }
        Ok((file, self.path))
    }

    /// How many of these bytes are there already.
    fn compare(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = usize::try_from(self.there - self.at).unwrap_or(usize::MAX);
        let mut found = vec![0; bytes.len().min(left)];
        // What cannot be read is written again.
        if self.file.get().read_exact_at(&mut found, self.at).is_err() {
            found.clear();
        }
        let same = found.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        if same < bytes.len().min(left) {
            self.there = self.at + same as u64;
            self.file.get().set_len(self.there)?;
        }
        Ok(same)
    }
}

impl Write for PartFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut n = 0;
        if self.at < self.there {
            n = self.compare(bytes)?;
            self.file.pass(n as u64);
        }
        if n == 0 {
            n = self.file.write(bytes)?;
        }
        self.at += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl PartPath {
    pub(super) fn as_path(&self) -> &Path {
        match self {
            Self::Temporary(path) => path,
            Self::Kept(path) => path,
        }
    }

    /// Where it is, if it stays.
    pub(super) fn kept(&self) -> Option<&Path> {
        match self {
            Self::Temporary(_) => None,
            Self::Kept(path) => Some(path),
        }
    }

    /// To give it another name; if that fails it goes away.
    pub(super) fn into_temporary(self) -> io::Result<TempPath> {
        match self {
            Self::Temporary(path) => Ok(path),
            Self::Kept(path) => TempPath::try_from_path(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes() -> Vec<u8> {
        (0..9000u32)
            .map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[1])
            .collect()
    }

    fn place(dir: &Path) -> PartPlace {
        PartPlace {
            dir: dir.to_owned(),
            in_step: false,
            keep: Some(dir.join("x")),
        }
    }

    /// Whatever is there: nothing, the beginning, too much, something else, or holes.
    #[test]
    fn whatever_is_there_it_becomes_what_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let part = dir.path().join(".x.shellpack-copy");
        let changed = |at: usize| {
            let mut bytes = bytes();
            bytes[at] ^= 1;
            bytes
        };
        for there in [
            vec![],
            bytes()[..1].to_vec(),
            bytes()[..4096].to_vec(),
            bytes(),
            [bytes(), vec![0; 5000]].concat(),
            changed(0),
            changed(4096),
            changed(8999),
            vec![0; 9000],
        ] {
            fs::write(&part, there).unwrap();
            let mut file = place(dir.path()).file(1).unwrap();
            for piece in bytes().chunks(700) {
                file.write_all(piece).unwrap();
            }
            let (_, path) = file.close().unwrap();
            assert_eq!(path.as_path(), part);
            assert!(fs::read(&part).unwrap() == bytes());
        }
    }

    #[test]
    fn what_is_there_is_not_written_again() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".x.shellpack-copy"), &bytes()[..8000]).unwrap();
        let mut file = place(dir.path()).file(1).unwrap();
        assert_eq!(file.write(&bytes()).unwrap(), 8000);
        assert_eq!(file.write(&bytes()[8000..]).unwrap(), 1000);
    }

    #[test]
    fn two_do_not_write_to_one() {
        let dir = tempfile::tempdir().unwrap();
        let _first = place(dir.path()).file(1).unwrap();
        let error = place(dir.path()).file(1).unwrap_err();
        let part = kept_name(&dir.path().join("x"), 1);
        let said = format!("{}: another copy is writing to it", part.display());
        assert_eq!(error.to_string(), said);
        place(dir.path()).file(2).unwrap();
        assert_eq!(kept_parts(&dir.path().join("x")).len(), 2);
    }

    #[test]
    fn only_what_a_copy_left_is_its_part() {
        let dir = tempfile::tempdir().unwrap();
        let bundle = dir.path().join("x.shellpack");
        for name in [
            ".x.shellpack-copy",
            ".x.shellpack-copy.2",
            ".x.shellpack-copy.1",
            ".x.shellpack-copy.02",
            ".x.shellpack-copy.part",
            ".y.shellpack-copy",
            "x.shellpack.part",
            "x.shellpack.2.part",
        ] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let mut parts = kept_parts(&bundle);
        parts.sort();
        assert_eq!(parts, [1, 2].map(|number| kept_name(&bundle, number)));
    }
}
