//! Ctrl-C, where the process waits for others: for the writer of a pipe, for Nix's daemon, for a
//! medium. Such a wait may have no end, so it looks at the flag now and then.
//!
//! Signals belong to the whole process, hence the static. Where work goes on by itself, it asks
//! [`Report::ensure_not_interrupted`](crate::report::Report::ensure_not_interrupted), which has the
//! same flag.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// The time between two looks at the flag.
pub(crate) const PATIENCE: Duration = Duration::from_millis(100);
/// How many bytes of a file are read or copied between two looks.
const STEP: usize = 1 << 20;

static FLAG: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// The flag that a signal sets.
pub(crate) fn flag() -> Arc<AtomicBool> {
    Arc::clone(&FLAG)
}

/// Fails after Ctrl-C. Not as [`ErrorKind::Interrupted`], which would be retried.
pub(crate) fn ensure_none() -> io::Result<()> {
    if FLAG.load(Ordering::Relaxed) {
        return Err(io::Error::other("interrupted"));
    }
    Ok(())
}

/// Waits until something can be read, or the other end is closed.
pub(crate) fn wait_for_input(input: &impl AsFd) -> io::Result<()> {
    let patience = Timespec::try_from(PATIENCE).map_err(io::Error::other)?;
    loop {
        ensure_none()?;
        let mut fds = [PollFd::new(input, PollFlags::IN)];
        match poll(&mut fds, Some(&patience)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            ready => return ready.map(drop).map_err(Into::into),
        }
    }
}

/// A file, a pipe or a socket; reading from it ends at Ctrl-C.
#[derive(Debug)]
pub(crate) struct Attentive<T>(pub(crate) T);

impl<T: Read + AsFd> Read for Attentive<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            wait_for_input(&self.0)?;
            match self.0.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }
}

impl Attentive<UnixStream> {
    /// A socket; writing to it ends at Ctrl-C, too.
    pub(crate) fn socket(stream: UnixStream) -> io::Result<Self> {
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(stream))
    }
}

impl Write for Attentive<UnixStream> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            ensure_none()?;
            match self.0.write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Hands a file to `sink` in steps.
pub(crate) fn read_in_steps(
    file: &Path,
    mut sink: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut from = File::open(file)?;
    let mut buffer = vec![0; STEP];
    loop {
        ensure_none()?;
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => sink(&buffer[..n])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Copies a file with its mode. The copy shares the original's blocks where that is possible.
pub(crate) fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let original = File::open(from)?;
    let mut copy = File::create(to)?;
    if rustix::fs::ioctl_ficlone(&copy, &original).is_err() {
        read_in_steps(from, |step| copy.write_all(step))?;
    }
    fs::set_permissions(to, original.metadata()?.permissions())
}
