//! Nix's locks, taken by Nix's rules, so that builds, substitutions, garbage collections and other
//! imports can run at the same time.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::error::{Conflict, Error, Result};
use crate::report::Report;
use crate::text::shown;
use shellpack_format::store::store_path::LOCK;

/// Files in the state directory: Nix's own lock of its garbage collector, and ours of imports.
const COLLECTOR: &str = "gc.lock";
const IMPORT: &str = "shellpack-import.lock";

/// How long to wait between two tries for a lock.
const POLL: Duration = Duration::from_millis(50);

/// The lock of one store path (`pathlocks.cc`). The process that creates the path holds it.
#[derive(Debug)]
pub(crate) struct PathLock {
    file: File,
    path: PathBuf,
}

impl PathLock {
    /// Waits for the lock of a store path.
    pub(crate) fn take(store_path: &Path, report: &Report) -> Result<Self> {
        let path = place_of_lock(store_path);
        loop {
            ensure_lockable(store_path)?;
            let file = open(&path)?;
            lock(&file, Kind::Exclusive, &path, report)?;
            // The previous holder marks the file after it deletes it; a marked file is no longer a
            // lock. One that is still there is refused when it is looked at again.
            if file.metadata().map_err(Error::io("lock", &path))?.len() == 0 {
                return Ok(Self { file, path });
            }
            report.ensure_not_interrupted()?;
        }
    }

    /// The file that is locked. Whoever has a copy of it has the lock.
    pub(crate) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it to another process, which has a copy of the file.
    pub(crate) fn leave(self) {
        std::mem::forget(self);
    }
}

impl Drop for PathLock {
    fn drop(&mut self) {
        give_up(&self.path, &mut self.file);
    }
}

/// Deletes a lock that is held, and marks it as Nix does, so that those who wait for it know that it is
/// none any more. Whatever else is in its place by now is not ours to delete.
pub(crate) fn give_up(path: &Path, held: &mut File) {
    if held.metadata().is_ok_and(|own| is_at(path, &own)) && fs::remove_file(path).is_err() {
        // With the mark, it could never be taken again.
        return;
    }
    let _ = held.write_all(b"d");
}

/// Keeps the garbage collector from starting: a shared lock. The collector itself needs an exclusive
/// one.
#[derive(Debug)]
pub(crate) struct CollectorLock {
    _file: File,
}

impl CollectorLock {
    /// Waits for a running collection to end.
    pub(crate) fn take(state: &Path, report: &Report) -> Result<Self> {
        let file = locked(&state.join(COLLECTOR), Kind::Shared, report)?;
        Ok(Self { _file: file })
    }

    /// Becomes the garbage collector: waits for imports and other collections to end.
    pub(crate) fn take_alone(state: &Path, report: &Report) -> Result<Self> {
        let file = locked(&state.join(COLLECTOR), Kind::Exclusive, report)?;
        Ok(Self { _file: file })
    }
}

/// Allows one import at a time: each holds many path locks, and two imports could wait for each
/// other.
#[derive(Debug)]
pub(crate) struct ImportLock {
    _file: File,
}

impl ImportLock {
    /// Waits for another import into this store to end.
    pub(crate) fn take(state: &Path, report: &Report) -> Result<Self> {
        let file = locked(&state.join(IMPORT), Kind::Exclusive, report)?;
        Ok(Self { _file: file })
    }
}

fn place_of_lock(store_path: &Path) -> PathBuf {
    let mut name = store_path.as_os_str().to_owned();
    name.push(LOCK);
    PathBuf::from(name)
}

/// Fails if something is in the place of a path's lock that is no lock: Nix would open it all the
/// same, through a symlink, too, and delete it afterwards. So this is asked before Nix is given a path.
pub(crate) fn ensure_lockable(store_path: &Path) -> Result<()> {
    let path = place_of_lock(store_path);
    let there = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(Error::io("lock", &path))?,
    };
    let owner_of_store = store_path.parent().and_then(|store| store.metadata().ok());
    let is_ours = there.uid() == geteuid().as_raw()
        || owner_of_store.is_some_and(|store| store.uid() == there.uid());
    let what = match oddity(&there) {
        None if !is_ours => "another user's file",
        // A lock is marked only after it is deleted. Nix would wait for this one for ever.
        None if there.len() > 0 => "not empty",
        None => return Ok(()),
        Some(what) => what,
    };
    Err(Conflict::NotALock {
        path: store_path.to_owned(),
        lock: path,
        what,
    }
    .into())
}

/// The kind of a file that is no lock: a lock is a regular file with one name.
fn oddity(file: &Metadata) -> Option<&'static str> {
    let kind = file.file_type();
    if kind.is_symlink() {
        Some("a symlink")
    } else if kind.is_dir() {
        Some("a directory")
    } else if !kind.is_file() {
        Some("not a regular file")
    } else if file.nlink() > 1 {
        Some("a file with more than one name")
    } else {
        None
    }
}

/// Whether a file is what has this path.
fn is_at(path: &Path, file: &Metadata) -> bool {
    let there = fs::symlink_metadata(path);
    there.is_ok_and(|there| (there.dev(), there.ino()) == (file.dev(), file.ino()))
}

/// Opens a lock, or makes it. Nothing is opened but a regular file.
fn open(path: &Path) -> Result<File> {
    let refused = |what| Conflict::NotALockFile {
        lock: path.to_owned(),
        what,
    };
    if let Ok(there) = fs::symlink_metadata(path)
        && let Some(what) = oddity(&there)
    {
        return Err(refused(what).into());
    }
    // It may have been replaced meanwhile.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(Error::io("lock", path))?;
    let opened = file.metadata().map_err(Error::io("lock", path))?;
    match oddity(&opened) {
        Some(what) => Err(refused(what).into()),
        None => Ok(file),
    }
}

/// Waits for a lock of the state directory.
fn locked(path: &Path, kind: Kind, report: &Report) -> Result<File> {
    let file = open(path)?;
    lock(&file, kind, path, report)?;
    Ok(file)
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
