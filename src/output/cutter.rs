//! Cuts the output into files as it is written. Of a full file, only the name is kept.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use rustix::fs::{Advice, fadvise};
use sha2::{Digest as _, Sha256};

use super::part::{PartFile, PartPath, PartPlace};
use crate::media::sync::{Extent, Syncing};
use crate::media::volumes::VolumeSize;
use shellpack_format::store::hash::Digest;

/// How many bytes are written and hashed at a time: they stay in the processor's cache in between.
pub(crate) const STEP: usize = 256 << 10;
/// How many complete files may be on their way to the medium while the next one is written.
const ON_THE_WAY: usize = 1;

/// The places of cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// No cuts.
    Never,
    /// After this many bytes.
    Always(VolumeSize),
    /// When a file becomes too large for the place, or just before, if the limit is known.
    IfTooLarge(Option<u64>),
}

/// The output, in files with temporary names.
#[derive(Debug)]
pub(crate) struct Cutter {
    place: PartPlace,
    cut: Cut,
    /// The size of a full file, once it is known.
    limit: Option<u64>,
    done: Vec<CompleteFile>,
    current: Current,
    /// The digest of everything.
    whole: Sha256,
    size: u64,
}

#[derive(Debug)]
struct Current {
    file: PartFile,
    size: u64,
    /// The digest of this file. For the first file it is the same as that of everything.
    hasher: Option<Sha256>,
}

/// A complete file.
#[derive(Debug)]
pub(super) struct CompleteFile {
    pub(super) path: PartPath,
    pub(super) size: u64,
    pub(super) digest: Digest,
    /// Until it is synced.
    on_the_way: Option<OnTheWay>,
}

/// A complete file whose last bytes are being synced.
#[derive(Debug)]
struct OnTheWay {
    file: File,
    /// How many bytes may not have arrived.
    rest: u64,
    syncing: Syncing,
}

/// All complete files of an output.
#[must_use]
#[derive(Debug)]
pub(crate) struct FinishedFiles {
    pub(super) parts: Vec<CompleteFile>,
    pub(super) size: u64,
    pub(super) digest: Digest,
    /// The parity file, if there is one.
    pub(super) parity: Option<CompleteFile>,
    /// The size of the volumes, if there are any.
    pub(super) cut_at: Option<u64>,
}

impl Cutter {
    pub(super) fn begin(place: PartPlace, cut: Cut) -> io::Result<Self> {
        let limit = match cut {
            Cut::Never => None,
            Cut::Always(size) => Some(size),
            Cut::IfTooLarge(most) => most.and_then(VolumeSize::for_files_of),
        };
        Ok(Self {
            cut,
            limit: limit.map(VolumeSize::bytes),
            done: Vec::new(),
            current: Current::begin(&place, 1, None)?,
            whole: Sha256::new(),
            size: 0,
            place,
        })
    }

    /// Makes the first file a program. Call it before anything is written.
    #[must_use]
    pub(crate) fn executable(self) -> Self {
        self.current.file.make_executable();
        self
    }

    /// Completes the last file.
    pub(crate) fn finish(mut self) -> io::Result<FinishedFiles> {
        self.done.push(self.current.complete(&self.whole)?);
        let is_cut = matches!(self.cut, Cut::Always(_)) || self.done.len() > 1;
        Ok(FinishedFiles {
            parts: self.done,
            size: self.size,
            digest: self.whole.into(),
            parity: None,
            cut_at: self.limit.filter(|_| is_cut),
        })
    }

    /// Completes the current file, which is full.
    fn next_part(&mut self) -> io::Result<()> {
        let next = Current::begin(&self.place, self.done.len() + 2, Some(Sha256::new()))?;
        let full = std::mem::replace(&mut self.current, next);
        self.keep(full)
    }

    fn keep(&mut self, full: Current) -> io::Result<()> {
        self.done.push(full.complete(&self.whole)?);
        if let Some(oldest) = self.done.len().checked_sub(ON_THE_WAY + 1) {
            self.done[oldest].sync()?;
        }
        Ok(())
    }

    /// The place allows no larger file. Returns whether it can be cut here.
    fn cut_here(&mut self) -> bool {
        let can_cut =
            matches!(self.cut, Cut::IfTooLarge(_)) && self.done.is_empty() && self.current.size > 0;
        if can_cut {
            self.limit = Some(self.current.size);
        }
        can_cut
    }
}

impl Write for Cutter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut room = self
            .limit
            .map_or(u64::MAX, |limit| limit - self.current.size);
        if room == 0 && !bytes.is_empty() {
            self.next_part()?;
            room = self.limit.unwrap_or(u64::MAX);
        }
        let most = usize::try_from(room).unwrap_or(usize::MAX).min(STEP);
        let bytes = &bytes[..bytes.len().min(most)];
        let n = match self.current.file.write(bytes) {
            Err(error) if error.kind() == ErrorKind::FileTooLarge && self.cut_here() => {
                return self.write(bytes);
            }
            other => other?,
        };
        self.whole.update(&bytes[..n]);
        if let Some(hasher) = &mut self.current.hasher {
            hasher.update(&bytes[..n]);
        }
        self.current.size += n as u64;
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.current.file.flush()
    }
}

/// One file that is never cut.
#[derive(Debug)]
pub(super) struct Single(Current);

impl Single {
    pub(super) fn begin(place: &PartPlace) -> io::Result<Self> {
        Current::begin(place, 1, Some(Sha256::new())).map(Self)
    }

    /// Makes it a program.
    pub(super) fn make_executable(&self) {
        self.0.file.make_executable();
    }

    pub(super) fn complete(self) -> io::Result<CompleteFile> {
        // It has its own digest.
        self.0.complete(&Sha256::new())
    }
}

impl Write for Single {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.0.file.write(&bytes[..bytes.len().min(STEP)])?;
        if let Some(hasher) = &mut self.0.hasher {
            hasher.update(&bytes[..n]);
        }
        self.0.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.file.flush()
    }
}

impl Current {
    fn begin(place: &PartPlace, number: usize, hasher: Option<Sha256>) -> io::Result<Self> {
        Ok(Self {
            file: place.file(number)?,
            size: 0,
            hasher,
        })
    }

    fn complete(self, whole: &Sha256) -> io::Result<CompleteFile> {
        let hasher = self.hasher.unwrap_or_else(|| whole.clone());
        let (file, rest, path) = self.file.close()?;
        let syncing = Syncing::begin(&file, Extent::File)?;
        Ok(CompleteFile {
            path,
            size: self.size,
            digest: hasher.into(),
            on_the_way: Some(OnTheWay {
                file,
                rest,
                syncing,
            }),
        })
    }
}

impl CompleteFile {
    /// Waits until the file is on the medium, and lets the system drop it from memory: reading back
    /// must read the medium. If that fails, it reads what it can.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let Some(OnTheWay { file, syncing, .. }) = self.on_the_way.take() else {
            return Ok(());
        };
        syncing.wait()?;
        let _ = fadvise(file, 0, None, Advice::DontNeed);
        Ok(())
    }

    /// How many of its bytes may not be on the medium.
    pub(super) fn rest(&self) -> u64 {
        self.on_the_way.as_ref().map_or(0, |file| file.rest)
    }
}

impl FinishedFiles {
    /// The size of its volumes, if it has any.
    pub(crate) fn volume_size(&self) -> Option<VolumeSize> {
        self.cut_at.and_then(VolumeSize::of)
    }

    /// The digest of all bytes.
    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }

    /// The temporary paths.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.parts
            .iter()
            .map(|part| part.path.as_path().to_owned())
            .collect()
    }
}
