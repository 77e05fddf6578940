//! Files that are brought to their medium while they are written. Left alone, the kernel
//! collects gigabytes before it begins; the sync at the end would then take as long as all
//! the rest, and progress would have shown the speed of the memory.

use std::fs::File;
use std::io::{self, Write};
use std::num::NonZero;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{Advice, fadvise};

/// After how many bytes the kernel is asked to begin: large enough for any medium to write at
/// its full speed.
const EVERY: u64 = 16 << 20;
/// After how many bytes on a slow medium everything is waited for: a few seconds' worth, so that
/// progress shows how fast it really is, and little is left for the end.
const WAIT_EVERY: u64 = 64 << 20;

/// Asks the kernel to bring a range of a file to the medium, without waiting for it.
pub(crate) fn begin(file: &File, range: Range<u64>) {
    // "Not needed" makes Linux start to write what is dirty. A system that does nothing of the
    // kind has more to do in the end.
    let length = NonZero::new(range.end - range.start);
    let _ = fadvise(file, range.start, length, Advice::DontNeed);
}

/// A file that is written from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Steady {
    file: File,
    written: u64,
    /// How much of it the kernel was asked to write.
    asked: u64,
    /// How much of it is known to have arrived, if that is looked after.
    arrived: Option<u64>,
}

impl Steady {
    /// Writes to a file, from its beginning.
    pub(crate) fn new(file: File) -> Self {
        Self {
            file,
            written: 0,
            asked: 0,
            arrived: None,
        }
    }

    /// Writes to a file, never far ahead of its medium.
    pub(crate) fn in_step(file: File) -> Self {
        Self {
            arrived: Some(0),
            ..Self::new(file)
        }
    }

    /// Passes by what is there already.
    pub(crate) fn pass(&mut self, bytes: u64) {
        self.written += bytes;
    }

    /// The file.
    pub(crate) fn get(&self) -> &File {
        &self.file
    }

    /// The file.
    pub(crate) fn into_inner(self) -> File {
        self.file
    }
}

impl Write for Steady {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write_at(bytes, self.written)?;
        self.written += n as u64;
        if self.written - self.asked >= EVERY {
            begin(&self.file, self.asked..self.written);
            self.asked = self.written;
        }
        if let Some(arrived) = &mut self.arrived
            && self.written - *arrived >= WAIT_EVERY
        {
            self.file.sync_data()?;
            *arrived = self.written;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
