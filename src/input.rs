//! A bundle as a file or as standard input: its manifest is whole, nothing else has been read.
//! Every command that takes a bundle begins here.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::num::NonZero;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Advice, fadvise};

use crate::bundle::reader::{Content, Input, Piped, Reader};
use crate::error::{Error, Result};

/// Where a bundle's bytes come from.
pub(crate) type Source = Box<dyn Input + Send>;

/// A bundle and how far it has been read.
#[must_use]
pub struct Bundle {
    /// Its name, for messages.
    pub(crate) file: PathBuf,
    /// The same open file from the check to the import.
    pub(crate) reader: Reader<Source>,
    /// Whether it uses up stdin.
    pub(crate) is_stdin: bool,
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundle")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Bundle {
    /// Reads the manifest of a file, or of stdin if it is `-`.
    pub fn open(file: &Path) -> Result<Self> {
        let is_stdin = file == Path::new("-");
        let (name, source): (&Path, Source) = if is_stdin {
            (
                Path::new("standard input"),
                Box::new(Piped(BufReader::with_capacity(1 << 20, io::stdin()))),
            )
        } else {
            let handle = File::open(file).map_err(Error::io("open", file))?;
            // A pipe has a name, too: /dev/fd/3, a FIFO.
            let seekable = handle.metadata().is_ok_and(|metadata| metadata.is_file());
            (
                file,
                if seekable {
                    Box::new(Seekable::new(handle))
                } else {
                    Box::new(Piped(BufReader::new(handle)))
                },
            )
        };
        let reader = Reader::open(source).map_err(|error| Error::read_bundle(name, error))?;
        Ok(Self {
            file: name.to_owned(),
            reader,
            is_stdin,
        })
    }

    /// The reader, for looking at the manifest.
    pub fn reader(&self) -> &Reader<Source> {
        &self.reader
    }
}

/// A file: whatever part of it is wanted can be read.
#[derive(Debug)]
struct Seekable {
    file: Arc<File>,
    at: u64,
}

impl Seekable {
    fn new(file: File) -> Self {
        Self {
            file: Arc::new(file),
            at: 0,
        }
    }
}

impl Read for Seekable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(buffer, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Input for Seekable {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        self.at = self.at.saturating_add(bytes);
        Ok(())
    }

    fn detach(&mut self, bytes: u64) -> io::Result<Content> {
        if self.at.saturating_add(bytes) > self.file.metadata()?.len() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let range = (self.at, NonZero::new(bytes));
        // Several segments are read at a time, but a disc that must seek between them crawls:
        // so the kernel is asked for each as a whole, in order. It may decline.
        let _ = fadvise(&self.file, range.0, range.1, Advice::WillNeed);
        self.at += bytes;
        let mine = Self {
            file: Arc::clone(&self.file),
            at: range.0,
        };
        Ok(Box::new(mine.take(bytes)))
    }
}
