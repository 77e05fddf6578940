//! Imports missing paths into the store and puts the project files in their place, in one pass over
//! the bundle.
//!
//! Attacks of a bundle on the store, and the defences:
//!
//! * *A path that Nix takes for the lock of another* (`HASH-x.lock`), in the same bundle, in an earlier
//!   one, or left by an interrupted import: Nix opens a lock through a symlink and deletes it
//!   afterwards. No two paths of a manifest have one hash part, no path is imported beside a valid one
//!   with its hash part (`present.rs`), and only a regular file of ours, with one name and empty, is a lock
//!   (`nix/locks.rs`), which is asked before a daemon is given the path, too.
//! * *A lock that is never free*: one that is marked as deleted and still there is an error.
//! * *A NAR that Nix takes but would not write*, so that the path does not have its hash on the disk, or
//!   a false content address: [`NarCheck`](shellpack_format::store::nar_check::NarCheck) sees every byte before
//!   a destination does, whichever it is. The end of a NAR is kept back from the daemon until then.
//! * *A path of the same name with other contents*, brought by an earlier bundle: what the store has is
//!   compared with the manifest before anything is changed, and again at the end.
//! * *Files outside of the tree*: names come from checked NARs, below directories that are held open;
//!   nothing that exists is opened or followed (`tree/restore.rs`). There are regular files, directories and
//!   symlinks; modes are 0444 and 0555, so there are no set-uid bits.
//! * *Another file in the place of the bundle*: it stays open from the check to the end.
//! * *A root that leads elsewhere*: it is made again, and Nix is told of it again (`opened/roots.rs`).

use std::path::Path;

use super::accept::{Accepted, Fit, Places};
use super::{Outside, present, presumed, project};
use crate::describe::Update;
use crate::entry::as_packed::AsPacked;
use crate::entry::exported::Exported;
use crate::entry::project::root::ProjectRoot;
use crate::entry::{self, Ready, Way};
use crate::error::{Error, NotThere, Result};
use crate::media::source::{Bundle, Source};
use crate::opened::{Opening, Record};
use crate::report::{Event, Phase, Report, count};
use crate::target::{Session, Target};
use crate::unpack::{self, Prefixes};
use shellpack_format::bundle::manifest::{Closure, Manifest, Shell, shell_typed};
use shellpack_format::bundle::reader::Reader;

mod daemon;
mod direct;

pub(crate) use direct::hidden_entry;

/// An imported bundle. Its shells can be entered.
#[must_use]
#[derive(Debug)]
pub(super) struct Imported {
    manifest: Manifest,
    target: Target,
    project: ProjectRoot,
    /// `None` only if Nix was not asked.
    record: Option<Record>,
    is_stdin: bool,
    /// How many paths were missing; `None` if Nix was not asked.
    new_paths: Option<usize>,
    way: Way,
}

impl Imported {
    /// Whether its shells are evaluated here.
    pub(super) fn way(&self) -> Way {
        self.way
    }

    /// Notes about the import: how much it was, files that were there already, and for whom it is.
    pub(super) fn notes(&self, checked_base: bool) -> Vec<String> {
        let name = &self.manifest.name;
        let for_all = self.record.as_ref().filter(|record| record.is_for_all());
        let for_all = for_all.map(|record| {
            let store = record.unusual_store().map(|dir| {
                let dir = shell_typed(&dir.to_string_lossy());
                format!(" --store {dir}")
            });
            let store = store.unwrap_or_default();
            format!(
                "opened for all users of this machine, who enter it with: shellpack enter {name}{store}"
            )
        });
        let files = self.project.notes();
        let has_envrc = self.project.path().join(".envrc").exists();
        let direnv = has_envrc.then(|| {
            format!("to use direnv here, put this into .envrc: eval \"$(shellpack env {name})\"")
        });
        std::iter::once(self.imported(checked_base))
            .chain(files)
            .chain(direnv)
            .chain(for_all)
            .collect()
    }

    /// How much was imported. What was here already is not read, so that nothing is known of it, unless the
    /// user asked for a check of what an update presumes.
    fn imported(&self, checked_base: bool) -> String {
        let new = self.new_paths.unwrap_or(0);
        let imported = format!("imported {}", count(new, "store path"));
        let is_checked = checked_base && Update::of(&self.manifest).is_some();
        let (was, were) = if is_checked {
            ("was checked", "were checked")
        } else {
            ("was not read", "were not read")
        };
        match self.manifest.closure.paths.len() - new {
            0 => imported,
            1 if new == 0 => format!("{imported}: its only one is here, and {was}"),
            1 => format!("{imported}; the other one is here, and {was}"),
            here if new == 0 => format!("{imported}: all {here} are here, and {were}"),
            here => format!("{imported}; the other {here} are here, and {were}"),
        }
    }

    /// Finds out what each shell exports, for other tools. If a shell cannot be started, the tools hear
    /// why.
    pub(super) fn keep_environments(&self) {
        let Some(record) = &self.record else { return };
        if !self.target.is_here() {
            return;
        }
        let store = &self.manifest.closure.store;
        for shell in &self.manifest.shells {
            let file = record.environment_file(shell);
            if !file.exists() {
                let as_packed = AsPacked::new(shell, store, self.project.path());
                let exported = Exported::of(&as_packed.without_hook());
                let _ = exported.and_then(|exported| exported.keep_in(&file));
            }
        }
    }

    /// The result of not entering it: how to enter the selected shell, or all of them.
    pub(super) fn outside(&self, selected: Option<&Shell>) -> Result<Outside> {
        let shells = selected.map_or(&self.manifest.shells[..], std::slice::from_ref);
        let ready = self.ready(&self.manifest.shells[0]);
        let is_for_all = self.is_for_all();
        let shells = if is_for_all {
            Vec::new()
        } else {
            entry::stay_outside(&ready, shells)?
        };
        Ok(Outside {
            name: self.manifest.name.to_string(),
            imported: self.new_paths.unwrap_or(0),
            project: self.project.path().to_string_lossy().into_owned(),
            for_all_users: is_for_all,
            shells,
        })
    }

    /// Whether it was opened for all users of this machine.
    fn is_for_all(&self) -> bool {
        self.record.as_ref().is_some_and(Record::is_for_all)
    }

    /// One of its shells, ready to be entered.
    pub(super) fn ready<'a>(&'a self, shell: &'a Shell) -> Ready<'a> {
        Ready {
            manifest: &self.manifest,
            shell,
            target: &self.target,
            record: self.record.as_ref(),
            project: self.project.path(),
            is_stdin: self.is_stdin,
        }
    }
}

/// Imports missing paths. References are registered before their referrers or together with them,
/// so the store is consistent whenever this stops.
pub(super) fn import(accepted: Accepted, threads: usize, report: &Report) -> Result<Imported> {
    let (bundle, fit) = accepted.into_parts();
    let Fit {
        target,
        places,
        session,
        way,
        ..
    } = fit;
    let manifest = bundle.reader.manifest().clone();
    let is_stdin = bundle.is_stdin;
    if places.record.as_ref().is_some_and(Record::is_for_all) {
        // A file for all users is readable for them, whatever root's umask is.
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    }
    let (record, new_paths) = match session {
        Some(mut session) => {
            let work = Work {
                target: &target,
                places: &places,
                threads,
                report,
            };
            let (record, new_paths) = work.import(bundle, &mut session)?;
            (Some(record), Some(new_paths))
        }
        None => (place_project(bundle, &places, report)?, None),
    };
    // A shell may run for days.
    places.project.unlock();
    Ok(Imported {
        manifest,
        target,
        project: places.project,
        record,
        is_stdin,
        new_paths,
        way,
    })
}

/// Writes the project files of a bundle whose closure is already present, without asking Nix.
fn place_project(mut bundle: Bundle, places: &Places, report: &Report) -> Result<Option<Record>> {
    let manifest = bundle.reader.manifest().clone();
    let project = &places.project;
    let bytes = project::bytes_to_stage(project, &bundle);
    if bytes > 0 {
        report.emit(Event::Phase(Phase::Import));
        report.emit(Event::Total { bytes, paths: 0 });
    }
    let record = places.record.clone().filter(Record::is_whole);
    let staged = project::stage(project, &mut bundle, record.as_ref(), report)?;
    if bundle.is_stream() {
        skip_closure(bundle.reader, &bundle.file, report)?;
    }
    if let Some(staged) = staged {
        staged.place_all(&manifest.project)?;
    }
    if let Some(record) = &record {
        // For `enter`. If this fails, it is no worse than on a machine without Nix.
        let _ = record.add_place(project.path());
    }
    Ok(record)
}

/// An import, through Nix or directly into a store that this user owns.
struct Work<'a> {
    target: &'a Target,
    places: &'a Places,
    threads: usize,
    report: &'a Report,
}

impl Work<'_> {
    /// Imports paths and places project files. Returns the record, and how many paths were missing.
    fn import(&self, mut bundle: Bundle, session: &mut Session) -> Result<(Record, usize)> {
        let report = self.report;
        let manifest = bundle.reader.manifest().clone();
        let record = self.places.record.clone().ok_or(NotThere::NoHome)?;
        let _no_collection = self.target.make(report)?;
        let bytes = bundle.reader.manifest_bytes();
        let opening = Opening::begin(record.clone(), &manifest, bytes, session)?;
        let project = &self.places.project;
        let waiting = report.waiting("Nix's store to answer");
        presumed::hold(&manifest, session)?;
        let wanted = present::hold_and_compare(&manifest.closure, session)?;
        drop(waiting);
        let there = (self.target, &mut *session);
        presumed::ensure_there(&manifest, &wanted, there, &bundle.file)?;
        let more = project::bytes_to_stage(project, &bundle);
        let new_paths = self.announce(&manifest.closure, &wanted, more);
        let staged = project::stage(project, &mut bundle, Some(&record), report)?;
        if new_paths > 0 {
            self.import_closure(bundle.reader, &bundle.file, &wanted)?;
        } else if bundle.is_stream() {
            skip_closure(bundle.reader, &bundle.file, report)?;
        }
        ensure_all_valid(&manifest.closure, self.target, session)?;
        if let Some(staged) = staged {
            staged.place_all(&manifest.project)?;
        }
        let record = opening.complete(&manifest, project.path(), session)?;
        Ok((record, new_paths))
    }

    /// Reports how much there is to import, with so many bytes of project files. Returns the number of
    /// paths.
    fn announce(&self, closure: &Closure, wanted: &[bool], more: u64) -> usize {
        let both = closure.paths.iter().zip(wanted);
        let new = both.filter(|(_, wanted)| **wanted);
        let sizes: Vec<_> = new.map(|(path, _)| path.nar_size).collect();
        self.report.emit(Event::Phase(Phase::Import));
        self.report.emit(Event::Total {
            bytes: sizes.iter().sum::<u64>() + more,
            paths: sizes.len() as u64,
        });
        sizes.len()
    }

    /// Imports the wanted paths, directly if this user owns the store.
    fn import_closure(&self, reader: Reader<Source>, file: &Path, wanted: &[bool]) -> Result<()> {
        let (target, report) = (self.target, self.report);
        let manifest = reader.manifest().clone();
        let closure = &manifest.closure;
        let bases = presumed::bases(&manifest, target, report);
        let prefixes: &dyn Prefixes = match &bases {
            Some(bases) => bases,
            None => &unpack::Unknown,
        };
        if let Some(direct) = direct::Direct::prepare(target, closure, wanted, file, report)? {
            let unpack = || unpack::segments(reader, &direct, prefixes, self.threads, report);
            let outcome = direct.while_registering(unpack);
            return direct.finish(outcome);
        }
        let uploads = daemon::Uploads::new(target.nix()?, closure, wanted, file);
        unpack::segments(reader, &uploads, prefixes, self.threads, report)
    }
}

/// Reads the closure to its end without importing it. A sender must not lose its reader, and a
/// stream that was cut off is an error even if the rest is not needed.
fn skip_closure(mut reader: Reader<Source>, file: &Path, report: &Report) -> Result<()> {
    let segments = 0..reader.manifest().closure.segments.len();
    let failed = |error| Error::read_bundle(file, error);
    for index in segments {
        report.ensure_not_interrupted()?;
        reader.skip_segment(index).map_err(failed)?;
    }
    reader.finish().map_err(failed)
}

/// Checks that all paths are valid now, and that each is the one of the bundle: another process may
/// have been faster with one. Asks the store itself rather than trusting shellpack's bookkeeping.
fn ensure_all_valid(closure: &Closure, target: &Target, session: &mut Session) -> Result<()> {
    let _held = present::hold_and_compare(closure, session)?;
    let missing = target.missing(closure, session)?;
    match missing.iter().position(|missing| *missing) {
        Some(index) => Err(Error::NotImported(
            closure.store.print(&closure.paths[index].path),
        )),
        None => Ok(()),
    }
}
