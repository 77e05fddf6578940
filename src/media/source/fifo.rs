//! A named pipe. Its writer may never come, and Ctrl-C must still end the wait.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use crate::interrupt::Attentive;

/// Opens the reading end without waiting for a writer. Before a writer has opened it, reading waits.
pub(super) fn open(path: &Path) -> io::Result<Attentive<File>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    Ok(Attentive(file.into()))
}
