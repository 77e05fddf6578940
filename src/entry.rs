//! The last step of `open`, and of `enter`: the process becomes nix-shell, or what nix-shell
//! would become.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::File;
use std::path::Path;

use crate::entry::as_packed::AsPacked;
pub(crate) use crate::entry::invocation::Entry;
use crate::entry::invocation::{Invocation, Recipe};
use crate::error::{Error, NotThere, Result};
use crate::nix::Nix;
use crate::nix::command::NixCommand;
use crate::opened::Record;
use crate::report::{Event, Phase, Report};
use crate::target::Target;
use shellpack_format::bundle::manifest::{Manifest, Shell, ShellName, shell_quoted};
use shellpack_format::store::store_path::StorePath;

pub(crate) mod as_packed;
mod drift;
mod drifted;
pub(crate) mod invocation;
pub(crate) mod project;
mod which;

use drifted::{Choice, Drifted};
pub(crate) use which::{shell_named, tell_of_others};

/// How to come to what is entered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Way {
    /// By evaluating the shell as it is here.
    #[default]
    Evaluate,
    /// The same, and what it needs and is not there is built, if that takes no network.
    Build,
    /// Without evaluating: as it was packed.
    NoEval,
}

impl Way {
    /// Whether a shell of this bundle is entered without evaluating: on demand, and wherever the
    /// bundle does not carry what evaluation needs.
    pub(crate) fn is_as_packed(self, manifest: &Manifest) -> bool {
        self == Self::NoEval || manifest.is_no_eval()
    }
}

/// A shell that has everything it needs here: every path is valid, and held by the record's roots.
#[must_use]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready<'a> {
    /// The bundle's manifest.
    pub(crate) manifest: &'a Manifest,
    /// The shell of it that is meant.
    pub(crate) shell: &'a Shell,
    /// Where its paths are.
    pub(crate) target: &'a Target,
    /// The bundle's record. To enter without evaluating, there need not be one.
    pub(crate) record: Option<&'a Record>,
    /// The project's root.
    pub(crate) project: &'a Path,
    /// Whether the bundle used up stdin.
    pub(crate) is_stdin: bool,
}

/// What there is to say when no shell was entered.
#[must_use]
#[derive(Debug)]
pub(crate) struct Outside {
    /// How each shell that was meant is entered.
    pub by_hand: Vec<ByHand>,
}

/// How a shell is entered, without shellpack if that is possible.
#[derive(Debug)]
pub(crate) struct ByHand {
    /// The shell, where there are several.
    pub shell: Option<ShellName>,
    /// What to type.
    pub line: String,
}

impl<'a> Ready<'a> {
    /// The shell as it is evaluated here. What must be written for that goes to its place in the
    /// record, where it stays for those who enter by hand.
    fn invocation(&self, recipe: &'a Recipe) -> Result<Invocation<'a>> {
        let dir = self.record()?.entry(self.project, self.shell);
        Invocation::new(recipe, self.project, &dir)
    }

    fn record(&self) -> Result<&'a Record> {
        Ok(self.record.ok_or(NotThere::NoHome)?)
    }
}

/// Says how to enter these shells of a bundle.
pub(crate) fn stay_outside<'a>(
    ready: &Ready<'a>,
    shells: impl IntoIterator<Item = &'a Shell>,
) -> Result<Outside> {
    let by_hand = |shell: &'a Shell| {
        let line = if ready.manifest.is_no_eval() {
            as_packed_by_hand(shell, ready.project)
        } else {
            let recipe = Recipe::of(ready.manifest, shell);
            Ready { shell, ..*ready }.invocation(&recipe)?.by_hand()
        };
        let shell = shell.name.clone();
        Ok(ByHand { shell, line })
    };
    let by_hand = shells.into_iter().map(by_hand).collect::<Result<_>>()?;
    Ok(Outside { by_hand })
}

/// Enters the shell. Returns only if that failed.
///
/// It is evaluated before, so that what cannot work fails as shellpack's failure, and Nix never
/// starts to build the world on a machine that cannot.
pub(crate) fn enter(
    ready: &Ready<'_>,
    entry: &Entry,
    way: Way,
    report: &Report,
) -> Result<Infallible> {
    if way.is_as_packed(ready.manifest) {
        return enter_as_packed(ready, entry, report);
    }
    let (nix, record) = (ready.target.nix()?, ready.record()?);
    let recipe = Recipe::of(ready.manifest, ready.shell);
    let invocation = ready.invocation(&recipe)?;
    report.emit(Event::Phase(Phase::Evaluate));
    let derivation = invocation.instantiate(&record.derivation(ready.shell))?;
    if let Some(drifted) = Drifted::look(ready, nix, &derivation)? {
        match drifted.choose(way, ready.is_stdin, report)? {
            Choice::AsPacked => return enter_as_packed(ready, entry, report),
            Choice::Build => drifted.build(&record.built(ready.shell), report)?,
        }
    }
    let (program, command, by_hand) = command(&invocation, entry, &derivation, nix);
    report.emit(Event::PhaseDone);
    warn_without_bash(ready.shell, report);
    if invocation.takes_more_than_nix_shell() {
        report.emit(Event::Note(&format!("to enter by hand: {by_hand}")));
    }
    let stdin = other_stdin(ready.is_stdin)?;
    report.emit(Event::Done);
    // Returns only if it could not be started.
    Err(Error::CannotEnter {
        program: program.to_owned(),
        source: command.exec(stdin),
    })
}

/// `nix develop` for a flake's shell to work in, where that works here; else nix-shell, which a
/// command takes in any case: to `nix develop` it would be a program that sees no functions.
/// With its name, and what to type to come there by hand.
fn command(
    invocation: &Invocation<'_>,
    entry: &Entry,
    derivation: &StorePath,
    nix: &Nix,
) -> (&'static str, NixCommand, String) {
    let develop = invocation.develop().filter(|_| entry.command.is_none());
    if let Some(develop) = develop.filter(|develop| develop.works(derivation, &nix.store)) {
        let command = develop.enter(entry.pure, &entry.keep);
        return ("nix develop", command, develop.by_hand());
    }
    let command = invocation.command(&words(entry));
    ("nix-shell", command, invocation.by_hand())
}

/// Enters the shell without evaluating. Returns only if that failed.
fn enter_as_packed(ready: &Ready<'_>, entry: &Entry, report: &Report) -> Result<Infallible> {
    report.emit(Event::PhaseDone);
    warn_without_bash(ready.shell, report);
    let store = &ready.manifest.closure.store;
    let as_packed = AsPacked::new(ready.shell, store, ready.project);
    let prepared = as_packed.prepare_here(entry, other_stdin(ready.is_stdin)?)?;
    report.emit(Event::Done);
    Err(prepared.exec())
}

/// What to type where nix-shell cannot evaluate.
fn as_packed_by_hand(shell: &Shell, project: &Path) -> String {
    let project = shell_quoted(&project.to_string_lossy());
    let which = shell.name.iter().map(|name| format!(" --shell {name}"));
    format!(
        "cd {project} && shellpack enter{}",
        which.collect::<String>()
    )
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
