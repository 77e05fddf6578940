//! Volumes as one row of bytes, fetched from any place when they are needed, also from a medium
//! that has yet to be inserted.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::VolumeSize;
use super::set::{Set, Volume, number_at};
use crate::media::Unreadable;
use crate::report::Prompt;
use crate::text::shown;
use shellpack_format::bundle::BadVolume;
use shellpack_format::bundle::extent::{self, Extent};
use shellpack_format::bundle::member::BLOCK;
use shellpack_format::bundle::reader::{Input, Reader};

/// How many volumes are held open: more than threads read at a time, and far fewer than a process
/// may open.
const OPEN: usize = 8;

/// The volumes.
#[derive(Debug)]
pub(crate) struct Shelf {
    set: Mutex<Set>,
    /// The size of every volume but the last.
    size: u64,
    /// The open ones, the most recent at the end.
    open: Mutex<Vec<(u32, Arc<File>)>>,
    /// Known once all volumes were found.
    whole: OnceLock<Whole>,
    prompt: Option<Prompt>,
}

#[derive(Debug)]
struct Whole {
    /// The size of the bundle.
    end: u64,
    /// The offset of each segment.
    segments: Vec<u64>,
}

impl Shelf {
    /// A shelf of these volumes, of which the first must exist. The user is asked for missing ones,
    /// if there is a prompt.
    pub(crate) fn new(set: Set, prompt: Option<Prompt>) -> io::Result<Self> {
        let mut shelf = Self {
            set: Mutex::new(set),
            size: u64::MAX,
            open: Mutex::default(),
            whole: OnceLock::new(),
            prompt,
        };
        let (_, first) = shelf.find(1)?;
        shelf.size = first.size.max(1);
        Ok(shelf)
    }

    /// The size of every volume but the last.
    pub(crate) fn volume_size(&self) -> Option<VolumeSize> {
        VolumeSize::of(self.size)
    }

    /// The name of the bundle in one file.
    pub(crate) fn bundle(&self) -> PathBuf {
        lock(&self.set).bundle()
    }

    /// The existing files.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let set = lock(&self.set);
        set.volumes()
            .map(|(_, volume)| volume.path.clone())
            .collect()
    }

    /// The size of the bundle, if all volumes exist.
    pub(crate) fn whole(&self) -> Option<u64> {
        self.whole.get().map(|whole| whole.end)
    }

    /// Finds out, from a few bytes of each volume, whether all exist and belong together. Missing
    /// ones are a fault only if the user cannot be asked for them later.
    pub(crate) fn survey(&self, reader: &Reader<impl Input>) -> io::Result<()> {
        let size = reader.manifest_bytes().len() as u64;
        let read = |at, block: &mut [u8; BLOCK]| self.read_if_there(at, block);
        let extent = extent::measure(reader.start(), reader.manifest(), size, read)?;
        let set = lock(&self.set);
        if let Some(misfit) = set.misfit(self.size, &extent) {
            return Err(io::Error::other(misfit));
        }
        let (end, segments) = match extent {
            Extent::Exactly { end, segments } => (end, Some(segments)),
            Extent::AtLeast(end) | Extent::Misplaced { at: end, .. } => (end, None),
        };
        let least = number_at(end - 1, self.size);
        let are_there = (1..=least).all(|number| set.get(number).is_some());
        let is_exact = segments.is_some();
        match segments.filter(|_| are_there) {
            Some(segments) => {
                let _ = self.whole.set(Whole { end, segments });
                Ok(())
            }
            None if self.prompt.is_some() => Ok(()),
            None => Err(io::Error::other(set.missing(least, is_exact))),
        }
    }

    /// The number of segments that are known to exist.
    pub(crate) fn segments(&self) -> usize {
        self.whole.get().map_or(0, |whole| whole.segments.len())
    }

    /// The volumes of a segment, for messages, if all exist.
    pub(crate) fn volumes_of(&self, segment: usize) -> Option<Vec<String>> {
        let whole = self.whole.get()?;
        let start = *whole.segments.get(segment)?;
        let end = *whole.segments.get(segment + 1).unwrap_or(&whole.end);
        let set = lock(&self.set);
        let numbers = number_at(start, self.size)..=number_at(end - 1, self.size);
        Some(numbers.map(|number| set.shown(number)).collect())
    }

    /// A volume behind the bundle's end.
    pub(crate) fn surplus(&self, end: u64) -> Option<BadVolume> {
        lock(&self.set).surplus(self.size, end)
    }

    /// Reads some bytes, within one volume; none behind the end.
    pub(crate) fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if self.whole().is_some_and(|end| at >= end) {
            return Ok(0);
        }
        let (file, within) = self.file_at(at)?;
        file.read_at(self.most(buffer, within), within)
            .map_err(|error| {
                let name = lock(&self.set).shown(number_at(at, self.size));
                Unreadable::at(name.as_ref(), within, error)
            })
    }

    /// Whether the byte before this one is the last of its volume.
    pub(crate) fn ends_at(&self, at: u64) -> io::Result<bool> {
        if at.is_multiple_of(self.size) {
            return Ok(true);
        }
        Ok(self.read_at(at, &mut [0])? == 0)
    }

    /// The files that hold a range, each with its part of it.
    pub(crate) fn files_of(&self, at: u64, bytes: u64) -> io::Result<Vec<(Arc<File>, u64, u64)>> {
        let end = at.saturating_add(bytes);
        let mut parts = Vec::new();
        let mut at = at;
        while at < end {
            let (file, within) = self.file_at(at)?;
            let length = (self.size - within).min(end - at);
            parts.push((file, within, length));
            at += length;
        }
        Ok(parts)
    }

    /// How many volumes a range of this many bytes may touch.
    pub(crate) fn volumes_in(&self, bytes: u64) -> u64 {
        bytes.div_ceil(self.size) + 1
    }

    fn most<'b>(&self, buffer: &'b mut [u8], within: u64) -> &'b mut [u8] {
        let most = usize::try_from(self.size - within).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        &mut buffer[..most]
    }

    fn file_at(&self, at: u64) -> io::Result<(Arc<File>, u64)> {
        let number = number_at(at, self.size);
        let within = at % self.size;
        if let Some(file) = self.open_one(number) {
            return Ok((file, within));
        }
        let (file, _) = self.find(number)?;
        Ok((file, within))
    }

    /// Fills a block if its volumes exist.
    fn read_if_there(&self, at: u64, block: &mut [u8; BLOCK]) -> io::Result<bool> {
        let mut filled = 0;
        while filled < BLOCK {
            let at = at + filled as u64;
            let is_there = lock(&self.set).get(number_at(at, self.size)).is_some();
            if !is_there {
                return Ok(false);
            }
            match self.read_at(at, &mut block[filled..])? {
                // It is cut short, which its size shows.
                0 => return Ok(false),
                n => filled += n,
            }
        }
        Ok(true)
    }

    fn open_one(&self, number: u32) -> Option<Arc<File>> {
        let open = lock(&self.open);
        let found = open.iter().find(|(other, _)| *other == number);
        found.map(|(_, file)| Arc::clone(file))
    }

    /// Opens a volume; looks for it and asks for it until it is there.
    fn find(&self, number: u32) -> io::Result<(Arc<File>, Volume)> {
        let mut set = lock(&self.set);
        let mut mistaken: Option<String> = None;
        loop {
            let problem = match self.open(&set, number) {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => mistaken.take(),
                Err(error) if self.prompt.is_none() => return Err(error),
                Err(error) => Some(error.to_string()),
            };
            // An open file keeps its medium from being removed.
            lock(&self.open).clear();
            let answer = match &self.prompt {
                Some(prompt) => prompt.ask(&question(&set, number, problem.as_deref()))?,
                None => None,
            };
            if let Some(dir) = answer.as_deref().filter(|dir| !dir.is_empty()) {
                mistaken = (!Path::new(dir).is_dir()).then(|| format!("{dir} is not a directory"));
                set.add_directory(dir.into());
            }
            set.look();
            if answer.is_none() {
                return Err(io::Error::other(set.missing(number, false)));
            }
        }
    }

    /// Opens a volume if it exists and may be one.
    fn open(&self, set: &Set, number: u32) -> io::Result<Option<(Arc<File>, Volume)>> {
        let Some(volume) = set.get(number) else {
            return Ok(None);
        };
        if volume.size > self.size {
            return Err(io::Error::other(BadVolume::Size {
                file: set.shown(number),
                size: volume.size,
                expected: self.size,
                is_least: false,
            }));
        }
        match File::open(&volume.path) {
            Ok(file) => {
                let file = Arc::new(file);
                self.keep(number, &file);
                Ok(Some((file, volume.clone())))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                let said = format!("{}: {error}", shown(&volume.path));
                Err(io::Error::new(error.kind(), said))
            }
        }
    }

    fn keep(&self, number: u32, file: &Arc<File>) {
        let mut open = lock(&self.open);
        if open.len() == OPEN {
            open.remove(0);
        }
        open.push((number, Arc::clone(file)));
    }
}

/// The question to the user.
fn question(set: &Set, number: u32, problem: Option<&str>) -> String {
    let name = set.shown(number);
    let problem = problem.map_or_else(|| format!("{name} is not there"), str::to_owned);
    format!("{problem}\ninsert its medium and press Enter, or type the directory that it is in: ")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
