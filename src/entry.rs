//! The last step of `open`, and of `enter`: the process becomes nix-shell, or what nix-shell
//! would become.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use crate::bundle::manifest::{Manifest, Shell, shell_quoted};
use crate::drift;
use crate::error::{Error, Result};
use crate::frozen::Frozen;
pub use crate::invocation::Entry;
use crate::invocation::{Invocation, Recipe};
use crate::nix::{Nix, evaluate};
use crate::opened::Record;
use crate::project;
use crate::report::{Event, Phase, Report};

/// How many missing things a message lists.
const LISTED: usize = 5;

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

/// A shell of which everything is here, to be entered without Nix.
#[must_use]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Present<'a> {
    /// The bundle's manifest.
    pub(crate) manifest: &'a Manifest,
    /// The project's root.
    pub(crate) project: &'a Path,
    /// Whether the bundle used up stdin.
    pub(crate) is_stdin: bool,
}

/// What there is to say when the shell was not entered.
#[must_use]
#[derive(Debug)]
pub struct Entered {
    /// What to type to enter, without shellpack if that is possible.
    pub by_hand: String,
}

/// Enters the shell, or says how to. `frozen` is without evaluating.
pub(crate) fn enter(
    ready: &Ready<'_>,
    entry: Option<&Entry>,
    frozen: bool,
    report: &Report,
) -> Result<Entered> {
    let &Ready {
        manifest,
        project,
        is_stdin,
        ..
    } = ready;
    if (frozen && entry.is_some()) || manifest.is_frozen() {
        let present = Present {
            manifest,
            project,
            is_stdin,
        };
        return enter_frozen(&present, entry, report);
    }
    let recipe = Recipe::of(manifest);
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
    warn_without_bash(&recipe.shell, report);
    if invocation.takes_more_than_nix_shell() {
        let line = format!("to enter by hand: {}", entered.by_hand);
        report.emit(Event::Note(&line));
    }
    let mut command = invocation.command(&words(entry)).into_std();
    if let Some(stdin) = other_stdin(is_stdin)? {
        command.stdin(stdin);
    }
    report.emit(Event::Done);
    // Returns only if nix-shell could not be started.
    Err(Error::CannotEnter {
        program: "nix-shell".to_owned(),
        source: command.exec(),
    })
}

/// Enters the shell without evaluating, or says how to.
pub(crate) fn enter_frozen(
    present: &Present<'_>,
    entry: Option<&Entry>,
    report: &Report,
) -> Result<Entered> {
    let manifest = present.manifest;
    let Some(entry) = entry else {
        return Ok(Entered {
            by_hand: frozen_by_hand(present.project),
        });
    };
    report.emit(Event::PhaseDone);
    warn_without_bash(manifest.shell(), report);
    let store = &manifest.closure.store;
    let frozen = Frozen::new(manifest.shell(), store, present.project);
    let prepared = frozen.prepare_here(entry, other_stdin(present.is_stdin)?)?;
    report.emit(Event::Done);
    Err(prepared.exec())
}

/// What to type where nix-shell cannot evaluate.
fn frozen_by_hand(project: &Path) -> String {
    let project = shell_quoted(&project.to_string_lossy());
    format!("cd {project} && shellpack enter")
}

fn warn_without_bash(shell: &Shell, report: &Report) {
    if shell.bash.is_none() {
        report.emit(Event::Warning(
            "the bundle carries no bash for interactive use; this machine's own is used",
        ));
    }
}

/// What the shell reads instead of a stdin that the bundle came from.
fn other_stdin(is_used_up: bool) -> Result<Option<File>> {
    let open = |file: &str| File::open(file).map_err(Error::io("open", file));
    is_used_up
        .then(|| open("/dev/tty").or_else(|_| open("/dev/null")))
        .transpose()
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

fn words(entry: &Entry) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    if entry.pure {
        words.push("--pure".into());
    }
    for variable in &entry.keep {
        words.extend(["--keep".into(), variable.into()]);
    }
    if let Some((option, command)) = &entry.command {
        words.extend([(*option).into(), command.into()]);
    }
    words
}
