//! A pipe with a name. Whoever is to write to it may never come, and then Ctrl-C must still end the
//! wait: opening and reading would be taken up again after a signal, but waiting for it is not.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};

/// The end of it that is read.
#[derive(Debug)]
pub(super) struct Fifo(File);

impl Fifo {
    /// Opens it, without waiting for somebody who writes to it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?.into()))
    }
}

impl Read for Fifo {
    /// Until somebody has opened the other end, this is no end of file.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // Of this kind, since what is merely `Interrupted` is tried again.
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
