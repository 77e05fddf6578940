//! The input that a bundle is read from. A pipe is enough; from a file, segments can be read at the
//! same time.

use std::io::{self, ErrorKind, Read};

use super::{BadBundle, BadVolume};

/// A failure to read a bundle.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bundle has a fault.
    #[error(transparent)]
    Bad(#[from] BadBundle),
    /// Its bytes could not be read.
    #[error(transparent)]
    Io(io::Error),
}

/// An input that consists of volumes reports faults of its own.
impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<BadVolume>() {
            Ok(bad) => Self::Bad(bad.into()),
            Err(error) => Self::Io(error),
        }
    }
}

/// The source of a bundle's bytes: in order, some of which can be skipped.
pub trait Input: Read {
    /// Skips bytes that are not needed. Fails with `UnexpectedEof` if there are fewer.
    fn skip(&mut self, bytes: u64) -> io::Result<()>;

    /// Hands out the next bytes, to be read while this input goes on behind them.
    fn detach(&mut self, bytes: u64) -> io::Result<Content>;

    /// Whether the input has ended. If not, this may consume a byte.
    fn is_over(&mut self) -> io::Result<bool> {
        Ok(read_some(self, &mut [0])? == 0)
    }
}

/// Bytes of a bundle that can be read while its reader goes on behind them.
pub type Content = Box<dyn Read + Send>;

/// An input that cannot seek, such as a pipe. Any [`Read`] will do.
#[derive(Debug)]
pub struct Piped<R>(pub R);

impl<R: Read> Read for Piped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read> Input for Piped<R> {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        match io::copy(&mut (&mut self.0).take(bytes), &mut io::sink())? {
            n if n == bytes => Ok(()),
            _ => Err(ErrorKind::UnexpectedEof.into()),
        }
    }

    /// The bytes behind these can only be read after them, so these are held in memory.
    fn detach(&mut self, bytes: u64) -> io::Result<Content> {
        let mut content = Vec::new();
        (&mut self.0).take(bytes).read_to_end(&mut content)?;
        if content.len() as u64 != bytes {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(Box::new(io::Cursor::new(content)))
    }
}

impl<I: Input + ?Sized> Input for Box<I> {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        (**self).skip(bytes)
    }

    fn detach(&mut self, bytes: u64) -> io::Result<Content> {
        (**self).detach(bytes)
    }

    fn is_over(&mut self) -> io::Result<bool> {
        (**self).is_over()
    }
}

/// Reads what there is, again if a signal interrupted it.
pub(super) fn read_some(input: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Reads a whole piece of a member.
pub(super) fn exactly(
    input: &mut (impl Read + ?Sized),
    buffer: &mut [u8],
    within: &str,
) -> Result<(), ReadError> {
    input
        .read_exact(buffer)
        .map_err(|error| truncated(error, within))
}

/// An error of reading a member, as a fault of the bundle if the input has ended.
pub(super) fn truncated(error: io::Error, within: &str) -> ReadError {
    match error.kind() {
        ErrorKind::UnexpectedEof => BadBundle::Truncated {
            within: within.to_owned(),
        }
        .into(),
        _ => error.into(),
    }
}
