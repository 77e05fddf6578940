//! Reads a whole bundle and lists every fault. Nothing is executed and nothing is changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::bases::Bases;
use crate::describe::Uncovered;
use crate::error::{Error, Result};
use crate::media::source::Bundle;
use crate::media::volumes::Shelf;
use crate::report::{Event, Phase, Report};
use crate::trust::Policy;
use crate::unpack::{self, Destination, NarSink, Prefixes};
use shellpack_format::bundle::manifest::Manifest;
use shellpack_format::bundle::reader::{Input, ReadError, Reader};
use shellpack_format::bundle::segment::member_name;
use shellpack_format::bundle::{BadBundle, BadVolume};
use shellpack_format::store::hash::Digest;

mod bases;
mod parity;
mod verification;

use bases::Places;
use parity::Cover;
use verification::Verification;

/// The request.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle; `-` is stdin.
    pub bundle: PathBuf,
    /// Further directories to look for its volumes in.
    pub volumes: Vec<PathBuf>,
    /// Where the bases of an update are: stores or bundles; by default, this machine's store.
    pub bases: Vec<PathBuf>,
    /// Number of threads that check segments.
    pub threads: usize,
}

/// Checks every byte of a bundle, and the parity beside it.
pub(crate) fn verify(options: &Options, report: &Report) -> Result<Verification> {
    report.emit(Event::Phase(Phase::Verify));
    let policy = Policy::in_force()?;
    let bundle = Bundle::open_among(&options.bundle, &options.volumes, report.prompt());
    let judgement = bundle.as_ref().ok();
    let judgement = judgement.map(|bundle| policy.judge(&bundle.reader));
    let findings = findings(bundle, &options.bases, options.threads, report)?;
    let cover = Cover::look(options, &findings, report)?;
    report.emit(Event::PhaseDone);
    Verification::new(options, findings, cover, judgement)
}

/// The result of a check.
#[derive(Debug)]
pub struct Findings {
    /// The manifest, if it could be read.
    pub manifest: Option<Manifest>,
    /// The digest of the manifest, likewise.
    pub manifest_digest: Option<Digest>,
    /// Header and program, if the bundle opens itself.
    pub(crate) executable: Option<Uncovered>,
    /// Every fault, in the order of the file where that is known.
    pub faults: Vec<BadBundle>,
    /// How many store paths of an update could not be checked, because their bases are not here.
    pub unchecked: usize,
}

/// Checks every byte of a bundle in one file.
pub fn verify_file(file: &Path, threads: usize, report: &Report) -> Result<Findings> {
    findings(Bundle::open(file), &[], threads, report)
}

/// Checks every byte of a bundle. If it could not be opened, that is its fault.
fn findings(
    bundle: Result<Bundle>,
    bases: &[PathBuf],
    threads: usize,
    report: &Report,
) -> Result<Findings> {
    match bundle {
        Ok(bundle) => check_with_bases(bundle, bases, threads, report),
        Err(Error::Bundle { source, .. }) => Ok(Findings {
            manifest: None,
            manifest_digest: None,
            executable: None,
            faults: vec![source],
            unchecked: 0,
        }),
        Err(error) => Err(error),
    }
}

/// Checks a bundle; an update with its bases, as far as they are here.
fn check_with_bases(
    bundle: Bundle,
    named: &[PathBuf],
    threads: usize,
    report: &Report,
) -> Result<Findings> {
    let manifest = bundle.reader.manifest().clone();
    let Some(delta) = &manifest.delta else {
        return check(bundle, &unpack::Unknown, threads, report);
    };
    let places = Places::of(named, delta, &manifest.closure.store, report)?;
    let bases = Bases::new((&manifest, delta), |base| places.find(base, report), report);
    let findings = check(bundle, &bases, threads, report)?;
    Ok(Findings {
        unchecked: unchecked(&manifest, &bases),
        ..findings
    })
}

/// How many paths are, in part at least, in segments whose bases are not here.
fn unchecked(manifest: &Manifest, bases: &Bases<'_>) -> usize {
    let layout = manifest.layout();
    let segments = (0..layout.segments()).filter(|&segment| !bases.has(segment));
    let paths = segments.flat_map(|segment| layout.slices(segment).map(|slice| slice.index));
    let paths: BTreeSet<_> = paths
        .filter(|&index| index < manifest.closure.paths.len())
        .collect();
    paths.len()
}

fn check(
    bundle: Bundle,
    prefixes: &dyn Prefixes,
    threads: usize,
    report: &Report,
) -> Result<Findings> {
    let mut volumes = VolumeFaults::default();
    match bundle.ensure_whole() {
        Ok(()) => {}
        Err(Error::Bundle {
            source: BadBundle::Volume(bad),
            ..
        }) => volumes.fault = Some(bad),
        Err(error) => return Err(error),
    }
    volumes.shelf = bundle.volumes().cloned();
    volumes.is_update = bundle.reader.manifest().delta.is_some();
    let manifest = bundle.reader.manifest().clone();
    let manifest_digest = Some(bundle.reader.manifest_digest());
    let executable = bundle.reader.executable().map(Uncovered::of);
    if volumes.are_unreadable() {
        return Ok(Findings {
            manifest: Some(manifest),
            manifest_digest,
            executable,
            faults: volumes.add_to(Vec::new()),
            unchecked: 0,
        });
    }
    let faults = contents_with(bundle, prefixes, threads, report)?;
    Ok(Findings {
        manifest: Some(manifest),
        manifest_digest,
        executable,
        faults: volumes.add_to(faults),
        unchecked: 0,
    })
}

/// Faults of the volumes of a bundle as files, whatever their contents.
#[derive(Default)]
struct VolumeFaults {
    is_update: bool,
    shelf: Option<Arc<Shelf>>,
    fault: Option<BadVolume>,
}

impl VolumeFaults {
    /// Whether nothing can be read. If a volume is only foreign, everything before it can still be
    /// checked.
    fn are_unreadable(&self) -> bool {
        !matches!(self.fault, None | Some(BadVolume::Foreign { .. }))
    }

    fn add_to(self, mut faults: Vec<BadBundle>) -> Vec<BadBundle> {
        // A wrong volume explains the bad header in it, which is not news then.
        if let Some(BadVolume::Foreign { member: bad, .. }) = &self.fault {
            faults.retain(|fault| !matches!(fault, BadBundle::Header { member } if member == bad));
        }
        let is_update = self.is_update;
        if let Some(shelf) = &self.shelf {
            faults = faults
                .into_iter()
                .map(|fault| placed(fault, shelf, is_update))
                .collect();
        }
        let surplus = self.shelf.and_then(|shelf| shelf.surplus(shelf.whole()?));
        faults.extend([self.fault, surplus].into_iter().flatten().map(Into::into));
        faults
    }
}

/// Adds the volumes that a damaged segment is in.
fn placed(fault: BadBundle, shelf: &Shelf, is_update: bool) -> BadBundle {
    let files = match &fault {
        BadBundle::Segment { member, .. } => {
            let index =
                (0..shelf.segments()).find(|index| member_name(is_update, *index) == *member);
            index.and_then(|index| shelf.volumes_of(index))
        }
        _ => None,
    };
    match files {
        Some(files) => BadBundle::Within {
            files,
            fault: Box::new(fault),
        },
        None => fault,
    }
}

/// Reads a bundle to its end and returns its faults.
pub(crate) fn contents(bundle: Bundle, threads: usize, report: &Report) -> Result<Vec<BadBundle>> {
    contents_with(bundle, &unpack::Unknown, threads, report)
}

/// [`contents`], with the prefixes of an update.
fn contents_with(
    bundle: Bundle,
    prefixes: &dyn Prefixes,
    threads: usize,
    report: &Report,
) -> Result<Vec<BadBundle>> {
    let file = bundle.file.clone();
    let mut reader = bundle.into_counted(report);
    let manifest = reader.manifest().clone();
    let check = Check {
        file: &file,
        faults: Mutex::default(),
    };
    if project_files(&mut reader, &manifest, &check)? {
        unpack::segments(reader, &check, prefixes, threads, report)?;
    }
    Ok(check
        .faults
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner))
}

/// Fails with the first fault of a bundle, if it has one.
pub(crate) fn ensure_sound(
    bundle: Bundle,
    prefixes: &dyn Prefixes,
    threads: usize,
    report: &Report,
) -> Result<()> {
    let file = bundle.file.clone();
    let findings = check(bundle, prefixes, threads, report)?;
    let first = findings.faults.into_iter().next();
    first.map_or(Ok(()), |source| Err(Error::Bundle { file, source }))
}

/// Checks the project files. Returns whether the rest of the bundle can be found.
fn project_files(
    reader: &mut Reader<impl Input>,
    manifest: &Manifest,
    check: &Check<'_>,
) -> Result<bool> {
    for file in &manifest.project.files {
        match reader.project_file(file, |_| Ok(())) {
            Ok(()) => {}
            // Contents and padding were read to their end, so the next header is in its place.
            Err(ReadError::Bad(
                fault @ (BadBundle::ProjectFile { .. } | BadBundle::Padding { .. }),
            )) => check.fault(fault)?,
            Err(error) => return check.unreadable(error).map(|()| false),
        }
    }
    Ok(true)
}

struct Check<'a> {
    file: &'a Path,
    faults: Mutex<Vec<BadBundle>>,
}

impl Destination for Check<'_> {
    type Sink<'a>
        = Checked
    where
        Self: 'a;

    fn wants(&self, _index: usize) -> bool {
        true
    }

    fn begin(&self, _index: usize) -> Result<Checked> {
        Ok(Checked)
    }

    fn fault(&self, fault: BadBundle) -> Result<()> {
        self.faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(fault);
        Ok(())
    }

    fn unreadable(&self, error: ReadError) -> Result<()> {
        match error {
            ReadError::Bad(fault) => self.fault(fault),
            error @ ReadError::Io(_) => Err(Error::read_bundle(self.file, error)),
        }
    }
}

/// A NAR that is not kept. That it can be unpacked was checked on its way here.
struct Checked;

impl NarSink for Checked {
    type Part = ();
    const HAS_PARTS: bool = false;

    fn split(&mut self, _bytes: &[u8]) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, _bytes: &[u8]) -> Result<()> {
        Ok(())
    }

    fn finish(self) -> Result<()> {
        Ok(())
    }
}
