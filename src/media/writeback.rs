//! Files that are written out to their medium early. Left alone, the kernel collects gigabytes
//! before it begins. The sync at the end would then take as long as everything else, and progress
//! would have shown the speed of the memory.

use std::fs::File;
use std::io::{self, Write};
use std::num::NonZero;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{Advice, fadvise};

/// After this many bytes the kernel is asked to begin: large enough for full speed on any medium.
const EVERY: u64 = 16 << 20;
/// On a slow medium, all data is waited for after this many bytes: a few seconds' worth, so that
/// progress shows the true speed, and little is left for the end.
const WAIT_EVERY: u64 = 64 << 20;

/// Asks the kernel to write a range of a file out to the medium, without waiting for it.
pub(crate) fn begin(file: &File, range: Range<u64>) {
    // "Not needed" makes Linux start to write dirty pages. A system that ignores it has more to do
    // at the end.
    let length = NonZero::new(range.end - range.start);
    let _ = fadvise(file, range.start, length, Advice::DontNeed);
}

/// A file that is written from beginning to end.
#[derive(Debug)]
pub(crate) struct Steady {
    file: File,
    written: u64,
    /// How many bytes the kernel was asked to write.
    asked: u64,
    /// How many bytes are known to have arrived, if that is tracked.
    arrived: Option<u64>,
}

impl Steady {
    /// Writes a file from its beginning.
    pub(crate) fn new(file: File) -> Self {
        Self {
            file,
            written: 0,
            asked: 0,
            arrived: None,
        }
    }

    /// Writes a file, never far ahead of its medium.
    pub(crate) fn in_step(file: File) -> Self {
        Self {
            arrived: Some(0),
            ..Self::new(file)
        }
    }

    /// Skips bytes that are in the file already.
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
