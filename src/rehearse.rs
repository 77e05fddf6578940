//! Rehearsals: shells are entered in a room with no network.
//!
//! [`rehearse`] opens a finished bundle for real, in an empty store. [`carried()`] is the cheap
//! rehearsal of `create`: the carried paths are bound from the real store into an empty one whose
//! database knows nothing else, and the shell is evaluated and entered there. That proves the *list*
//! of paths complete before a byte is written. [`visit`] is what comes before it: the shell is entered
//! to see which files of the project its hook reads.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use crate::entry;
use crate::error::{Error, Result};
use crate::media::source::Bundle;
use crate::nix::Nix;
use crate::report::{Event, Phase, Report};
use crate::trust::Policy;
use shellpack_format::bundle::manifest::{Manifest, Shell};

mod asked;
mod carried;
mod hook;
pub(crate) mod inside;
mod interpreter;
mod network;
mod presumed;
mod process;
mod scratch;
mod surroundings;
pub(crate) mod visit;
mod whole;

pub(crate) use carried::{Outcome, Task, builds_all_the_same, carried};
use whole::Stage;

/// Where the project is in a room: at another absolute path than any real project.
pub(crate) const PROJECT: &str = "/home/rehearsal";
/// The hidden subcommands that rehearse, and visit a shell, inside of a room.
const SUBCOMMAND: &str = "rehearse-inside";
const VISIT: &str = "rehearse-visit";

/// The request.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle.
    pub bundle: PathBuf,
    /// Further directories to look for its volumes in.
    pub volumes: Vec<PathBuf>,
    /// The shell to enter, if not all of them.
    pub shell: Option<String>,
    /// Bundles to open first, for an update.
    pub bases: Vec<PathBuf>,
    /// The command to run in the shells.
    pub run: String,
    /// Options for the `open` inside.
    pub global: Vec<OsString>,
}

/// Opens a bundle in a room with no network, and runs a command in each of its shells, or in the one
/// that was asked for, until one fails. Returns the status of the last command.
pub(crate) fn rehearse(options: &Options, report: &Report) -> Result<ExitStatus> {
    report.emit(Event::Phase(Phase::Check));
    let bundle = whole_bundle(options)?;
    let judgement = Policy::in_force()?.judge(bundle.reader());
    judgement.ensure_accepted(&bundle.file)?;
    let nix = Nix::find()?;
    let shells = shells(bundle.reader().manifest(), options)?;
    report.emit(Event::HandedOver);
    let bases = presumed::Presumed::of(&bundle, &options.bases, &nix)?;
    let stage = Stage::set(&bundle, &judgement, &nix, bases)?;
    stage.open_for_each(&shells, options, report)
}

fn whole_bundle(options: &Options) -> Result<Bundle> {
    if options.bundle == Path::new("-") {
        return Err(Error::NotFromStdin("rehearse"));
    }
    let bundle = Bundle::open_among(&options.bundle, &options.volumes, None)?;
    bundle.ensure_whole()?;
    Ok(bundle)
}

fn shells<'a>(manifest: &'a Manifest, options: &Options) -> Result<Vec<&'a Shell>> {
    Ok(match &options.shell {
        Some(name) => vec![entry::shell_named(manifest, Some(name))?],
        None => manifest.shells.iter().collect(),
    })
}
