//! A single file beside a bundle, written as carefully as the bundle.

use std::fs;
use std::path::PathBuf;

use super::cutter::{CompleteFile, Single};
use super::naming::{ensure_lasting, rename};
use super::part::PartPlace;
use super::read_back::ensure_arrived;
use super::sync::sync_files;
use super::{ReadBack, WrittenFile, ensure_writable};
use crate::error::{BadOutput, Error, Result};
use crate::media::Medium;
use crate::media::volumes::parent;
use crate::report::{Event, Phase, Report};

/// A single file to write.
#[derive(Debug)]
pub(crate) struct SingleFile {
    pub(crate) path: PathBuf,
    /// Whether an existing one is replaced.
    pub(crate) force: bool,
    /// Whether it is read back.
    pub(crate) read_back: ReadBack,
    /// Whether it is a program.
    pub(crate) is_program: bool,
}

impl SingleFile {
    /// Refuses to overwrite an existing file, and places that cannot be written.
    pub(crate) fn ensure_unoccupied(&self) -> Result<()> {
        let occupant = self.path.symlink_metadata().ok();
        if occupant.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(BadOutput::IsDirectory(self.path.clone()).into());
        }
        if occupant.is_some() && !self.force {
            return Err(BadOutput::Exists(self.path.clone()).into());
        }
        let dir = parent(&self.path);
        Medium::writable(dir)?;
        ensure_writable(dir)
    }

    /// Writes it with `write`. It gets its name only when it is complete and on disk.
    pub(crate) fn write(
        &self,
        write: impl FnOnce(&mut dyn std::io::Write) -> Result<()>,
        report: &Report,
    ) -> Result<WrittenFile> {
        let dir = parent(&self.path);
        let medium = Medium::of(dir)?;
        let file = Single::begin(&PartPlace::new(dir, None));
        let mut file = file.map_err(Error::io("create a file in", dir))?;
        if self.is_program {
            file.make_executable();
        }
        write(&mut file)?;
        let mut part = file.complete().map_err(Error::io("write", &self.path))?;
        sync_files(&mut [&mut part], &self.path, report)?;
        if self.read_back.is_wanted_on(&medium) {
            report.emit(Event::Phase(Phase::ReadBack));
            ensure_arrived(&part, &self.path, report)?;
        }
        report.ensure_not_interrupted()?;
        let CompleteFile {
            path, size, digest, ..
        } = part;
        rename(path, &self.path, self.force)?;
        ensure_lasting(&self.path, &medium).map_err(|source| BadOutput::NotLasting {
            path: self.path.clone(),
            aside: None,
            source,
        })?;
        Ok(WrittenFile {
            path: self.path.clone(),
            size,
            digest,
        })
    }
}
