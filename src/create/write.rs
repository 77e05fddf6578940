//! The last stage: writes the planned bundle, with its members in the order of the manifest and
//! segments as they are compressed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::destination::{Destination, Output};
use super::pack::{self, Settings, Taken};
use super::sign::Signed;
use crate::bases::Bases;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::manifests::{Checks, Compressed};
use crate::output::{self, BUFFER, Counted, Written};
use crate::report::{Event, Phase, Report};
use crate::unpack::Prefixes;
use shellpack_format::bundle::manifest::{FileKind, ProjectFile};
use shellpack_format::bundle::segment::member_name;
use shellpack_format::bundle::writer::Writer;
use shellpack_format::store::hash::Digest;

/// A complete bundle that does not have its name yet, unless it went to standard output.
#[must_use]
#[derive(Debug)]
pub(super) enum Complete {
    /// Files.
    Files(output::Unnamed, Segments),
    Sent(Written, Segments),
}

/// The segments of a bundle.
#[derive(Debug)]
pub(super) struct Segments {
    /// Which of them were taken over.
    taken: Taken,
    compressed: Compressed,
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
            let (cutter, segments) = stream(signed, settings, report, cutter, &files.path)?;
            let finished = cutter.finish().map_err(Error::io("write", &files.path))?;
            let size = finished.volume_size();
            destination.ensure_first_holds(files, size, proved.manifest_bytes())?;
            let finished = files.protect(finished, proved.manifest_digest(), report)?;
            let files = files.sync(finished, report)?;
            Ok(Complete::Files(files, segments))
        }
        Output::Stdout => {
            let name = Path::new("standard output");
            let mut out = Counted::new(io::stdout());
            let sent = out.write_all(destination.header());
            sent.map_err(Error::io("write", name))?;
            let (sent, segments) = stream(signed, settings, report, out, name)?;
            Ok(Complete::Sent(sent.written(), segments))
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
            Self::Files(files, segments) => {
                let taken = &segments.taken;
                let files = files.read_back(&Made { bases, taken }, threads, report)?;
                Ok(Self::Files(files, segments))
            }
            sent @ Self::Sent(..) => Ok(sent),
        }
    }

    /// Gives the bundle its name. Returns how it was compressed, too.
    pub(super) fn publish(self, report: &Report) -> Result<(Written, Compressed)> {
        match self {
            Self::Files(files, segments) => Ok((files.publish(report)?, segments.compressed)),
            Self::Sent(written, segments) => {
                report.ensure_not_interrupted()?;
                Ok((written, segments.compressed))
            }
        }
    }
}

/// The written segments: those that were taken over are known to be right.
struct Made<'a> {
    bases: Option<Bases<'a>>,
    taken: &'a Taken,
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
) -> Result<(W, Segments)> {
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
    let mut checks = Checks::default();
    let taken = pack::segments(
        proved.manifest(),
        bases.as_ref(),
        settings,
        report,
        &mut |index, content| {
            let name = member_name(is_update, index);
            checks.add_of(content);
            writer.segment(name, content).map_err(failed)
        },
    )?;
    let out = writer.finish().map_err(failed)?.into_inner();
    let out = out.map_err(|error| failed(error.into_error()))?;
    let compressed = Compressed::new(settings.level, checks);
    Ok((out, Segments { taken, compressed }))
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
