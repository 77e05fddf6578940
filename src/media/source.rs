//! A bundle from a file, from volumes or from standard input. Its manifest has been read and
//! checked, and nothing else. Every command on a bundle begins here.

use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, ErrorKind, Read};
use std::num::NonZero;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Advice, fadvise};

use crate::error::{Error, Result};
use crate::interrupt::Attentive;
use crate::media::Unreadable;
use crate::media::volumes::{Joined, Set, Shelf, VolumeSize};
use crate::report::{Event, Prompt, Report};
use shellpack_format::bundle::reader::{Content, Input, Piped, Reader};

mod fifo;
mod meter;
mod tee;

use meter::Metered;
pub(crate) use tee::Tee;

/// The source of a bundle's bytes.
pub(crate) type Source = Box<dyn Input + Send>;

/// A bundle whose manifest has been read.
#[must_use]
pub(crate) struct Bundle {
    /// Its name, for messages.
    pub(crate) file: PathBuf,
    /// One open file is used from the check to the import.
    pub(crate) reader: Reader<Source>,
    /// Whether it consumes stdin.
    pub(crate) is_stdin: bool,
    /// Its volumes, unless it is one file.
    volumes: Option<Arc<Shelf>>,
    /// Its size, if it is one file.
    size: Option<u64>,
}

/// A bundle that has not been read yet.
#[must_use]
pub(crate) struct Found {
    /// Its name, for messages.
    pub(crate) file: PathBuf,
    /// Its bytes.
    pub(crate) source: Source,
    is_stdin: bool,
    volumes: Option<Arc<Shelf>>,
    size: Option<u64>,
}

/// Opens a named pipe for reading. Waiting for its writer ends at Ctrl-C.
pub(crate) fn open_pipe(path: &Path) -> io::Result<impl Read> {
    fifo::open(path)
}

impl Found {
    fn new(name: &Path, source: Source) -> Self {
        Self {
            file: name.to_owned(),
            source,
            is_stdin: false,
            volumes: None,
            size: None,
        }
    }

    /// A bundle of known size from another source, read once from beginning to end.
    pub(crate) fn stream(name: &Path, size: u64, stream: impl Read + Send + 'static) -> Self {
        Self {
            size: Some(size),
            ..Self::new(name, Box::new(Piped(stream)))
        }
    }

    fn file(file: &Path) -> Result<Self> {
        if file.metadata().is_ok_and(|it| it.file_type().is_fifo()) {
            let fifo = fifo::open(file).map_err(Error::io("open", file))?;
            return Ok(Self::new(file, Box::new(Piped(BufReader::new(fifo)))));
        }
        let handle = File::open(file).map_err(Error::io("open", file))?;
        // A device, for example.
        let metadata = handle.metadata().ok().filter(Metadata::is_file);
        let Some(metadata) = metadata else {
            let handle = BufReader::new(Attentive(handle));
            return Ok(Self::new(file, Box::new(Piped(handle))));
        };
        Ok(Self {
            size: Some(metadata.len()),
            ..Self::new(file, Box::new(Seekable::new(file, handle)))
        })
    }

    fn set(set: Set, prompt: Option<Prompt>) -> Result<Self> {
        let name = set.bundle();
        let shelf = Shelf::new(set, prompt);
        let shelf = shelf.map_err(|error| Error::read_bundle(&name, error.into()))?;
        let shelf = Arc::new(shelf);
        Ok(Self {
            volumes: Some(Arc::clone(&shelf)),
            ..Self::new(&shelf.bundle(), Box::new(Joined::new(&shelf)))
        })
    }

    /// The size of its volumes, if it has any.
    pub(crate) fn volume_size(&self) -> Option<VolumeSize> {
        self.volumes.as_ref().and_then(|shelf| shelf.volume_size())
    }

    /// Reads the manifest.
    pub(crate) fn open(self) -> Result<Bundle> {
        let reader = Reader::open(self.source);
        let reader = reader.map_err(|error| Error::read_bundle(&self.file, error))?;
        Ok(Bundle {
            file: self.file,
            reader,
            is_stdin: self.is_stdin,
            volumes: self.volumes,
            size: self.size,
        })
    }
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundle")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Bundle {
    /// Reads the manifest of a file, of volumes beside each other, or of stdin if it is `-`.
    pub(crate) fn open(file: &Path) -> Result<Self> {
        Self::open_among(file, &[], None)
    }

    /// Reads it like [`open`](Self::open); volumes may also be in other directories, and the user may be asked for missing
    /// ones.
    pub(crate) fn open_among(
        file: &Path,
        dirs: &[PathBuf],
        prompt: Option<Prompt>,
    ) -> Result<Self> {
        Self::find(file, dirs, prompt)?.open()
    }

    /// Finds the bundle that [`Bundle::open_among`] opens, without reading it.
    pub(crate) fn find(file: &Path, dirs: &[PathBuf], prompt: Option<Prompt>) -> Result<Found> {
        if file == Path::new("-") {
            let input = rustix::io::dup(rustix::stdio::stdin())
                .map_err(|error| Error::io("read", "standard input")(error.into()))?;
            let input = BufReader::with_capacity(1 << 20, Attentive(File::from(input)));
            let found = Found::new(Path::new("standard input"), Box::new(Piped(input)));
            return Ok(Found {
                is_stdin: true,
                ..found
            });
        }
        for dir in dirs {
            fs::read_dir(dir).map_err(Error::io("look for volumes in", dir))?;
        }
        match Set::named(file, dirs) {
            Some(set) => Found::set(set, prompt),
            None => Found::file(file),
        }
    }

    /// Reads the manifest of a bundle whose bytes are in these files, in this order.
    pub(crate) fn of_parts(name: &Path, parts: &[PathBuf]) -> Result<Self> {
        if let [only] = parts {
            return Found::file(only)?.open();
        }
        let bundle = name.file_name().unwrap_or_default();
        let set = Set::of_parts(bundle, parts).map_err(Error::io("read", name))?;
        Found::set(set, None)?.open()
    }

    /// Reads the manifest of a bundle of known size from another source, which is read once.
    pub(crate) fn of_stream(
        name: &Path,
        size: u64,
        stream: impl Read + Send + 'static,
    ) -> Result<Self> {
        Found::stream(name, size, stream).open()
    }

    /// The reader, to look at the manifest.
    pub(crate) fn reader(&self) -> &Reader<Source> {
        &self.reader
    }

    /// Refuses volumes that do not belong together, and missing ones unless the user can be asked
    /// for them. Call this before reading the whole bundle: it reads a few bytes of each volume,
    /// and lets several be read at the same time.
    pub(crate) fn ensure_whole(&self) -> Result<()> {
        let Some(volumes) = &self.volumes else {
            return Ok(());
        };
        volumes
            .survey(&self.reader)
            .map_err(|error| Error::read_bundle(&self.file, error.into()))
    }

    /// The reader of the rest, for a phase that reads all of it. Progress counts the bundle's bytes
    /// if its size is known, else the NARs.
    pub(crate) fn into_counted(self, report: &Report) -> Reader<Source> {
        let closure = &self.reader.manifest().closure;
        let (nar_bytes, paths) = (closure.nar_bytes(), closure.paths.len() as u64);
        let Some(bytes) = self.size() else {
            let bytes = nar_bytes;
            report.emit(Event::Total { bytes, paths });
            return self.reader;
        };
        report.emit(Event::TotalRead { bytes, paths });
        let meter = report.meter();
        meter.count(self.reader.head_size());
        let metered = |from| Box::new(Metered::new(from, meter)) as Source;
        self.reader.through(metered)
    }

    /// The volumes, if there are several.
    pub(crate) fn volumes(&self) -> Option<&Arc<Shelf>> {
        self.volumes.as_ref()
    }

    /// Whether it comes through a pipe, and can be read only once.
    pub(crate) fn is_stream(&self) -> bool {
        self.size.is_none() && self.volumes.is_none()
    }

    /// Its size in bytes, if that is known.
    pub(crate) fn size(&self) -> Option<u64> {
        let volumes = self.volumes.as_ref();
        self.size
            .or_else(|| volumes.and_then(|shelf| shelf.whole()))
    }

    /// The files that it is in; none for standard input.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        match &self.volumes {
            Some(volumes) => volumes.files(),
            None if self.is_stdin => Vec::new(),
            None => vec![self.file.clone()],
        }
    }
}

/// A file: any part of it can be read.
#[derive(Debug)]
struct Seekable {
    file: Arc<(PathBuf, File)>,
    at: u64,
}

impl Seekable {
    fn new(name: &Path, file: File) -> Self {
        Self {
            file: Arc::new((name.to_owned(), file)),
            at: 0,
        }
    }
}

impl Read for Seekable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (name, file) = &*self.file;
        let n = file.read_at(buffer, self.at);
        let n = n.map_err(|error| Unreadable::at(name, self.at, error))?;
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
        if self.at.saturating_add(bytes) > self.file.1.metadata()?.len() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let range = (self.at, NonZero::new(bytes));
        // Several segments are read at a time, but a disc that must seek between them crawls. So
        // the kernel is asked for each segment as a whole, in order. It may decline.
        let _ = fadvise(&self.file.1, range.0, range.1, Advice::WillNeed);
        self.at += bytes;
        let mine = Self {
            file: Arc::clone(&self.file),
            at: range.0,
        };
        Ok(Box::new(mine.take(bytes)))
    }
}
