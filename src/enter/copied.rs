//! A bundle that root opened for all users: whoever enters it gets a copy of the project files, and a
//! record.

use std::fs::File;
use std::io;
use std::path::Path;

use super::{Chosen, ensure_valid};
use crate::entry::project::is_same;
use crate::entry::project::root::ProjectRoot;
use crate::entry::project::staged::Staged;
use crate::error::{Error, NotThere, Result};
use crate::opened::{Keeping, Opening, Record, Scope};
use crate::report::{Event, Report};
use crate::target::{Session, Target};
use shellpack_format::bundle::manifest::Manifest;

/// Copies the project files to the current directory, and records that.
pub(super) fn to_here(
    chosen: Chosen,
    target: &Target,
    is_as_packed: bool,
    report: &Report,
) -> Result<Chosen> {
    let manifest = &chosen.manifest;
    let root = ProjectRoot::choose(manifest, None)?.compared(manifest, false, report);
    let is_free = |root: ProjectRoot| root.ensure_writable(manifest).map(|()| root);
    let root = root
        .and_then(is_free)
        .map_err(|error| NotThere::NoPlaceHere {
            name: chosen.record.full_name(),
            source: Box::new(error),
        })?;
    for note in root.notes() {
        report.emit(Event::Note(&note));
    }
    let record = chosen.record.in_scope(Scope::User)?;
    let session = record.ensure_writable().and_then(|()| target.connect());
    let mut session = match session {
        // The record is needed for evaluation only, and nothing is collected without Nix.
        Err(_) if is_as_packed => {
            copy(&chosen.project, &root, manifest)?;
            return Ok(Chosen {
                project: root.path().to_owned(),
                ..chosen
            });
        }
        session => session?,
    };
    let opening = begin(record.clone(), &chosen, (target, &mut session))?;
    keep_files(&record, &chosen, report);
    copy(&chosen.project, &root, manifest)?;
    let record = opening.complete(manifest, root.path(), &mut session)?;
    Ok(Chosen {
        record,
        project: root.path().to_owned(),
        ..chosen
    })
}

/// Begins a record that protects the paths for this user, too.
fn begin(
    record: Record,
    chosen: &Chosen,
    (target, session): (&Target, &mut Session),
) -> Result<Opening> {
    let bytes = chosen.record.manifest_bytes()?;
    let opening = Opening::begin(record, &chosen.manifest, &bytes, session)?;
    ensure_valid(chosen, target, session)?;
    Ok(opening)
}

/// Keeps the project files for a rollback: those that are still the bundle's.
fn keep_files(record: &Record, chosen: &Chosen, report: &Report) {
    let mut keeping = Keeping::begin(Some(record));
    for file in &chosen.manifest.project.files {
        let from = chosen.project.join(file.path.as_str());
        if is_same(&from, &file.kind) {
            keeping.copy(&file.kind, &from);
        }
    }
    keeping.end(record.name(), report);
}

/// Copies the bundle's files as they are now.
fn copy(from: &Path, root: &ProjectRoot, manifest: &Manifest) -> Result<()> {
    if root.is_settled(manifest) {
        return Ok(());
    }
    let staged = Staged::near(root)?;
    for file in &manifest.project.files {
        if let Some(mut out) = staged.create(file)? {
            let from = from.join(file.path.as_str());
            let mut original = File::open(&from).map_err(Error::io("read", &from))?;
            io::copy(&mut original, &mut out).map_err(Error::io("copy", &from))?;
        }
    }
    staged.place_all(&manifest.project)
}
