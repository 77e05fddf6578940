//! A bundle that goes to standard output: there is no file to sync, to name or to read back.

use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use super::{STEP, Written};

/// Counts and hashes everything that goes through it.
pub(crate) struct Counted<W> {
    out: W,
    hasher: Sha256,
    size: u64,
}

impl<W> Counted<W> {
    pub(crate) fn new(out: W) -> Self {
        Self {
            out,
            hasher: Sha256::new(),
            size: 0,
        }
    }

    pub(crate) fn written(self) -> Written {
        Written {
            path: None,
            size: self.size,
            digest: self.hasher.into(),
            files: Vec::new(),
            is_cut: false,
            checksum_file: None,
            parity_file: None,
            opener: None,
            read_from_medium: false,
            safe_to_remove: false,
        }
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(&bytes[..bytes.len().min(STEP)])?;
        self.hasher.update(&bytes[..n]);
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
