//! A room with no network, and what a shell does in it.
//!
//! [`rehearse`] opens a finished bundle for real, in an empty store. [`carried`] is the cheap
//! rehearsal of `create`: the carried paths are bound from the real store into an empty one whose
//! database knows nothing else, and the shell is evaluated and entered there. It proves the *list*
//! complete before a byte is written.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use crate::entry;
use crate::error::{Error, Result};
use crate::media::source::Bundle;
use crate::nix::Nix;
use crate::report::{Event, Phase, Report};
use shellpack_format::bundle::manifest::{Manifest, Shell};

mod carried;
pub(crate) mod inside;
mod network;
mod scratch;
mod surroundings;
mod whole;

pub(crate) use carried::{Outcome, Task, builds_all_the_same, carried};
use whole::Stage;

/// Where the project is in a room: at another absolute path than any real project.
const PROJECT: &str = "/home/rehearsal";
/// The hidden subcommand that rehearses inside of a room.
const SUBCOMMAND: &str = "rehearse-inside";

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle.
    pub bundle: PathBuf,
    /// Further directories in which volumes of it may lie.
    pub volumes: Vec<PathBuf>,
    /// Which of its shells, if not all.
    pub shell: Option<String>,
    /// The command to run in its shells.
    pub run: String,
    /// Options for the `open` inside.
    pub global: Vec<OsString>,
}

/// Opens a bundle in a room with no network, and runs a command in each shell that is meant, until
/// one fails. Returns how the last command ended.
pub(crate) fn rehearse(options: &Options, report: &Report) -> Result<ExitStatus> {
    report.emit(Event::Phase(Phase::Check));
    let bundle = whole_bundle(options)?;
    let nix = Nix::find()?;
    let shells = shells(bundle.reader().manifest(), options)?;
    report.emit(Event::HandedOver);
    let stage = Stage::set(&bundle, &nix)?;
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
