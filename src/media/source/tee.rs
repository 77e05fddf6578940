//! A bundle with two readers: one checks it, the other one gets a copy of its bytes.

use std::io::{self, Cursor, ErrorKind, Read};

use super::Source;
use shellpack_format::bundle::reader::{Content, Input};

/// Passes everything that is read on to a second reader, in order.
pub(crate) struct Tee<S> {
    from: Source,
    sink: S,
}

impl<S: FnMut(&[u8]) -> io::Result<()>> Tee<S> {
    pub(crate) fn new(from: Source, sink: S) -> Self {
        Self { from, sink }
    }
}

impl<S: FnMut(&[u8]) -> io::Result<()>> Read for Tee<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(buffer)?;
        (self.sink)(&buffer[..n])?;
        Ok(n)
    }
}

impl<S: FnMut(&[u8]) -> io::Result<()>> Input for Tee<S> {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        self.detach(bytes).map(drop)
    }

    /// The next bytes must come after these, so these are read now.
    fn detach(&mut self, bytes: u64) -> io::Result<Content> {
        let mut content = Vec::new();
        self.from.detach(bytes)?.read_to_end(&mut content)?;
        if content.len() as u64 != bytes {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        (self.sink)(&content)?;
        Ok(Box::new(Cursor::new(content)))
    }

    fn is_over(&mut self) -> io::Result<bool> {
        self.from.is_over()
    }
}
