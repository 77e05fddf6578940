//! Brings the missing paths into the store and the project files to their place, in one pass
//! over the bundle.

use std::collections::HashSet;
use std::path::Path;

use super::accept::Accepted;
use super::opening::Opening;
use super::project::Target;
use crate::entry::Ready;
use crate::error::{Error, Result};
use crate::media::source::Source;
use crate::nix::Nix;
use crate::nix::daemon::Connection;
use crate::opened::Record;
use crate::report::{Event, Phase, Report, count};
use crate::unpack;
use shellpack_format::bundle::manifest::{Closure, Manifest, Shell};
use shellpack_format::bundle::reader::Reader;

mod daemon;
mod direct;
mod lock;

/// A bundle whose shell can be entered.
#[must_use]
#[derive(Debug)]
pub(super) struct Imported {
    manifest: Manifest,
    nix: Nix,
    target: Target,
    record: Record,
    is_stdin: bool,
    /// How many paths were missing.
    new_paths: usize,
}

impl Imported {
    /// What was done, for the user.
    pub(super) fn note(&self) -> String {
        format!("imported {}", count(self.new_paths, "store path"))
    }

    /// As it is entered.
    pub(super) fn ready<'a>(&'a self, shell: &'a Shell) -> Ready<'a> {
        Ready {
            manifest: &self.manifest,
            shell,
            nix: &self.nix,
            record: &self.record,
            project: self.target.root(),
            is_stdin: self.is_stdin,
        }
    }
}

/// Imports what is missing. References are registered before or together with their
/// referrers, so the store is sound whenever this stops.
pub(super) fn import(accepted: Accepted, jobs: usize, report: &Report) -> Result<Imported> {
    let Accepted {
        mut bundle,
        nix,
        mut connection,
        target,
    } = accepted;
    let manifest = bundle.reader.manifest().clone();
    let opening = Opening::begin(&bundle.reader, &mut connection)?;
    let staged = target.stage(&mut bundle.reader, &manifest.project, &bundle.file)?;
    let waiting = report.waiting("Nix's store to answer");
    let wanted = hold_and_compare(&manifest.closure, &mut connection)?;
    drop(waiting);
    let new_paths = wanted.iter().filter(|wanted| **wanted).count();

    report.emit(Event::Phase(Phase::Import));
    let bytes = manifest
        .closure
        .paths
        .iter()
        .zip(&wanted)
        .filter(|(_, wanted)| **wanted)
        .map(|(path, _)| path.nar_size);
    report.emit(Event::Total {
        bytes: bytes.sum(),
        paths: new_paths as u64,
    });
    if new_paths > 0 {
        closure(&nix, bundle.reader, &bundle.file, &wanted, jobs, report)?;
    } else if bundle.is_stream() {
        pass_by(bundle.reader, &bundle.file, report)?;
    }
    ensure_all_valid(&manifest.closure, &mut connection)?;
    staged.place(&target, &manifest.project)?;
    let record = opening.complete(&manifest, target.root(), &mut connection)?;
    Ok(Imported {
        manifest,
        nix,
        target,
        record,
        is_stdin: bundle.is_stdin,
        new_paths,
    })
}

/// Reads the closure to its end: whoever sends it must not find that nobody listens any more, and
/// what was cut off on the way is an error whether it is needed or not.
fn pass_by(mut reader: Reader<Source>, file: &Path, report: &Report) -> Result<()> {
    let segments = 0..reader.manifest().closure.segments.len();
    let failed = |error| Error::read_bundle(file, error);
    for index in segments {
        report.ensure_not_interrupted()?;
        reader.skip_segment(index).map_err(failed)?;
    }
    reader.finish().map_err(failed)
}

/// Imports what is wanted of the closure, directly where the store is ours to write.
fn closure(
    nix: &Nix,
    reader: Reader<Source>,
    file: &Path,
    wanted: &[bool],
    jobs: usize,
    report: &Report,
) -> Result<()> {
    let closure = reader.manifest().closure.clone();
    if let Some(direct) = direct::Direct::prepare(nix, &closure, wanted, file, report)? {
        let unpack = || unpack::segments(reader, &direct, jobs, report);
        let outcome = direct.while_registering(unpack);
        return direct.finish(outcome);
    }
    let uploads = daemon::Uploads::new(nix, &closure, wanted, file);
    unpack::segments(reader, &uploads, jobs, report)
}

/// Holds every path by a temporary root, then asks which are missing: what is valid now
/// stays valid.
fn hold_and_compare(closure: &Closure, connection: &mut Connection) -> Result<Vec<bool>> {
    let paths: Vec<_> = closure.paths.iter().map(|path| path.path.clone()).collect();
    for path in &paths {
        connection.add_temp_root(path)?;
    }
    let valid: HashSet<_> = connection.valid_paths(&paths)?.into_iter().collect();
    Ok(paths.iter().map(|path| !valid.contains(path)).collect())
}

/// The import's promise, checked against the store itself rather than our own bookkeeping.
fn ensure_all_valid(closure: &Closure, connection: &mut Connection) -> Result<()> {
    let missing = hold_and_compare(closure, connection)?
        .iter()
        .position(|missing| *missing);
    match missing {
        Some(index) => Err(Error::NotImported(
            closure.store.print(&closure.paths[index].path),
        )),
        None => Ok(()),
    }
}
