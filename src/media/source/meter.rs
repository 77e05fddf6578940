//! A bundle whose bytes are counted as they are read: on a stick, reading is what takes time.

use std::io::{self, Read};

use super::Source;
use crate::report::Meter;
use shellpack_format::bundle::reader::{Content, Input};

/// Counts the bytes of a bundle that are read or skipped.
pub(super) struct Metered<R> {
    from: R,
    meter: Meter,
}

impl<R> Metered<R> {
    pub(super) fn new(from: R, meter: Meter) -> Self {
        Self { from, meter }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(buffer)?;
        self.meter.count(n as u64);
        Ok(n)
    }
}

impl Input for Metered<Source> {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        self.from.skip(bytes)?;
        self.meter.count(bytes);
        Ok(())
    }

    fn detach(&mut self, bytes: u64) -> io::Result<Content> {
        let content = self.from.detach(bytes)?;
        Ok(Box::new(Metered::new(content, self.meter.clone())))
    }

    fn is_over(&mut self) -> io::Result<bool> {
        self.from.is_over()
    }
}
