//! The lock of a project's directory: two commands that compare and replace its files take turns.
//!
//! It is the lock of a [`Workplace`](crate::media::workplace::Workplace), and exclusive: whoever works in
//! the directory otherwise is waited for, too.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::Result;
use crate::report::Report;

/// The time between two looks at a lock that another process has.
const PAUSE: Duration = Duration::from_millis(50);

/// A lock that clones share.
#[derive(Debug, Clone, Default)]
pub(super) struct Lock(Arc<Mutex<Option<File>>>);

impl Lock {
    /// Waits until no other command changes the directory. A file system without locks has none.
    pub(super) fn take(&self, directory: &Path, report: &Report) -> Result<()> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_some() {
            return Ok(());
        }
        // One that cannot be read has no lock either.
        let Ok(file) = File::open(directory) else {
            return Ok(());
        };
        let mut waiting = None;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK) => {}
                Err(Errno::INTR) => continue,
                Err(_) => return Ok(()),
            }
            waiting.get_or_insert_with(|| report.waiting("another command in this directory"));
            report.ensure_not_interrupted()?;
            std::thread::sleep(PAUSE);
        }
        *held = Some(file);
        Ok(())
    }

    /// Whether this command has it.
    pub(super) fn is_held(&self) -> bool {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.is_some()
    }

    pub(super) fn release(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
