//! Nix's locks, taken by Nix's rules, so that builds, substitutions, garbage collections and other
//! imports can run at the same time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::report::Report;
use crate::text::shown;

/// How long to wait between two tries for a lock.
const POLL: Duration = Duration::from_millis(50);

/// The lock of one store path (`pathlocks.cc`). The process that creates the path holds it.
#[derive(Debug)]
pub(super) struct PathLock {
    file: File,
    path: PathBuf,
}

impl PathLock {
    /// Waits for the lock of a store path.
    pub(super) fn take(store_path: &Path, report: &Report) -> Result<Self> {
        let mut name = store_path.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        loop {
            let file = open(&path)?;
            lock(&file, Kind::Exclusive, &path, report)?;
            // The previous holder marks the file when it deletes it; a marked file is no longer a
            // lock.
            if file.metadata().map_err(Error::io("lock", &path))?.len() == 0 {
                return Ok(Self { file, path });
            }
        }
    }

    /// The file that is locked. Whoever has a copy of it has the lock.
    pub(super) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it to another process, which has a copy of the file.
    pub(super) fn leave(self) {
        std::mem::forget(self);
    }
}

impl Drop for PathLock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        let _ = self.file.write_all(b"d");
    }
}

/// Keeps the garbage collector from starting. It is a shared lock; the collector needs an exclusive
/// one.
#[derive(Debug)]
pub(super) struct CollectorLock {
    _file: File,
}

impl CollectorLock {
    /// Waits for a running collection to end.
    pub(super) fn take(state: &Path, report: &Report) -> Result<Self> {
        let path = state.join("gc.lock");
        let file = open(&path)?;
        lock(&file, Kind::Shared, &path, report)?;
        Ok(Self { _file: file })
    }
}

/// Allows one import at a time: each holds many path locks, and two imports could wait for each
/// other.
#[derive(Debug)]
pub(super) struct ImportLock {
    _file: File,
}

impl ImportLock {
    /// Waits for another import into this store to end.
    pub(super) fn take(state: &Path, report: &Report) -> Result<Self> {
        let path = state.join("shellpack-import.lock");
        let file = open(&path)?;
        lock(&file, Kind::Exclusive, &path, report)?;
        Ok(Self { _file: file })
    }
}

fn open(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(Error::io("lock", path))
}

enum Kind {
    Shared,
    Exclusive,
}

fn holder(path: &Path) -> String {
    format!("another process that holds {}", shown(path))
}

/// Waits for a lock without a limit, but reports the wait and can be interrupted.
fn lock(file: &File, kind: Kind, path: &Path, report: &Report) -> Result<()> {
    let operation = match kind {
        Kind::Shared => FlockOperation::NonBlockingLockShared,
        Kind::Exclusive => FlockOperation::NonBlockingLockExclusive,
    };
    let mut waiting = None;
    loop {
        match flock(file, operation) {
            Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) => {
                waiting.get_or_insert_with(|| report.waiting(&holder(path)));
                report.ensure_not_interrupted()?;
                std::thread::sleep(POLL);
            }
            other => return other.map_err(|error| Error::io("lock", path)(error.into())),
        }
    }
}
