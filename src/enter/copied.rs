//! A bundle that root opened for all users: whoever enters it gets a copy of the project files, and a
//! record.

use std::fs::File;
use std::io;
use std::path::Path;

use super::{Chosen, ensure_valid};
use crate::entry::project::root::ProjectRoot;
use crate::entry::project::staged::Staged;
use crate::error::{Error, NotThere, Result};
use crate::opened::{Opening, Record, Scope};
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
    let record = keep(record, &chosen, &root, (target, &mut session))?;
    Ok(Chosen {
        record,
        project: root.path().to_owned(),
        ..chosen
    })
}

/// Protects the paths for this user, too, and copies the files in between.
fn keep(
    record: Record,
    chosen: &Chosen,
    root: &ProjectRoot,
    (target, session): (&Target, &mut Session),
) -> Result<Record> {
    let manifest = &chosen.manifest;
    let bytes = chosen.record.manifest_bytes()?;
    let opening = Opening::begin(record, manifest, &bytes, session)?;
    ensure_valid(chosen, target, session)?;
    copy(&chosen.project, root, manifest)?;
    opening.complete(manifest, root.path(), session)
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
