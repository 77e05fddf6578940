//! Writes a bundle to files: beside their final names, synced, then renamed. If anything fails,
//! either the whole new bundle exists or the old files do; `naming` describes the order.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use crate::error::{BadOutput, Error, Result};
use crate::media::Medium;
use crate::media::volumes::{Names, VolumeSize, parent};
use crate::media::workplace::Temporary;
use crate::parity::Share;
use crate::report::{Event, Report, count};

mod apart;
mod aside;
pub(crate) mod checksum;
mod cutter;
mod fit;
mod form;
mod naming;
mod part;
mod program;
mod protect;
mod publish;
mod read_back;
mod rivals;
mod single;
mod stdout;
mod sync;
mod written;

pub(crate) use apart::files_of;
pub(crate) use cutter::{Cutter, FinishedFiles, STEP};
pub(crate) use form::Form;
use part::{PartPlace, kept_parts};
pub(crate) use program::{ProgramBeside, is_opener, opener_name, opens_on};
pub(crate) use publish::Unnamed;
pub use read_back::ReadBack;
pub(crate) use single::SingleFile;
pub(crate) use stdout::Counted;
pub(crate) use written::{Written, WrittenFile};

/// Large writes: sticks and network file systems are slow with small ones.
pub(crate) const BUFFER: usize = 1 << 20;

/// The files that a bundle is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFiles {
    /// The bundle's name in one file. The names of volumes and of the checksum file follow from it.
    pub path: PathBuf,
    /// Whether existing files with these names are replaced.
    pub force: bool,
    /// The size of volumes; `None` for no volumes, unless the place does not allow such a large
    /// file.
    pub volume_size: Option<VolumeSize>,
    /// Whether there is a checksum file even without volumes.
    pub checksum: bool,
    /// The amount of parity, if wanted.
    pub parity: Option<Share>,
    /// Whether the files are read back.
    pub read_back: ReadBack,
    /// Whether the files of a failed attempt stay, to be continued by the next one.
    pub keeps_parts: bool,
    /// The existing files that are replaced.
    pub replaces: Replaces,
}

/// The existing files of a bundle that an output replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaces {
    /// All of them: it is another bundle.
    All,
    /// All but the parity: it is the same bundle, repaired.
    Repaired,
    /// The volumes: it is the same bundle, in volumes.
    Volumes,
    /// The bundle in one file: it is the same bundle, joined.
    Joined,
}

impl OutputFiles {
    /// Refuses to overwrite existing files, and places that cannot be written. Call it before
    /// minutes of building.
    pub(crate) fn ensure_unoccupied(&self) -> Result<()> {
        let occupant = self.path.symlink_metadata().ok();
        let occupant = occupant.filter(|_| self.replaces != Replaces::Volumes);
        if occupant.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(BadOutput::IsDirectory(self.path.clone()).into());
        }
        // The number of volumes is not known yet, but hardly ever reaches a thousand.
        let name = self.path.file_name().unwrap_or_default();
        let names = self.volume_size.map(|_| Names::for_volumes(name, 1));
        self.ensure_replaceable(&self.rivals(names.as_ref()))?;
        if occupant.is_some_and(|file| !file.is_file() && !file.is_symlink()) {
            return Err(BadOutput::IsSpecial(self.path.clone()).into());
        }
        self.ensure_space(0)?;
        ensure_writable(parent(&self.path))
    }

    /// Refuses a place without room for a bundle of at least this many bytes.
    pub(crate) fn ensure_space(&self, least: u64) -> Result<Medium> {
        self.ensure_room_for(least, 0)
    }

    /// Refuses a place without room for a bundle and a parity file of this size.
    pub(crate) fn ensure_room_for(&self, least: u64, parity: u64) -> Result<Medium> {
        let mut medium = Medium::writable(parent(&self.path))?;
        if let Some(free) = medium.free.as_mut().filter(|_| self.keeps_parts) {
            *free = free.saturating_add(self.kept());
        }
        match self.refusal(&medium, least, parity) {
            Some(refusal) => Err(refusal.into()),
            None => Ok(medium),
        }
    }

    /// The number of bytes left by an interrupted copy, which need not be written again.
    pub(crate) fn kept(&self) -> u64 {
        let parts = kept_parts(&self.path).into_iter();
        let sizes = parts.filter_map(|part| part.metadata().ok());
        sizes.map(|part| part.len()).sum()
    }

    /// Removes the files of an interrupted copy.
    pub(crate) fn drop_kept(&self) {
        for part in kept_parts(&self.path) {
            let _ = fs::remove_file(part);
        }
    }

    /// Begins to write. Until they are published, the files have temporary names, and disappear if
    /// writing fails.
    pub(crate) fn begin(&self) -> Result<Cutter> {
        let dir = parent(&self.path);
        let medium = Medium::of(dir)?;
        let place = PartPlace::new(dir, self.keeps_parts.then_some(&self.path));
        Cutter::begin(place, self.cut(&medium)).map_err(Error::io("create a file in", dir))
    }

    /// Syncs the files to disk.
    pub(crate) fn sync(&self, mut finished: FinishedFiles, report: &Report) -> Result<Unnamed> {
        let parts = finished.parts.iter_mut().chain(&mut finished.parity);
        sync::sync_files(&mut parts.collect::<Vec<_>>(), &self.path, report)?;
        let medium = Medium::of(parent(&self.path))?;
        if let Some(size) = finished.cut_at.filter(|_| self.volume_size.is_none()) {
            report.emit(Event::Note(&format!(
                "{} allows no larger file: the bundle is cut into {} of {}",
                medium.name(),
                count(finished.parts.len(), "volume"),
                exact(size)
            )));
        }
        Ok(Unnamed::new(self.clone(), finished, medium))
    }

    /// Refuses to replace files without permission.
    fn ensure_replaceable(&self, rivals: &[PathBuf]) -> Result<()> {
        let refused = match rivals {
            [first, ..] if !self.force => Some(BadOutput::Exists(first.clone())),
            _ => {
                let dir = rivals.iter().find(|rival| rival.is_dir());
                dir.cloned().map(BadOutput::IsDirectory)
            }
        };
        refused.map_or(Ok(()), |refused| Err(refused.into()))
    }
}

/// Refuses a directory in which we may not create files. Nothing is written to find out.
fn ensure_writable(dir: &Path) -> Result<()> {
    let wanted = Access::WRITE_OK | Access::EXEC_OK;
    match rustix::fs::accessat(CWD, dir, wanted, AtFlags::EACCESS) {
        Err(refused @ (Errno::ACCESS | Errno::PERM | Errno::ROFS)) => {
            Err(Error::io("write to", dir)(refused.into()))
        }
        // If the system cannot say, writing will show.
        _ => Ok(()),
    }
}

/// A size in the largest unit of which it is a multiple: 4095 MiB are not yet 4 GiB.
fn exact(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units
        .iter()
        .find(|(shift, _)| bytes.is_multiple_of(1 << shift));
    unit.map_or_else(
        || format!("{bytes} bytes"),
        |(shift, unit)| format!("{} {unit}", bytes >> shift),
    )
}

/// The names of temporary files.
const TEMPORARY: Temporary = Temporary {
    prefix: ".shellpack-",
    suffix: ".part",
};

/// A temporary file in the directory of the final one.
fn temporary(dir: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(TEMPORARY.prefix)
        .suffix(TEMPORARY.suffix)
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(dir)
}
