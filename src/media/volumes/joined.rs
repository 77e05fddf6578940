//! Volumes read as one bundle.

use std::io::{self, ErrorKind, Read};
use std::num::NonZero;
use std::sync::Arc;

use rustix::fs::{Advice, fadvise};

use super::Shelf;
use shellpack_format::bundle::reader::{Content, Input};

/// With more volumes than this, the kernel is not asked to read ahead.
const ADVISED: u64 = 16;

/// A position in a row of volumes.
#[derive(Debug)]
pub(crate) struct Joined {
    shelf: Arc<Shelf>,
    at: u64,
}

impl Joined {
    /// The bundle's beginning.
    pub(crate) fn new(shelf: &Arc<Shelf>) -> Self {
        Self {
            shelf: Arc::clone(shelf),
            at: 0,
        }
    }
}

impl Read for Joined {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let n = self.shelf.read_at(self.at, buffer)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Input for Joined {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        self.at = self.at.saturating_add(bytes);
        Ok(())
    }

    fn detach(&mut self, bytes: u64) -> io::Result<Content> {
        let Some(end) = self.shelf.whole() else {
            // A removed medium does not come back, so everything is read in order.
            let mut content = Vec::new();
            self.by_ref().take(bytes).read_to_end(&mut content)?;
            if content.len() as u64 != bytes {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            return Ok(Box::new(io::Cursor::new(content)));
        };
        if self.at.saturating_add(bytes) > end {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        // As for a bundle in one file.
        if self.shelf.volumes_in(bytes) <= ADVISED {
            for (file, at, length) in self.shelf.files_of(self.at, bytes)? {
                let _ = fadvise(&file, at, NonZero::new(length), Advice::WillNeed);
            }
        }
        let mine = Self {
            shelf: Arc::clone(&self.shelf),
            at: self.at,
        };
        self.at += bytes;
        Ok(Box::new(mine.take(bytes)))
    }

    /// Volumes behind the last one that is needed are not part of the bundle, and the user should
    /// not have to insert a medium only for that.
    fn is_over(&mut self) -> io::Result<bool> {
        self.shelf.ends_at(self.at)
    }
}
