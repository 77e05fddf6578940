//! The last step: the process becomes nix-shell.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use super::Entry;
use super::import::Imported;
use crate::drift;
use crate::error::{Error, Result};
use crate::invocation::{Invocation, Recipe};
use crate::nix::evaluate;
use crate::project;
use crate::report::{Event, Phase, Report};

/// How many missing things a message lists.
const LISTED: usize = 5;

/// What there is to say when the shell was not entered.
#[must_use]
#[derive(Debug)]
pub struct Entered {
    /// What to type to enter without shellpack.
    pub by_hand: String,
}

/// Enters the shell, or says how to.
pub(super) fn enter(imported: Imported, entry: Option<&Entry>, report: &Report) -> Result<Entered> {
    let recipe = Recipe::of(&imported.manifest);
    let project = imported.target.root();
    let invocation = Invocation::new(&recipe, project, &imported.roots.entry(project))?;
    let entered = Entered {
        by_hand: invocation.by_hand(),
    };
    let Some(entry) = entry else {
        return Ok(entered);
    };
    report.emit(Event::Phase(Phase::Evaluate));
    ensure_enterable(&imported, &invocation)?;
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
    if imported.is_stdin {
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
fn ensure_enterable(imported: &Imported, invocation: &Invocation<'_>) -> Result<()> {
    let nix = &imported.nix;
    let path = invocation.instantiate(&imported.roots.derivation())?;
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
    let (manifest, project) = (&imported.manifest, imported.target.root());
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
