//! The offline flow: from a bundle to a nix-shell.

use std::path::PathBuf;

use crate::entry::{self, Entry, Outside, Way};
use crate::error::Result;
use crate::media::source::Bundle;
use crate::report::{Event, Phase, Report};
use shellpack_format::bundle::manifest::{Manifest, Shell};

mod accept;
mod import;
mod opening;
mod project;

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle; `-` is stdin.
    pub bundle: PathBuf,
    /// Further directories in which volumes of it may lie.
    pub volumes: Vec<PathBuf>,
    /// Where the project files go, if not to `./NAME`.
    pub dir: Option<PathBuf>,
    /// Which of its shells, if not the first.
    pub shell: Option<String>,
    /// How to enter; `None` to stay outside.
    pub entry: Option<Entry>,
    /// How to come to what is entered.
    pub way: Way,
    /// How many segments are unpacked at a time.
    pub jobs: usize,
}

impl Options {
    /// Whether the shell is entered without evaluating: on demand, and wherever the bundle has
    /// not what evaluation takes.
    fn enters_as_packed(&self, manifest: &Manifest) -> bool {
        self.way.is_as_packed(manifest)
    }
}

/// Opens a bundle. With an entry this does not return unless it fails: the process becomes
/// nix-shell, or without evaluation what nix-shell would become, so that signals, job control and the
/// exit status are the shell's own.
pub(crate) fn open(options: &Options, report: &Report) -> Result<Outside> {
    report.emit(Event::Phase(Phase::Check));
    let bundle = Bundle::open_among(&options.bundle, &options.volumes, report.prompt())?;
    let shell = choose(bundle.reader.manifest(), options, report)?;
    let accepted = accept::accept(bundle, &shell, options)?;
    let imported = import::import(accepted, options.jobs, report)?;
    report.emit(Event::PhaseDone);
    if let Some(note) = imported.note() {
        report.emit(Event::Note(&note));
    }
    let ready = imported.ready(&shell);
    match &options.entry {
        Some(entry) => match entry::enter(&ready, entry, options.way, report)? {},
        None if options.shell.is_some() => entry::stay_outside(&ready, [&shell]),
        None => entry::stay_outside(&ready, &imported.manifest().shells),
    }
}

/// The shell that is meant; where the user has not said which, and there are several, which it is.
fn choose(manifest: &Manifest, options: &Options, report: &Report) -> Result<Shell> {
    let shell = entry::shell_named(manifest, options.shell.as_deref())?;
    if options.shell.is_none() && options.entry.is_some() {
        entry::tell_of_others(manifest, shell, report);
    }
    Ok(shell.clone())
}
