//! The destination of a bundle: the file or stream that it goes to, and whether it fits there.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::opener::{Before, Opener};
use super::prove::Proved;
use super::shell::Shells;
use super::{KnownFrom, Options};
use crate::error::{BadOutput, Error, Result};
use crate::media::volumes::{VolumeSize, parent};
use crate::output::{Cutter, OutputFiles, ProgramBeside, WrittenFile, files_of};
use crate::report::{Event, Report, human};
use crate::text::shown;
use shellpack_format::bundle::executable::Executable;
use shellpack_format::bundle::signature::Signatures;
use shellpack_format::bundle::writer;

/// The best ratio of NARs to compressed closure, for refusing bundles that cannot fit. Programs and
/// libraries shrink to a third or a quarter; this leaves room for texts and tables.
const BEST_RATIO: u64 = 50;
/// The best usual ratio, for a warning.
const USUAL_RATIO: u64 = 5;

/// The destination of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Files.
    File(OutputFiles),
    /// Standard output.
    Stdout,
}

impl Output {
    /// Checks an output that was named before building, which may take minutes.
    pub(super) fn ensure_unoccupied(options: &Options) -> Result<()> {
        match &options.output {
            Some(Self::File(files)) if !options.dry_run => files.ensure_unoccupied(),
            _ => Ok(()),
        }
    }
}

/// Where the bundle goes, and what opens it there.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) output: Output,
    opener: Option<Opener>,
    before: Before,
}

impl Destination {
    /// The named output, else `NAME.shellpack` or `NAME.run`. Refuses one where writing would do harm.
    pub(super) fn choose(
        options: &Options,
        shells: &Shells,
        opener: Option<Opener>,
    ) -> Result<Self> {
        let name = shells.name.as_str();
        let before = match &opener {
            Some(opener) => {
                opener.ensure_fits(shells)?;
                opener.before(name)?
            }
            None => Before::default(),
        };
        let ending = before.executable.as_ref().map_or("shellpack", |_| "run");
        let part = if options.known.is_empty() {
            ""
        } else {
            "-update"
        };
        let default = || {
            let path = PathBuf::from(format!("{name}{part}.{ending}"));
            Output::File(options.form.files(path))
        };
        let output = options.output.clone().unwrap_or_else(default);
        let destination = Self {
            output,
            opener,
            before,
        };
        if let Output::File(files) = &destination.output {
            ensure_no_base(files, &options.known)?;
            if !options.dry_run {
                files.ensure_unoccupied()?;
                let beside = destination.beside();
                beside.map_or(Ok(()), |beside| beside.ensure_unoccupied())?;
            }
            ensure_outside_sources(&files.path, shells.project.watched())?;
        }
        Ok(destination)
    }

    /// The part of the file before the bundle, if there is one.
    pub(super) fn executable(&self) -> Option<&Executable> {
        self.before.executable.as_ref()
    }

    /// The bundle that it will replace, if there is one.
    pub(super) fn replaced(&self) -> Option<&Path> {
        match &self.output {
            Output::File(files) => Some(files.path.as_path()),
            Output::Stdout => None,
        }
    }

    fn beside(&self) -> Option<ProgramBeside<'_>> {
        match (&self.output, &self.opener) {
            (Output::File(files), Some(opener)) => opener.beside(files),
            _ => None,
        }
    }

    /// Writes the program beside the bundle, if it is to be there.
    pub(super) fn write_opener(&self, report: &Report) -> Result<Option<WrittenFile>> {
        self.beside().map(|beside| beside.write(report)).transpose()
    }

    /// The size of the bundle's file in bytes, if its closure shrinks by this ratio.
    pub(super) fn size_at(&self, ratio: u64, proved: &Proved) -> u64 {
        self.before.bytes.len() as u64 + proved.size_at(ratio)
    }

    /// Refuses a place without room for the planned bundle before anything is compressed, and warns
    /// of one that may be too small.
    pub(super) fn ensure_space(&self, proved: &Proved, report: &Report) -> Result<()> {
        let Output::File(files) = &self.output else {
            return Ok(());
        };
        self.ensure_first_holds(files, files.volume_size, proved.manifest_bytes())?;
        let medium = files.ensure_space(self.size_at(BEST_RATIO, proved))?;
        let usual = self.size_at(USUAL_RATIO, proved);
        if let Some(free) = medium.too_small_for(usual) {
            report.emit(Event::Warning(&format!(
                "{} may not fit: such bundles usually need {} or more, and its file system has {} free",
                shown(&files.path),
                human(usual),
                human(free)
            )));
        }
        Ok(())
    }

    /// Refuses volumes too small to open the bundle from the first one.
    pub(super) fn ensure_first_holds(
        &self,
        files: &OutputFiles,
        size: Option<VolumeSize>,
        manifest: &[u8],
    ) -> Result<()> {
        if self.before.executable.is_none() {
            return Ok(());
        }
        // The room for signatures is the same whatever is in it.
        let head = writer::head(manifest, &Signatures::default()).len();
        let least = self.before.bytes.len() + head;
        files.ensure_first_holds(size, least as u64)
    }

    /// The bytes before the bundle.
    pub(super) fn header(&self) -> &[u8] {
        &self.before.bytes
    }

    /// Makes a file a program, if it is to be one, and writes what comes before the bundle.
    pub(super) fn begin(&self, files: &OutputFiles) -> Result<Cutter> {
        let cutter = files.begin()?;
        if self.before.executable.is_none() {
            return Ok(cutter);
        }
        let mut cutter = cutter.executable();
        let written = cutter.write_all(&self.before.bytes);
        written.map_err(Error::io("write", &files.path))?;
        Ok(cutter)
    }
}

/// Fails if the bundle would replace one that it is made from: the full bundle would be gone.
fn ensure_no_base(files: &OutputFiles, known: &[KnownFrom]) -> Result<()> {
    for KnownFrom::Bundle(file) | KnownFrom::Inventory(file) in known {
        if file.exists() {
            files.ensure_apart(&files_of(file, &[]))?;
        }
    }
    Ok(())
}

fn ensure_outside_sources<'a>(
    path: &Path,
    mut sources: impl Iterator<Item = &'a PathBuf>,
) -> Result<()> {
    let dir = parent(path);
    let dir = fs::canonicalize(dir).map_err(Error::io("write to", dir))?;
    match sources.find(|tree| dir.starts_with(tree)) {
        Some(tree) => Err(BadOutput::InSource {
            path: path.to_owned(),
            tree: tree.clone(),
        }
        .into()),
        None => Ok(()),
    }
}
