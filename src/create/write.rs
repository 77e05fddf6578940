//! The last stage: writes the planned bundle, with its members in the order of the manifest and
//! segments as they are compressed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::Options;
use super::opener::{Before, Opener};
use super::pack::{self, Settings, Taken};
use super::prove::Proved;
use super::shell::Shells;
use super::sign::Signed;
use crate::bases::Bases;
use crate::error::{BadOutput, Error, Result};
use crate::interrupt;
use crate::media::volumes::{VolumeSize, parent};
use crate::output::{
    self, BUFFER, Counted, Cutter, OutputFiles, ProgramBeside, Written, WrittenFile,
};
use crate::report::{Event, Phase, Report, human};
use crate::text::shown;
use crate::unpack::Prefixes;
use shellpack_format::bundle::executable::Executable;
use shellpack_format::bundle::manifest::{FileKind, ProjectFile};
use shellpack_format::bundle::segment::member_name;
use shellpack_format::bundle::signature::Signatures;
use shellpack_format::bundle::writer::{self, Writer};
use shellpack_format::store::hash::Digest;

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
    fn ensure_first_holds(
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

    /// Makes a file a program, if it is to be one, and writes what comes before the bundle.
    fn begin(&self, files: &OutputFiles) -> Result<Cutter> {
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

/// A complete bundle that does not have its name yet, unless it went to standard output.
#[must_use]
#[derive(Debug)]
pub(super) enum Complete {
    /// Files, and which segments in them were taken over.
    Files(output::Unnamed, Taken),
    Sent(Written),
}

/// Writes the planned bundle and syncs it to disk.
pub(super) fn write(
    signed: &Signed,
    destination: &Destination,
    settings: &Settings,
    report: &Report,
) -> Result<Complete> {
    let proved = signed.proved();
    report.emit(Event::Phase(Phase::Pack));
    report.emit(Event::Total {
        bytes: proved.manifest().closure.nar_bytes(),
        paths: proved.manifest().closure.paths.len() as u64,
    });
    match &destination.output {
        Output::File(files) => {
            let cutter = destination.begin(files)?;
            let (cutter, taken) = stream(signed, settings, report, cutter, &files.path)?;
            let finished = cutter.finish().map_err(Error::io("write", &files.path))?;
            let size = finished.volume_size();
            destination.ensure_first_holds(files, size, proved.manifest_bytes())?;
            let finished = files.protect(finished, proved.manifest_digest(), report)?;
            let files = files.sync(finished, report)?;
            Ok(Complete::Files(files, taken))
        }
        Output::Stdout => {
            let name = Path::new("standard output");
            let mut out = Counted::new(io::stdout());
            let sent = out.write_all(&destination.before.bytes);
            sent.map_err(Error::io("write", name))?;
            let (sent, _) = stream(signed, settings, report, out, name)?;
            Ok(Complete::Sent(sent.written()))
        }
    }
}

impl Complete {
    /// Reads the files back. Standard output cannot be read back.
    pub(super) fn read_back(
        self,
        signed: &Signed,
        threads: usize,
        report: &Report,
    ) -> Result<Self> {
        let bases = signed.proved().plan().bases(report);
        match self {
            Self::Files(files, taken) => {
                let made = Made { bases, taken };
                let files = files.read_back(&made, threads, report)?;
                Ok(Self::Files(files, made.taken))
            }
            sent @ Self::Sent(_) => Ok(sent),
        }
    }

    /// Gives the bundle its name.
    pub(super) fn publish(self, report: &Report) -> Result<Written> {
        match self {
            Self::Files(files, _) => files.publish(report),
            Self::Sent(written) => {
                report.ensure_not_interrupted()?;
                Ok(written)
            }
        }
    }
}

/// The written segments: those that were taken over are known to be right.
struct Made<'a> {
    bases: Option<Bases<'a>>,
    taken: Taken,
}

impl Prefixes for Made<'_> {
    fn of(&self, segment: usize) -> Result<Option<Vec<u8>>> {
        let bases = self.bases.as_ref();
        bases.map(|bases| bases.prefix(segment)).transpose()
    }

    fn is_right(&self, segment: usize) -> bool {
        self.taken[segment]
    }
}

fn stream<W: Write + Send>(
    signed: &Signed,
    settings: &Settings,
    report: &Report,
    out: W,
    name: &Path,
) -> Result<(W, Taken)> {
    let failed = |error| Error::io("write", name)(error);
    let proved = signed.proved();
    let out = BufWriter::with_capacity(BUFFER, out);
    let mut writer =
        Writer::begin(out, proved.manifest_bytes(), signed.signatures()).map_err(failed)?;
    for file in &proved.manifest().project.files {
        report.ensure_not_interrupted()?;
        project_file(&mut writer, file, proved.project_root(), name)?;
    }
    let is_update = proved.manifest().delta.is_some();
    let bases = proved.plan().bases(report);
    let taken = pack::segments(
        proved.manifest(),
        bases.as_ref(),
        settings,
        report,
        &mut |index, content| {
            let name = member_name(is_update, index);
            writer.segment(name, content).map_err(failed)
        },
    )?;
    let out = writer.finish().map_err(failed)?.into_inner();
    let out = out.map_err(|error| failed(error.into_error()))?;
    Ok((out, taken))
}

fn project_file(
    writer: &mut Writer<impl Write>,
    file: &ProjectFile,
    root: &Path,
    name: &Path,
) -> Result<()> {
    let FileKind::File { digest, .. } = &file.kind else {
        return writer
            .project_file(file, io::empty())
            .map_err(Error::io("write", name));
    };
    let path = root.join(file.path.as_str());
    let content = File::open(&path).map_err(Error::io("read", &path))?;
    let mut hashing = Hashing {
        input: content,
        hasher: Sha256::new(),
        has_failed: false,
    };
    let packed = writer.project_file(file, &mut hashing);
    packed.map_err(|error| {
        // The file could not be read, or became shorter; else the bundle could not be written.
        if hashing.has_failed || error.kind() == io::ErrorKind::UnexpectedEof {
            Error::io("pack", &path)(error)
        } else {
            Error::io("write", name)(error)
        }
    })?;
    if Digest::from(hashing.hasher) == *digest {
        return Ok(());
    }
    Err(Error::io("pack", &path)(io::Error::other(
        "it changed while it was packed",
    )))
}

struct Hashing<R> {
    input: R,
    hasher: Sha256,
    has_failed: bool,
}

impl<R: io::Read> io::Read for &mut Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = interrupt::ensure_none().and_then(|()| self.input.read(buffer));
        self.has_failed = read.is_err();
        let n = read?;
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}
