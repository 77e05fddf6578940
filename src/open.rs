//! The offline flow: from a bundle to a nix-shell.

use std::path::PathBuf;

use crate::bundle::manifest::Manifest;
use crate::entry::{self, Entered, Entry};
use crate::error::Result;
use crate::input::Bundle;
use crate::report::{Event, Phase, Report};

mod accept;
mod import;
mod opening;
mod present;
mod project;

use present::Presence;

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle; `-` is stdin.
    pub bundle: PathBuf,
    /// Where the project files go, if not to `./NAME`.
    pub dir: Option<PathBuf>,
    /// How to enter; `None` to stay outside.
    pub entry: Option<Entry>,
    /// Whether to enter without evaluating, also where the bundle can be evaluated.
    pub frozen: bool,
    /// How many segments are unpacked at a time.
    pub jobs: usize,
}

impl Options {
    /// Whether the shell is entered without evaluating: on demand, and wherever the bundle has
    /// not what evaluation takes.
    fn enters_frozen(&self, manifest: &Manifest) -> bool {
        self.frozen || manifest.is_frozen()
    }
}

/// Opens a bundle. With an entry this does not return unless it fails: the process becomes
/// nix-shell, or with `frozen` what nix-shell would become, so that signals, job control and the
/// exit status are the shell's own.
pub fn open(options: &Options, report: &Report) -> Result<Entered> {
    report.emit(Event::Phase(Phase::Check));
    let bundle = Bundle::open(&options.bundle)?;
    let bundle = match present::look(bundle, options)? {
        // Nothing is to be imported and nothing to be evaluated, so there is no work for Nix.
        Presence::Complete(found) => {
            return entry::enter_frozen(&found.present(), options.entry.as_ref(), report);
        }
        Presence::Partial(bundle) => bundle,
    };
    let accepted = accept::accept(bundle, options)?;
    let imported = import::import(accepted, options.jobs, report)?;
    report.emit(Event::PhaseDone);
    report.emit(Event::Note(&imported.note()));
    let entry = options.entry.as_ref();
    entry::enter(&imported.ready(), entry, options.frozen, report)
}
