//! Enters a shell that was opened before. The bundle is not needed any more.

use std::convert::Infallible;
use std::path::PathBuf;

use crate::entry::{self, Entry, Ready, Way};
use crate::error::{Error, NotThere, Result};
use crate::report::{Event, Phase, Report};
use crate::target::{Session, Target};
use crate::text::shown;
use shellpack_format::store::store_path::StorePath;

mod choose;
mod copied;
pub(crate) mod env;

use choose::Chosen;

/// How many missing paths a message lists.
const LISTED: usize = 5;

/// The shell of an opened bundle that a user means.
#[derive(Debug, Clone)]
pub struct Which {
    /// The bundle; by default the one whose project contains the current directory.
    pub name: Option<String>,
    /// The shell; by default the one around the current directory, else the first.
    pub shell: Option<String>,
    /// The directory of the store of ours that has it; by default any store.
    pub store: Option<PathBuf>,
}

/// The options of `enter`.
#[derive(Debug, Clone)]
pub struct Options {
    /// The shell to enter.
    pub which: Which,
    /// How to enter the shell.
    pub entry: Entry,
    /// Whether to evaluate.
    pub way: Way,
}

/// Enters a shell that was opened on this machine. Returns only if it fails: see
/// [`crate::open::open`].
pub(crate) fn enter(options: &Options, report: &Report) -> Result<Infallible> {
    report.emit(Event::Phase(Phase::Check));
    let chosen = choose::choose(&options.which)?;
    if chosen.is_by_default {
        entry::note_other_shells(&chosen.manifest, &chosen.shell, report);
    }
    entry::script::ensure_there(&chosen.manifest, &chosen.shell, &options.entry)?;
    let target = chosen.record.target()?;
    let way = options.way.into(&target, &chosen.manifest.tools)?;
    if let Some(other) = chosen
        .files_of
        .as_ref()
        .filter(|_| !way.is_as_packed(&chosen.manifest))
    {
        report.emit(Event::Note(&format!(
            "{} has the files of {other} now; to enter {} as it was packed: --no-eval",
            shown(&chosen.project),
            chosen.record.full_name()
        )));
    }
    let is_others = chosen.record.is_for_all() && chosen.record.ensure_writable().is_err();
    let is_as_packed = way.is_as_packed(&chosen.manifest);
    // A store of ours is asked nothing: many machines may enter from it at once.
    let needs_nix = !is_as_packed && target.as_portable().is_none();
    if needs_nix {
        let here = std::env::current_dir().map_err(Error::io("find", "."))?;
        let place = if is_others { &here } else { &chosen.project };
        entry::ensure_may_evaluate(&target, place)?;
    } else {
        ensure_all_there(&chosen, &target)?;
    }
    let chosen = if is_others {
        copied::to_here(chosen, &target, is_as_packed, report)?
    } else {
        chosen
    };
    if needs_nix {
        hold(&chosen, &target)?;
    }
    report.emit(Event::PhaseDone);
    let ready = Ready {
        manifest: &chosen.manifest,
        shell: &chosen.shell,
        target: &target,
        record: Some(&chosen.record),
        project: &chosen.project,
        is_stdin: false,
    };
    entry::enter(&ready, &options.entry, way, report)
}

/// Makes the roots again, and fails if a path is missing. Roots stop the garbage collector, but not
/// a forced deletion; and machines that share a home may not share a store.
fn hold(chosen: &Chosen, target: &Target) -> Result<()> {
    let mut session = target.connect()?;
    chosen.record.hold(&chosen.manifest, &mut session)?;
    ensure_valid(chosen, target, &mut session)
}

fn ensure_valid(chosen: &Chosen, target: &Target, session: &mut Session) -> Result<()> {
    if target.as_portable().is_some() {
        return ensure_all_there(chosen, target);
    }
    let closure = &chosen.manifest.closure;
    let missing = target.missing(closure, session)?;
    let both = closure.paths.iter().zip(missing);
    let missing = both.filter(|(_, missing)| *missing);
    ensure_none(chosen, missing.map(|(path, _)| &path.path))
}

/// Fails if a path is missing, without asking Nix, which may not be installed.
fn ensure_all_there(chosen: &Chosen, target: &Target) -> Result<()> {
    let closure = &chosen.manifest.closure;
    let paths = closure.paths.iter().map(|path| &path.path);
    let is_gone = |path: &&StorePath| !target.exists(&closure.store.join(path));
    ensure_none(chosen, paths.filter(is_gone))?;
    if target.as_portable().is_some() {
        // Its database may be on a network file system, and others have imported what is there.
        return Ok(());
    }
    target.ensure_same(closure)
}

fn ensure_none<'a>(chosen: &Chosen, missing: impl Iterator<Item = &'a StorePath>) -> Result<()> {
    let store = &chosen.manifest.closure.store;
    let words: Vec<_> = missing.take(LISTED).map(|path| store.print(path)).collect();
    if words.is_empty() {
        return Ok(());
    }
    Err(NotThere::PathsGone {
        name: chosen.record.full_name(),
        paths: words.join("\n"),
        store: chosen.record.unusual_store(),
    }
    .into())
}
