//! The last step of `open`, and of `enter`: the process becomes nix-shell.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;

use crate::bundle::manifest::Manifest;
use crate::drift;
use crate::error::{Error, Result};
use crate::invocation::{Invocation, Recipe};
use crate::nix::{Nix, evaluate};
use crate::opened::Record;
use crate::project;
use crate::report::{Event, Phase, Report};

/// How many missing things a message lists.
const LISTED: usize = 5;

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

/// A shell that has all that it needs here: every path is valid, and held by the record's roots.
#[must_use]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready<'a> {
    /// The bundle's manifest.
    pub(crate) manifest: &'a Manifest,
    pub(crate) nix: &'a Nix,
    /// The bundle's record.
    pub(crate) record: &'a Record,
    /// The project's root.
    pub(crate) project: &'a Path,
    /// Whether the bundle used up stdin.
    pub(crate) is_stdin: bool,
}

/// What there is to say when the shell was not entered.
#[must_use]
#[derive(Debug)]
pub struct Entered {
    /// What to type to enter without shellpack.
    pub by_hand: String,
}

/// Enters the shell, or says how to.
pub(crate) fn enter(ready: &Ready<'_>, entry: Option<&Entry>, report: &Report) -> Result<Entered> {
    let recipe = Recipe::of(ready.manifest);
    let project = ready.project;
    let invocation = Invocation::new(&recipe, project, &ready.record.entry(project))?;
    let entered = Entered {
        by_hand: invocation.by_hand(),
    };
    let Some(entry) = entry else {
        return Ok(entered);
    };
    report.emit(Event::Phase(Phase::Evaluate));
    ensure_enterable(ready, &invocation)?;
    report.emit(Event::PhaseDone);
    if recipe.shell.bash.is_none() {
        report.emit(Event::Warning(
            "the bundle carries no bash for interactive use; this machine's own is used",
        ));
    }
    if invocation.takes_more_than_nix_shell() {
        let line = format!("to enter by hand: {}", entered.by_hand);
        report.emit(Event::Note(&line));
    }
    let mut command = invocation.command(&options(entry)).into_std();
    if ready.is_stdin {
        command.stdin(File::open("/dev/tty").map_or_else(|_| Stdio::null(), Stdio::from));
    }
    report.emit(Event::Done);
    // Returns only if nix-shell could not be started.
    Err(Error::CannotEnter {
        source: command.exec(),
    })
}

/// Evaluates before entering, so that what cannot work fails as shellpack's failure, and
/// Nix never starts to build the world on a machine that cannot.
fn ensure_enterable(ready: &Ready<'_>, invocation: &Invocation<'_>) -> Result<()> {
    let nix = ready.nix;
    let path = invocation.instantiate(&ready.record.derivation())?;
    let derivation = evaluate::read_derivation(nix, &path)?;
    let list = nix.missing_inputs(&derivation)?;
    if list.is_empty() {
        return Ok(());
    }
    let words: Vec<_> = list
        .iter()
        .take(LISTED)
        .map(|path| nix.store.print(path))
        .collect();
    let (manifest, project) = (ready.manifest, ready.project);
    let edited = project::edited(&manifest.project, project);
    Err(Error::Drift {
        missing: words.join("\n"),
        why: drift::explain(manifest, nix, project, &edited, &path),
    })
}

fn options(entry: &Entry) -> Vec<OsString> {
    let mut options: Vec<OsString> = Vec::new();
    if entry.pure {
        options.push("--pure".into());
    }
    for variable in &entry.keep {
        options.extend(["--keep".into(), variable.into()]);
    }
    if let Some((option, command)) = &entry.command {
        options.extend([(*option).into(), command.into()]);
    }
    options
}
