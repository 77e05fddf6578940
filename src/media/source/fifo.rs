//! A named pipe. Its writer may never come, and Ctrl-C must still end the wait: opening and reading
//! would be resumed after a signal, but polling is not.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};

/// The reading end.
#[derive(Debug)]
pub(super) struct Fifo(File);

impl Fifo {
    /// Opens it without waiting for a writer.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?.into()))
    }
}

impl Read for Fifo {
    /// Before a writer has opened it, this is not the end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // An error of another kind, since `Interrupted` would be retried.
            let interrupted = |error: rustix::io::Errno| match error.kind() {
                ErrorKind::Interrupted => io::Error::other("interrupted"),
                _ => error.into(),
            };
            poll(&mut [PollFd::new(&self.0, PollFlags::IN)], None).map_err(interrupted)?;
            match self.0.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }
}
