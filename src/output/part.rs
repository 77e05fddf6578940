//! A file of a bundle under a temporary name. Usually it disappears if writing fails; that of a
//! copy stays, and the next copy continues it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use tempfile::TempPath;

use super::{TEMPORARY, temporary};
use crate::media::is_lost;
use crate::media::volumes::parent;
use crate::media::workplace::Workplace;
use crate::media::writeback::Steady;
use crate::text::shown;

/// The place for such files.
#[derive(Debug, Clone)]
pub(super) struct PartPlace {
    dir: PathBuf,
    /// The bundle whose parts stay and are continued.
    keep: Option<PathBuf>,
    /// As long as it is held, the parts are nobody's leftovers.
    pub(super) workplace: Arc<Workplace>,
}

/// The path of such a file.
#[derive(Debug)]
pub(super) enum PartPath {
    /// The file is deleted when this is dropped.
    Temporary(
        TempPath,
        #[expect(dead_code, reason = "while it is held, the file is nobody's leftover")]
        Arc<Workplace>,
    ),
    /// The file stays.
    Kept(PathBuf),
}

/// A file that is being written.
#[derive(Debug)]
pub(super) struct PartFile {
    file: Steady,
    path: PartPath,
    /// The size of the old content that has matched so far.
    there: u64,
    at: u64,
}

/// The name of a part that stays: `.dev.shellpack-copy`, and for further volumes
/// `.dev.shellpack-copy.2`. Other programs do not use such names, while `dev.shellpack.part` could
/// be a download.
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

/// The parts that a copy of a bundle has left, also of one with more volumes.
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
    /// A directory, and the bundle whose parts stay. Parts that others left there are removed.
    pub(super) fn new(dir: &Path, keep: Option<&PathBuf>) -> Self {
        let workplace = Workplace::enter(dir, TEMPORARY, |part| {
            let _ = fs::remove_file(part);
        });
        Self {
            dir: dir.to_owned(),
            keep: keep.cloned(),
            workplace: Arc::new(workplace),
        }
    }

    /// The file of a volume. The first one has the number 1.
    pub(super) fn file(&self, number: usize) -> io::Result<PartFile> {
        let (file, path) = if let Some(bundle) = &self.keep {
            let path = kept_name(bundle, number);
            let file = open(&path).map_err(|error| about(&path, error))?;
            (file, PartPath::Kept(path))
        } else {
            let (file, path) = temporary(&self.dir)?.into_parts();
            (file, PartPath::Temporary(path, Arc::clone(&self.workplace)))
        };
        Ok(PartFile {
            there: file.metadata()?.len(),
            file: Steady::new(file),
            path,
            at: 0,
        })
    }
}

/// Opens a part that may exist already, and that no other process writes to.
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
        // A file system without locks cannot tell.
        _ => Ok(file),
    }
}

/// Adds the path, since the user has named only the directory. An error that reveals a failing
/// medium is left unchanged.
fn about(path: &Path, error: io::Error) -> io::Error {
    let path = shown(path);
    match error.raw_os_error() {
        _ if is_lost(&error) => error,
        Some(code) if code == Errno::LOOP.raw_os_error() => {
            io::Error::other(format!("{path}: it is a symbolic link"))
        }
        _ => io::Error::new(error.kind(), format!("{path}: {error}")),
    }
}

impl PartFile {
    /// Lets all run it who may read it. A file system without modes lets everything run, or nothing.
    pub(super) fn make_executable(&self) {
        let file = self.file.get();
        let Ok(metadata) = file.metadata() else {
            return;
        };
        let mode = metadata.permissions().mode();
        let mode = fs::Permissions::from_mode(mode | (mode & 0o444) >> 2);
        let _ = file.set_permissions(mode);
    }

    /// Completes the file. Excess old content is cut off. Also returns how many of its bytes may not
    /// be on the medium.
    pub(super) fn close(self) -> io::Result<(File, u64, PartPath)> {
        let (file, rest) = self.file.finish()?;
        if self.there > self.at {
            file.set_len(self.at)?;
        }
        Ok((file, rest, self.path))
    }

    /// How many of these bytes the file already has.
    fn compare(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = usize::try_from(self.there - self.at).unwrap_or(usize::MAX);
        let mut found = vec![0; bytes.len().min(left)];
        // Unreadable bytes are written again.
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
            Self::Temporary(path, _) => path,
            Self::Kept(path) => path,
        }
    }

    /// The path, if the file stays.
    pub(super) fn kept(&self) -> Option<&Path> {
        match self {
            Self::Temporary(..) => None,
            Self::Kept(path) => Some(path),
        }
    }

    /// Prepares the file for its final name. If that fails, it is deleted.
    pub(super) fn into_temporary(self) -> io::Result<TempPath> {
        match self {
            Self::Temporary(path, _) => Ok(path),
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
        PartPlace::new(dir, Some(&dir.join("x")))
    }

    /// With any old content: nothing, the beginning, too much, other bytes, or holes.
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
            let (_, _, path) = file.close().unwrap();
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
