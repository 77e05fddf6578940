//! Files that are written out to their medium as they grow. Left alone, the kernel collects gigabytes
//! before it begins. The sync at the end would then take as long as everything else, and progress
//! would have shown the speed of the memory.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use super::sync::{Extent, Syncing};

/// The first step, before the speed of the medium is known.
const FIRST: u64 = 16 << 20;
/// A step is what the medium takes in this time, within the bounds below. The writer is never more
/// than two steps ahead of the medium: progress shows the true speed, little is left for the end,
/// and the medium always has something to do.
const STEP: Duration = Duration::from_secs(1);
const LEAST: u64 = 4 << 20;
const MOST: u64 = 128 << 20;

/// A file that is written from beginning to end, never far ahead of its medium.
#[derive(Debug)]
pub(crate) struct Steady {
    file: File,
    written: u64,
    /// How many bytes are known to have arrived.
    arrived: u64,
    /// When they had.
    at: Instant,
    /// How many bytes are synced at a time.
    step: u64,
    /// A sync, and how many bytes will have arrived by its end.
    under_way: Option<(Syncing, u64)>,
}

impl Steady {
    /// Writes a file from its beginning.
    pub(crate) fn new(file: File) -> Self {
        Self {
            file,
            written: 0,
            arrived: 0,
            at: Instant::now(),
            step: FIRST,
            under_way: None,
        }
    }

    /// Skips bytes that are in the file already.
    pub(crate) fn pass(&mut self, bytes: u64) {
        self.written += bytes;
        self.arrived = self.written;
    }

    /// The file.
    pub(crate) fn get(&self) -> &File {
        &self.file
    }

    /// The file, and how many of its bytes may not have arrived.
    pub(crate) fn finish(mut self) -> io::Result<(File, u64)> {
        self.arrive()?;
        Ok((self.file, self.written - self.arrived))
    }

    /// Waits for the sync that is under way.
    fn arrive(&mut self) -> io::Result<()> {
        let Some((syncing, arrived)) = self.under_way.take() else {
            return Ok(());
        };
        syncing.wait()?;
        let took = self.at.elapsed();
        self.step = step_after(arrived.saturating_sub(self.arrived), took);
        (self.arrived, self.at) = (arrived.max(self.arrived), Instant::now());
        Ok(())
    }

    fn keep_in_step(&mut self) -> io::Result<()> {
        if let Some((_, arriving)) = &self.under_way
            && self.written.saturating_sub(*arriving) >= self.step
        {
            self.arrive()?;
        }
        if self.under_way.is_none() && self.written - self.arrived >= self.step {
            let syncing = Syncing::begin(&self.file, Extent::Data)?;
            self.under_way = Some((syncing, self.written));
        }
        Ok(())
    }
}

/// The next step, if this many bytes took this long.
fn step_after(bytes: u64, took: Duration) -> u64 {
    let milliseconds = took.as_millis().max(1);
    let next = u128::from(bytes) * STEP.as_millis() / milliseconds;
    u64::try_from(next).unwrap_or(MOST).clamp(LEAST, MOST)
}

impl Write for Steady {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write_at(bytes, self.written)?;
        self.written += n as u64;
        self.keep_in_step()?;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_takes_about_a_second() {
        let step = |mib: u64, millis| step_after(mib << 20, Duration::from_millis(millis)) >> 20;
        assert_eq!(step(16, 2000), 8);
        assert_eq!(step(8, 1000), 8);
        assert_eq!(step(16, 200), 80);
        assert_eq!(step(16, 0), 128);
        assert_eq!(step(16, 600_000), 4);
    }

    #[test]
    fn all_that_is_written_arrives() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let mut steady = Steady::new(File::create(&path).unwrap());
        let piece = vec![7; 3 << 20];
        for _ in 0..40 {
            steady.write_all(&piece).unwrap();
            assert!(steady.written - steady.arrived <= 2 * MOST);
        }
        let (file, rest) = steady.finish().unwrap();
        assert!(rest < 120 << 20, "{rest}");
        assert_eq!(file.metadata().unwrap().len(), 120 << 20);
    }
}
