//! The remains of a bundle: a file or volumes, of which some may be missing, cut short, or
//! unreadable in places.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::volume_size::volume_size;
use crate::media::volumes::Set;

/// After a failure to read, the bytes are tried again in pieces of this size, which is a sector of
/// today's disks.
const SECTOR: usize = 4096;
/// More than anyone has. Each needs a little memory, even a missing one.
const MOST_VOLUMES: u32 = 1_000_000;
/// How many volumes are held open.
const OPEN: usize = 16;

/// The bytes of a bundle, as far as they exist.
#[derive(Debug)]
pub(crate) struct Remains {
    /// The files, in order.
    files: Vec<BundleFile>,
    /// The size of every file but the last.
    volume: u64,
    /// The bundle's size.
    size: u64,
    open: Mutex<Vec<(usize, Arc<File>)>>,
}

/// A range of a bundle, in one of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilePart<'a> {
    /// The file.
    pub(crate) file: &'a str,
    /// The range in the file.
    pub(crate) bytes: Range<u64>,
    /// Whether the file is missing.
    pub(crate) is_missing: bool,
}

#[derive(Debug)]
struct BundleFile {
    /// Its name, for messages.
    name: String,
    /// Its path, if it exists.
    path: Option<PathBuf>,
}

impl Remains {
    /// A bundle in one file, which has this size, or should have.
    pub(crate) fn of_file(file: &Path, size: u64) -> Self {
        Self::new(vec![BundleFile::there(file)], u64::MAX, size)
    }

    /// A bundle in these files, all of which but the last have this size.
    pub(crate) fn of_parts(parts: &[PathBuf], volume: u64, size: u64) -> Self {
        let pieces = parts.iter().map(|path| BundleFile::there(path));
        Self::new(pieces.collect(), volume, size)
    }

    /// A bundle in volumes, some of which exist; `None` if their size cannot be determined.
    pub(crate) fn of_some(set: &Set, size: u64) -> Option<Self> {
        let there: Vec<_> = set
            .volumes()
            .map(|(number, volume)| (number, volume.size))
            .collect();
        Self::of_volumes(set, volume_size(&there, size)?, size)
    }

    /// A bundle in volumes that all have, or should have, this size, except the last. Volumes
    /// behind its end are ignored.
    pub(crate) fn of_volumes(set: &Set, volume: u64, size: u64) -> Option<Self> {
        let count = u32::try_from(size.div_ceil(volume)).ok()?;
        let count = Some(count).filter(|count| *count <= MOST_VOLUMES)?;
        let piece = |number| BundleFile {
            name: set.shown(number),
            path: set.get(number).map(|volume| volume.path.clone()),
        };
        Some(Self::new((1..=count).map(piece).collect(), volume, size))
    }

    fn new(files: Vec<BundleFile>, volume: u64, size: u64) -> Self {
        Self {
            files,
            volume,
            size,
            open: Mutex::default(),
        }
    }

    /// Reads a whole range.
    pub(crate) fn read(&self, mut at: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.read_some(at, buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    at += n as u64;
                    buffer = &mut buffer[n..];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads as much as possible of a range; the rest is zeros.
    pub(crate) fn salvage(&self, mut at: u64, mut buffer: &mut [u8]) {
        while !buffer.is_empty() {
            // A failure in one volume does not affect the next.
            let (here, rest) = buffer.split_at_mut(self.most(at).min(buffer.len()));
            let start = at - at % self.volume;
            match self.file(at / self.volume) {
                Ok(file) => salvage(at - start, here, |at, rest| file.read_at(rest, at)),
                Err(_) => here.fill(0),
            }
            at += here.len() as u64;
            buffer = rest;
        }
    }

    fn read_some(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.most(at).min(buffer.len());
        let file = self.file(at / self.volume)?;
        file.read_at(&mut buffer[..most], at % self.volume)
    }

    /// The number of bytes from here to the end of the volume.
    fn most(&self, at: u64) -> usize {
        usize::try_from(self.volume - at % self.volume).unwrap_or(usize::MAX)
    }

    /// The bundle's size.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The files that a range of the bundle is in, each with its part, for messages.
    pub(crate) fn places(&self, range: Range<u64>) -> Vec<FilePart<'_>> {
        let mut places = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let (number, within) = (at / self.volume, at % self.volume);
            let length = (self.volume - within).min(range.end - at);
            let piece = usize::try_from(number)
                .ok()
                .and_then(|at| self.files.get(at));
            places.push(FilePart {
                file: piece.map_or("", |piece| piece.name.as_str()),
                bytes: within..within + length,
                is_missing: piece.is_some_and(|piece| piece.path.is_none()),
            });
            at += length;
        }
        places
    }

    /// Whether every file exists and has the right size. One that is cut short may lack only zeros,
    /// and one that is too long lacks nothing.
    pub(crate) fn is_complete(&self) -> bool {
        self.misfits().next().is_none() && self.missing().next().is_none()
    }

    /// The number of bytes that exist, at most.
    pub(crate) fn there(&self) -> u64 {
        let paths = self.files.iter().filter_map(|piece| piece.path.as_ref());
        let sizes = paths.map(|path| match path.metadata() {
            Ok(metadata) if metadata.is_file() => metadata.len(),
            // A device does not report its size.
            Ok(_) => self.size,
            Err(_) => 0,
        });
        sizes.fold(0, u64::saturating_add).min(self.size)
    }

    /// The files of the wrong size, each with its size and the right one.
    pub(crate) fn misfits(&self) -> impl Iterator<Item = (&str, u64, u64)> {
        (0..).zip(&self.files).filter_map(|(index, piece)| {
            let metadata = piece.path.as_ref()?.metadata().ok();
            // A device cannot have the wrong size.
            let found = metadata.filter(Metadata::is_file)?.len();
            let start = self.volume.saturating_mul(index);
            let expected = self.size.saturating_sub(start).min(self.volume);
            (found != expected).then_some((piece.name.as_str(), found, expected))
        })
    }

    /// The missing files.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &str> {
        let missing = self.files.iter().filter(|piece| piece.path.is_none());
        missing.map(|piece| piece.name.as_str())
    }

    fn file(&self, number: u64) -> io::Result<Arc<File>> {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file)) = open.iter().find(|(other, _)| *other == number) {
            return Ok(Arc::clone(file));
        }
        let path = self.files.get(number).and_then(|piece| piece.path.as_ref());
        let file = Arc::new(File::open(path.ok_or(ErrorKind::NotFound)?)?);
        if open.len() == OPEN {
            open.remove(0);
        }
        open.push((number, Arc::clone(&file)));
        Ok(file)
    }
}

impl fmt::Display for FilePart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (length, start) = (self.bytes.end - self.bytes.start, self.bytes.start);
        let missing = if self.is_missing {
            "; it is missing"
        } else {
            ""
        };
        write!(f, "{}, {length} bytes from {start}{missing}", self.file)
    }
}

impl BundleFile {
    fn there(path: &Path) -> Self {
        Self {
            name: path.to_string_lossy().into_owned(),
            path: Some(path.to_owned()),
        }
    }
}

/// Reads as much as possible; the rest is zeros.
pub(super) fn salvage(
    mut at: u64,
    mut buffer: &mut [u8],
    mut read: impl FnMut(u64, &mut [u8]) -> io::Result<usize>,
) {
    while !buffer.is_empty() {
        let done = match read(at, buffer) {
            // This is the end.
            Ok(0) => return buffer.fill(0),
            Ok(n) => n,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => {
                let to_next = SECTOR as u64 - at % SECTOR as u64;
                let hole = usize::try_from(to_next).unwrap_or(SECTOR).min(buffer.len());
                buffer[..hole].fill(0);
                hole
            }
        };
        at += done as u64;
        buffer = &mut buffer[done..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_looked_for_behind_the_end() {
        let mut asked = Vec::new();
        let mut found = vec![7; 1 << 20];
        salvage(100, &mut found, |at, _| {
            asked.push(at);
            Ok(if at < 5000 { 4900 } else { 0 })
        });
        assert_eq!(asked, [100, 5000]);
        assert!(found[..4900].iter().all(|byte| *byte == 7));
        assert!(found[4900..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn what_can_be_read_is_salvaged() {
        let dir = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..20_000u32).map(|at| at.to_le_bytes()[0] | 1).collect();
        let parts = ["a", "b", "c"].map(|name| dir.path().join(name));
        for (path, bytes) in parts.iter().zip(bytes.chunks(9000)) {
            std::fs::write(path, bytes).unwrap();
        }
        let cut = std::fs::File::options()
            .write(true)
            .open(&parts[1])
            .unwrap();
        cut.set_len(5000).unwrap();
        let remains = Remains::of_parts(&parts, 9000, 20_000);
        let mut found = vec![7; 20_000];
        remains.salvage(0, &mut found);
        assert_eq!(found[..14_000], bytes[..14_000]);
        assert!(found[14_000..18_000].iter().all(|byte| *byte == 0));
        assert_eq!(found[18_000..], bytes[18_000..]);
        let place = |part: usize, bytes| FilePart {
            file: parts[part].to_str().unwrap(),
            bytes,
            is_missing: false,
        };
        assert_eq!(
            remains.places(8990..9010),
            [place(0, 8990..9000), place(1, 0..10)]
        );
        let misfits: Vec<_> = remains.misfits().collect();
        assert_eq!(misfits, [(parts[1].to_str().unwrap(), 5000, 9000)]);
    }
}
