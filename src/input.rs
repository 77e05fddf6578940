//! A bundle as a file or as standard input: its manifest is whole, nothing else has been read.
//! Every command that takes a bundle begins here.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use crate::bundle::reader::{Input, Piped, Reader, Seekable};
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
                    Box::new(Seekable(handle))
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
