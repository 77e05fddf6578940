//! A bundle of which everything is here already, to be entered without evaluating: that takes
//! no Nix, and no time to ask one.

use std::fs;

use super::Options;
use super::project::Target;
use crate::entry::{Entry, Present};
use crate::error::Result;
use crate::media::source::Bundle;
use crate::nix::{self, database};
use crate::opened::Record;
use shellpack_format::bundle::manifest::{Closure, Manifest, Shell};

/// What was found.
pub(super) enum Presence<'a> {
    /// The shell can be entered as it is, in the way that was asked for.
    Complete(Found, &'a Entry),
    /// Something has to be imported, or evaluated.
    Partial(Bundle),
}

/// A shell that can be entered without Nix.
#[must_use]
#[derive(Debug)]
pub(super) struct Found {
    manifest: Manifest,
    target: Target,
    is_stdin: bool,
}

impl Found {
    /// As it is entered.
    pub(super) fn present<'a>(&'a self, shell: &'a Shell) -> Present<'a> {
        Present {
            manifest: &self.manifest,
            shell,
            project: self.target.root(),
            is_stdin: self.is_stdin,
        }
    }
}

/// Looks whether there is nothing to do but to enter; project files that are missing are
/// written for that.
pub(super) fn look(mut bundle: Bundle, options: &Options) -> Result<Presence<'_>> {
    let manifest = bundle.reader.manifest();
    let record = Record::of(&manifest.name, bundle.reader.manifest_digest()).ok();
    let entry = options.entry.as_ref();
    let Some(entry) = entry.filter(|_| options.enters_as_packed(manifest)) else {
        return Ok(Presence::Partial(bundle));
    };
    if !is_complete(manifest, record.as_ref()) {
        return Ok(Presence::Partial(bundle));
    }
    let manifest = manifest.clone();
    let target = Target::choose(&manifest, options.dir.as_deref())?;
    target.ensure_nothing_differs(&manifest)?;
    if !target.holds_all(&manifest) {
        let staged = target.stage(&mut bundle.reader, &manifest.project, &bundle.file)?;
        staged.place(&target, &manifest.project)?;
    }
    if let Some(record) = record.filter(Record::is_whole) {
        // So that `enter` finds it; without that, it is no worse than on a machine without Nix.
        let _ = record.add_place(target.root());
    }
    let found = Found {
        manifest,
        target,
        is_stdin: bundle.is_stdin,
    };
    Ok(Presence::Complete(found, entry))
}

/// Whether all paths are valid, and kept from the collector. Where there is no Nix, there is
/// nobody who could say so, and no collector.
fn is_complete(manifest: &Manifest, record: Option<&Record>) -> bool {
    let closure = &manifest.closure;
    let exists = |path| fs::symlink_metadata(closure.store.join(path)).is_ok();
    if !closure.paths.iter().all(|path| exists(&path.path)) {
        return false;
    }
    let is_rooted = record.is_some_and(|record| record.holds(manifest));
    match are_valid(closure) {
        Some(valid) => valid && (is_rooted || !nix::is_installed()),
        None => !nix::is_installed(),
    }
}

/// `None` where the database cannot be read.
fn are_valid(closure: &Closure) -> Option<bool> {
    let paths = closure.paths.iter().map(|path| &path.path);
    database::are_valid(&nix::state_directory(), &closure.store, paths)
}
