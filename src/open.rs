//! The offline flow: from a bundle to a nix-shell.

use std::path::PathBuf;

use crate::error::Result;
use crate::input::Bundle;
use crate::report::{Event, Phase, Report};

mod accept;
mod enter;
mod import;
mod project;
mod roots;

pub use enter::Entered;

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

/// How the shell is entered, in nix-shell's terms.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// `--run` or `--command`, and the command.
    pub command: Option<(&'static str, String)>,
    /// `--pure`.
    pub pure: bool,
    /// `--keep`.
    pub keep: Vec<String>,
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
    enter::enter(imported, options.entry.as_ref(), report)
}
