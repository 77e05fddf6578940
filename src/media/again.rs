//! Files are read back from their medium: the system's copy in memory proves nothing about the
//! bytes that the target will read.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::num::NonZero;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, OFlags, fadvise};

/// How many bytes are read at a time: a stick is at its fastest, and Ctrl-C has a quick effect.
const STEP: usize = 1 << 20;
/// The largest unit in which media are read past the cache.
const ALIGNMENT: usize = 4096;

/// Files that were synced, one after the other, read from their medium.
#[derive(Debug)]
pub(crate) struct FromMedium {
    /// The files that are still to be read.
    rest: std::vec::IntoIter<PathBuf>,
    current: Option<Uncached>,
    buffer: Buffer,
}

impl FromMedium {
    /// The total size of all files, in bytes.
    pub(crate) fn new(files: Vec<PathBuf>) -> Self {
        Self {
            rest: files.into_iter(),
            current: None,
            buffer: Buffer::new(),
        }
    }

    /// Fills the buffer. Returns whether there was anything left.
    fn refill(&mut self) -> io::Result<bool> {
        loop {
            if let Some(file) = &mut self.current
                && file.fill(&mut self.buffer)?
            {
                return Ok(true);
            }
            let Some(next) = self.rest.next() else {
                return Ok(false);
            };
            self.current = Some(Uncached::open(&next)?);
        }
    }
}

impl Read for FromMedium {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.buffer.unread().is_empty() && !out.is_empty() && !self.refill()? {
            return Ok(0);
        }
        let mut unread = self.buffer.unread();
        let n = unread.read(out)?;
        self.buffer.taken += n;
        Ok(n)
    }
}

/// A file that is not read from memory.
#[derive(Debug)]
struct Uncached {
    path: PathBuf,
    file: File,
    at: u64,
    /// Whether the system is asked to bypass its memory; not every file system can.
    is_direct: bool,
}

impl Uncached {
    fn open(path: &Path) -> io::Result<Self> {
        let flag = i32::try_from(OFlags::DIRECT.bits()).unwrap_or_default();
        let direct = OpenOptions::new().read(true).custom_flags(flag).open(path);
        match direct {
            Ok(file) => Ok(Self {
                path: path.to_owned(),
                file,
                at: 0,
                is_direct: true,
            }),
            Err(error) if is_unable(&error) => Self::forgotten(path, 0),
            Err(error) => Err(error),
        }
    }

    /// The second best: the system drops the file from its memory.
    fn forgotten(path: &Path, at: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        let _ = fadvise(&file, at, None::<NonZero<u64>>, Advice::DontNeed);
        Ok(Self {
            path: path.to_owned(),
            file,
            at,
            is_direct: false,
        })
    }

    /// Reads the next bytes. Returns whether there were any.
    fn fill(&mut self, buffer: &mut Buffer) -> io::Result<bool> {
        loop {
            match self.file.read_at(buffer.room(), self.at) {
                Ok(n) => {
                    buffer.filled(n);
                    self.at += n as u64;
                    return Ok(n > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if self.is_direct && is_unable(&error) => {
                    *self = Self::forgotten(&self.path, self.at)?;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Whether a file system cannot bypass the memory, here or at all.
fn is_unable(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidInput | ErrorKind::Unsupported
    )
}

/// Memory at an address that devices can write to.
#[derive(Debug)]
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    taken: usize,
    end: usize,
}

impl Buffer {
    fn new() -> Self {
        let bytes = vec![0; STEP + ALIGNMENT];
        let start = bytes.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        Self {
            bytes,
            start,
            taken: start,
            end: start,
        }
    }

    fn room(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + STEP]
    }

    fn filled(&mut self, n: usize) {
        self.taken = self.start;
        self.end = self.start + n;
    }

    fn unread(&self) -> &[u8] {
        &self.bytes[self.taken..self.end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths around the sizes of reads, and on `/proc`, where direct reads are impossible.
    #[test]
    fn files_are_read_to_their_last_byte() {
        let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let lengths = [0, 1, 511, 4096, 4097, STEP - 1, STEP, STEP + 1, 3 * STEP];
        let mut expected = Vec::new();
        let mut files = Vec::new();
        for (number, length) in lengths.into_iter().enumerate() {
            let bytes: Vec<u8> = (0..length)
                .map(|at| at.to_le_bytes()[0] ^ number.to_le_bytes()[0])
                .collect();
            let path = dir.path().join(number.to_string());
            std::fs::write(&path, &bytes).unwrap();
            expected.extend(bytes);
            files.push(path);
        }
        files.push("/proc/version".into());
        expected.extend(std::fs::read("/proc/version").unwrap());
        let mut found = Vec::new();
        FromMedium::new(files).read_to_end(&mut found).unwrap();
        assert!(found == expected);
    }
}
