//! Directories in which this process has temporary files. A process that is killed leaves them behind;
//! the next one that works there removes them.
//!
//! A process that works in a directory has a shared lock on it. So if an exclusive one can be had, nobody
//! does, and what has the name of a temporary file there is a leftover. On a file system without such
//! locks, nothing is removed.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::interrupt;

/// How many characters of a temporary name are random.
const RANDOM: usize = 6;
/// How often, and after which time, to look again whether another process has removed its leftovers.
const TRIES: u32 = 100;
const POLL: Duration = Duration::from_millis(20);

/// A kind of temporary files or directories, by the beginning and the end of their names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Temporary {
    /// Before the random part.
    pub(crate) prefix: &'static str,
    /// Behind it.
    pub(crate) suffix: &'static str,
}

/// A directory that this process works in, for as long as this exists.
#[derive(Debug)]
pub(crate) struct Workplace {
    _lock: Option<File>,
}

impl Workplace {
    /// Comes to work in a directory. What processes that were killed have left of this kind is given
    /// to `remove`.
    pub(crate) fn enter(dir: &Path, kind: Temporary, remove: impl Fn(&Path)) -> Self {
        let mut options = File::options();
        let flags = (OFlags::DIRECTORY | OFlags::NONBLOCK).bits().cast_signed();
        let Ok(own) = options.read(true).custom_flags(flags).open(dir) else {
            return Self { _lock: None };
        };
        if flock(&own, FlockOperation::NonBlockingLockExclusive).is_ok() {
            remove_leftovers(dir, kind, remove);
        }
        for _ in 0..TRIES {
            match flock(&own, FlockOperation::NonBlockingLockShared) {
                Ok(()) => return Self { _lock: Some(own) },
                Err(Errno::WOULDBLOCK) if interrupt::ensure_none().is_ok() => {}
                Err(_) => break,
            }
            std::thread::sleep(POLL);
        }
        Self { _lock: None }
    }

    /// Comes to work in a directory of which this process has an exclusive lock already, and keeps it.
    pub(crate) fn locked(dir: &Path, kind: Temporary, remove: impl Fn(&Path)) -> Self {
        remove_leftovers(dir, kind, remove);
        Self { _lock: None }
    }
}

fn remove_leftovers(dir: &Path, kind: Temporary, remove: impl Fn(&Path)) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let is_leftover = entry.metadata().is_ok_and(|found| is_own(&found));
        if is_leftover && kind.has(&entry.file_name()) {
            remove(&entry.path());
        }
    }
}

impl Temporary {
    fn has(self, name: &OsStr) -> bool {
        let middle = name.as_bytes().strip_prefix(self.prefix.as_bytes());
        let random = middle.and_then(|rest| rest.strip_suffix(self.suffix.as_bytes()));
        random.is_some_and(|random| {
            random.len() == RANDOM && random.iter().all(u8::is_ascii_alphanumeric)
        })
    }
}

fn is_own(found: &Metadata) -> bool {
    (found.is_dir() || found.is_file()) && found.uid() == geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Temporary = Temporary {
        prefix: ".x-",
        suffix: ".part",
    };

    fn enter(dir: &Path) -> Workplace {
        Workplace::enter(dir, KIND, |left| fs::remove_file(left).unwrap())
    }

    #[test]
    fn only_leftovers_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let others = [
            ".x-abcdef",
            ".x-abcde.part",
            ".x-a.cdef.part",
            "x",
            ".x-abcdef.part.old",
        ];
        for name in others.iter().chain(&[".x-abcdef.part"]) {
            fs::write(at(name), "").unwrap();
        }
        std::os::unix::fs::symlink("x", at(".x-linked.part")).unwrap();
        drop(enter(dir.path()));
        assert!(!at(".x-abcdef.part").exists());
        assert!(others.iter().all(|name| at(name).exists()));
        assert!(at(".x-linked.part").is_symlink());
    }

    #[test]
    fn nothing_is_removed_where_somebody_works() {
        let dir = tempfile::tempdir().unwrap();
        let first = enter(dir.path());
        let part = dir.path().join(".x-abcdef.part");
        fs::write(&part, "").unwrap();
        let second = enter(dir.path());
        assert!(part.exists());
        drop((first, second));
        drop(enter(dir.path()));
        assert!(!part.exists());
    }
}
