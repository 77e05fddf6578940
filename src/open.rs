//! The offline flow: from a bundle to a nix-shell.

use std::path::PathBuf;

use crate::entry::{self, Entry, Way};
use crate::error::{Error, Result};
use crate::media::source::Bundle;
use crate::report::{Event, Phase, Report};
use shellpack_format::bundle::manifest::{Manifest, Shell};

mod accept;
mod acceptance;
mod behind;
mod destination;
mod import;
mod outside;
mod present;
mod presumed;
mod project;

pub(crate) use destination::Store;
pub(crate) use import::hidden_entry;
pub(crate) use outside::Outside;

/// The options of `open`.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle file; `-` for stdin.
    pub bundle: PathBuf,
    /// More directories to look for volumes in.
    pub volumes: Vec<PathBuf>,
    /// The directory for the project files; `./NAME` by default.
    pub dir: Option<PathBuf>,
    /// Whether to read all that an update presumes, and compare it with its hashes.
    pub check_base: bool,
    /// Whether to replace files that differ from the bundle's.
    pub overwrite: bool,
    /// The shell to enter; the first one by default.
    pub shell: Option<String>,
    /// How to enter the shell; `None` to only import it.
    pub entry: Option<Entry>,
    /// Whether to evaluate.
    pub way: Way,
    /// The store that it goes into.
    pub store: Store,
    /// Whether all of it is removed afterwards.
    pub is_rehearsal: bool,
    /// The hint for an error that is told and does not end the work.
    pub hint: fn(&Error) -> Option<String>,
    /// Number of threads that unpack segments.
    pub threads: usize,
}

/// Opens a bundle. With an entry, this returns only if it fails: the process becomes nix-shell
/// (without evaluation: the bash that nix-shell would become), so that signals, job control and the
/// exit status are those of the shell.
pub(crate) fn open(options: &Options, report: &Report) -> Result<Outside> {
    report.emit(Event::Phase(Phase::Check));
    let bundle = Bundle::open_among(&options.bundle, &options.volumes, report.prompt())?;
    let shell = choose(bundle.reader.manifest(), options, report)?;
    let accepted = accept::accept(bundle, &shell, options, report)?;
    let imported = import::import(accepted, options.threads, report)?;
    report.emit(Event::PhaseDone);
    if options.entry.is_some() {
        // That starts the shell, and nothing of a bundle runs that is only imported.
        imported.keep_environments();
    }
    for note in imported.notes(options.check_base) {
        report.emit(Event::Note(&note));
    }
    match &options.entry {
        // It returns only an error.
        Some(entry) => {
            match entry::enter(&imported.ready(&shell), entry, imported.way(), report)? {}
        }
        None => imported.outside(options.shell.as_ref().map(|_| &shell)),
    }
}

/// The shell to enter. If there are several and the user named none, a note says which one it is.
fn choose(manifest: &Manifest, options: &Options, report: &Report) -> Result<Shell> {
    let shell = entry::shell_named(manifest, options.shell.as_deref())?;
    if let Some(entry) = &options.entry {
        entry::script::ensure_there(manifest, shell, entry)?;
        if options.shell.is_none() {
            entry::note_other_shells(manifest, shell, report);
        }
    }
    Ok(shell.clone())
}
