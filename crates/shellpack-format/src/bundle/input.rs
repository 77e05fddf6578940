//! What a bundle can be read from. A pipe will do; with a file, segments can be read side by
//! side.

use std::io::{self, ErrorKind, Read};

/// Where a bundle is read from: bytes in order, some of which can be passed over.
pub trait Input: Read {
    /// Passes over bytes that nobody needs.
    fn skip(&mut self, bytes: u64) -> io::Result<()>;

    /// Passes over bytes that somebody else will read, perhaps at the same time as what
    /// comes behind them.
    fn detach(&mut self, bytes: u64) -> io::Result<Content>;

    /// Whether nothing follows. It may use up what does.
    fn is_over(&mut self) -> io::Result<bool> {
        Ok(read_some(self, &mut [0])? == 0)
    }
}

/// Bytes that can be read while others read on in the bundle.
pub type Content = Box<dyn Read + Send>;

/// An input that cannot seek: a pipe.
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

    /// What comes behind can be read only after these bytes, so they must wait in memory.
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

/// Reads what there is, whoever gets a signal meanwhile.
pub(super) fn read_some(input: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
