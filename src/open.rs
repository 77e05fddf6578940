//! The offline flow: from a bundle to a nix-shell.

use std::path::PathBuf;

use crate::entry::{self, Entered, Entry};
use crate::error::Result;
use crate::input::Bundle;
use crate::report::{Event, Phase, Report};

mod accept;
mod import;
mod opening;
mod project;

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle; `-` is stdin.
    pub bundle: PathBuf,
    /// Where the project files go, if not to `./NAME`.
    pub dir: Option<PathBuf>,
    /// How to enter; `None` to stay outside.
    pub entry: Option<Entry>,
    /// How many segments are unpacked at a time.
    pub jobs: usize,
}

/// Opens a bundle. With an entry this does not return unless it fails: the process becomes
/// nix-shell, so that signals, job control and the exit status are nix-shell's own.
pub fn open(options: &Options, report: &Report) -> Result<Entered> {
    report.emit(Event::Phase(Phase::Check));
    let bundle = Bundle::open(&options.bundle)?;
    let accepted = accept::accept(bundle, options)?;
    let imported = import::import(accepted, options.jobs, report)?;
    report.emit(Event::PhaseDone);
    report.emit(Event::Note(&imported.note()));
    entry::enter(&imported.ready(), options.entry.as_ref(), report)
}
