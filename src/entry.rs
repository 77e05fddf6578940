//! The last step of `open` and `enter`: the process becomes nix-shell, or the bash that nix-shell
//! would become.

use std::convert::Infallible;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::entry::as_packed::AsPacked;
pub(crate) use crate::entry::invocation::Entry;
use crate::entry::invocation::{Develop, Invocation, Outcome};
use crate::entry::recipe::Recipe;
use crate::error::{Error, NotThere, Result, Unfit};
use crate::nix::Nix;
use crate::opened::Record;
use crate::replace;
use crate::report::{Event, Phase, Report};
use crate::target::Target;
use shellpack_format::bundle::manifest::{Manifest, Shell, ShellName, Tools, shell_typed};
use shellpack_format::store::store_path::StorePath;

pub(crate) mod as_packed;
mod bash;
pub(crate) mod drift;
pub(crate) mod evaluated;
pub(crate) mod exported;
mod inside;
pub(crate) mod invocation;
pub(crate) mod portable;
pub(crate) mod project;
pub(crate) mod recipe;
pub(crate) mod script;
mod selection;
mod unread;

use drift::{Choice, Drift};
use portable::WayIn;
pub(crate) use selection::{note_other_shells, shell_named};

/// Whether to evaluate the shell, and whether to build for that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Way {
    /// Evaluate the shell as it is here.
    #[default]
    Evaluate,
    /// Evaluate, and build missing inputs if that needs no network.
    Build,
    /// Do not evaluate: enter the shell as it was packed.
    NoEval,
    /// Do not evaluate, since nothing here can.
    CannotEvaluate,
}

impl Way {
    /// This way, as far as it is open in a target's store: where there is no Nix for it, and none among the
    /// bundle's tools, shells are entered without evaluation.
    pub(crate) fn into(self, target: &Target, tools: &Tools) -> Result<Self> {
        match (self, target.as_portable()) {
            (_, None) => Ok(self),
            (_, Some(store)) if inside::can_evaluate(store, tools) => Ok(self),
            (Self::Build, Some(store)) => {
                store.ensure_usable()?;
                Err(Unfit::NoNixToBuild.into())
            }
            (Self::NoEval, _) => Ok(self),
            _ => Ok(Self::CannotEvaluate),
        }
    }

    /// Whether a shell of this bundle is entered without evaluation: on request, if nothing here evaluates,
    /// or if the bundle does not carry the inputs of evaluation.
    pub(crate) fn is_as_packed(self, manifest: &Manifest) -> bool {
        matches!(self, Self::NoEval | Self::CannotEvaluate) || manifest.is_no_eval()
    }
}

/// A shell that has everything it needs: every path is valid, and protected by the roots of the
/// record.
#[must_use]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready<'a> {
    /// The bundle's manifest.
    pub(crate) manifest: &'a Manifest,
    /// The shell to enter.
    pub(crate) shell: &'a Shell,
    /// The store that its paths are in.
    pub(crate) target: &'a Target,
    /// The bundle's record. Optional for entry without evaluation.
    pub(crate) record: Option<&'a Record>,
    /// The project's root.
    pub(crate) project: &'a Path,
    /// Whether the bundle was read from stdin.
    pub(crate) is_stdin: bool,
}

/// How to enter a shell, without shellpack if possible.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ByHand {
    /// The shell's name, if there are several.
    pub shell: Option<ShellName>,
    /// The command line to type.
    pub line: String,
}

impl<'a> Ready<'a> {
    /// The invocation that evaluates the shell here. Files that it needs are written to the record,
    /// and stay there for entry by hand.
    fn invocation(&self, recipe: &'a Recipe) -> Result<Invocation<'a>> {
        let dir = self.record()?.entry_dir(self.project, self.shell);
        Invocation::new(recipe, self.project, &dir)
    }

    fn record(&self) -> Result<&'a Record> {
        Ok(self.record.ok_or(NotThere::NoHome)?)
    }
}

/// Fails if Nix may not evaluate a shell in this project directory.
pub(crate) fn ensure_may_evaluate(target: &Target, project: &Path) -> Result<()> {
    match target.nix()?.restriction_in(project)? {
        None => Ok(()),
        Some(setting) => Err(Unfit::MayNotEvaluate { setting }.into()),
    }
}

/// Returns how to enter these shells of a bundle.
pub(crate) fn stay_outside<'a>(
    ready: &Ready<'a>,
    shells: impl IntoIterator<Item = &'a Shell>,
) -> Result<Vec<ByHand>> {
    let mut recipe: Option<(Recipe, PathBuf)> = None;
    let by_hand = |shell: &'a Shell| {
        let line = if ready.manifest.is_no_eval() || ready.target.as_portable().is_some() {
            as_packed_by_hand(shell, ready.project)
        } else {
            let (mut next, dir) = match recipe.take() {
                Some((recipe, dir)) => (recipe, Some(dir)),
                None => (Recipe::of(ready.manifest, shell), None),
            };
            if let Some(dir) = dir {
                next.turn_to(shell, &ready.manifest.project, dir);
            }
            let line = Ready { shell, ..*ready }.invocation(&next)?.by_hand()?;
            let dir = ready.record()?.entry_dir(ready.project, shell);
            recipe = Some((next, dir));
            line
        };
        let shell = shell.name.clone();
        Ok(ByHand { shell, line })
    };
    shells.into_iter().map(by_hand).collect()
}

/// Enters the shell. Returns only if it fails.
///
/// The shell is evaluated first. So a shell that cannot work fails with an error of shellpack, and
/// Nix never starts to build everything on a machine that cannot.
pub(crate) fn enter(
    ready: &Ready<'_>,
    entry: &Entry,
    way: Way,
    report: &Report,
) -> Result<Infallible> {
    script::note(ready, entry, report);
    let entry = &script::resolved(ready, entry)?;
    if way.is_as_packed(ready.manifest) {
        if way == Way::CannotEvaluate && !ready.manifest.is_no_eval() {
            unread::tell(ready, report);
        }
        return enter_as_packed(ready, entry, report);
    }
    if let Some(store) = ready.target.as_portable() {
        return inside::enter(store, ready, (entry, way), report);
    }
    let (nix, record) = (ready.target.nix()?, ready.record()?);
    let recipe = Recipe::of(ready.manifest, ready.shell);
    let invocation = ready.invocation(&recipe)?.of_entry(entry);
    report.emit(Event::Phase(Phase::Evaluate));
    let derivation = invocation.instantiate(&record.derivation_root(ready.shell))?;
    if let Some(drift) = Drift::find(ready, nix, &derivation)? {
        match drift.choose(way, ready.is_stdin, report)? {
            Choice::AsPacked => return enter_as_packed(ready, entry, report),
            Choice::Build => drift.build(&record.built_root(ready.shell), report)?,
        }
    }
    let develop = develop(&invocation, entry, &derivation, nix, report);
    let by_hand = match &develop {
        Some(develop) => develop.by_hand(),
        None => invocation.by_hand()?,
    };
    let evaluated = match &develop {
        Some(_) => None,
        None => evaluated::of_flake(ready.shell, &derivation, nix)?,
    };
    report.emit(Event::PhaseDone);
    warn_without_bash(ready.shell, report);
    if !entry.is_rehearsal {
        tell_line(ready, record, &by_hand, report);
    }
    if let Some(shell) = &evaluated {
        return become_bash(&Ready { shell, ..*ready }, entry, report);
    }
    let (program, command) = if let Some(develop) = develop {
        ("nix develop", develop.enter(entry.pure, &entry.keep))
    } else {
        let derivation = nix.store.join(&derivation);
        ("nix-shell", invocation.command(&derivation, entry)?)
    };
    let stdin = replace_stdin(ready.is_stdin)?;
    report.ensure_not_interrupted()?;
    report.emit(Event::Done);
    // Returns only if the program could not be started.
    Err(Error::CannotEnter {
        program: program.to_owned(),
        source: command.exec(stdin),
    })
}

/// `nix develop` for an interactive shell of a flake, if that works here. It would run a command as a
/// program that sees no functions.
fn develop<'a>(
    invocation: &'a Invocation<'_>,
    entry: &Entry,
    derivation: &StorePath,
    nix: &Nix,
    report: &Report,
) -> Option<Develop<'a>> {
    let develop = invocation.develop().filter(|_| entry.command.is_none())?;
    match develop.try_out(derivation, &nix.store) {
        Outcome::Works => return Some(develop),
        Outcome::Differs(lacks) => note_other_shell(&lacks, report),
        Outcome::Fails => {}
    }
    None
}

/// Says why a flake is entered by nix-shell: it may read attributes that its directory lacks.
fn note_other_shell(lacks: &[&str], report: &Report) {
    let why = match lacks {
        [] => String::new(),
        lacks => format!(
            ", perhaps because it reads self.{}, and the opened directory is no repository",
            lacks.join(" or self.")
        ),
    };
    report.emit(Event::Note(&format!(
        "entering with nix-shell: nix develop would enter another shell here{why}"
    )));
}

/// Enters the shell without evaluation. Returns only if it fails.
fn enter_as_packed(ready: &Ready<'_>, entry: &Entry, report: &Report) -> Result<Infallible> {
    report.emit(Event::PhaseDone);
    warn_without_bash(ready.shell, report);
    become_bash(ready, entry, report)
}

/// Becomes the bash that nix-shell would become. Returns only if it fails.
fn become_bash(ready: &Ready<'_>, entry: &Entry, report: &Report) -> Result<Infallible> {
    let store = &ready.manifest.closure.store;
    let way_in = portable::way_into(ready.target, &ready.manifest.tools, report)?;
    tell_caveat(ready, &way_in, entry, report);
    let as_packed = AsPacked::new(ready.shell, store, ready.project).by(&way_in);
    let prepared = as_packed.prepare_here(entry, replace_stdin(ready.is_stdin)?)?;
    report.ensure_not_interrupted()?;
    report.emit(Event::Done);
    Err(prepared.exec())
}

/// Tells, once, how to enter by hand. In a store of ours, that takes shellpack.
fn tell_line(ready: &Ready<'_>, record: &Record, by_hand: &str, report: &Report) {
    let dir = record.entry_dir(ready.project, ready.shell);
    if record.store().is_none() && is_news(by_hand, &dir, "by-hand") {
        report.emit(Event::Note(&format!("to enter by hand: {by_hand}")));
    }
}

/// Tells, once, who enters a prompt what does not work there.
fn tell_caveat(ready: &Ready<'_>, way_in: &WayIn, entry: &Entry, report: &Report) {
    let Some(caveat) = way_in.caveat().filter(|_| entry.command.is_none()) else {
        return;
    };
    let is_known = ready.record.is_some_and(|record| {
        !is_news(
            caveat,
            &record.entry_dir(ready.project, ready.shell),
            "caveat",
        )
    });
    if !is_known {
        report.emit(Event::Note(caveat));
    }
}

/// Whether a line was not shown before. It is kept in a file in `dir`, which may be read-only: then it is
/// shown again.
fn is_news(line: &str, dir: &Path, file: &str) -> bool {
    let shown = dir.join(file);
    let is_known = fs::read_to_string(&shown).is_ok_and(|known| known == line);
    if fs::create_dir_all(dir).is_ok() {
        let _ = replace::file(&shown, line.as_bytes());
    }
    !is_known
}

/// The line to type if nix-shell cannot evaluate the shell.
fn as_packed_by_hand(shell: &Shell, project: &Path) -> String {
    let project = shell_typed(&project.to_string_lossy());
    let which = shell.name.iter().map(|name| format!(" --shell {name}"));
    format!(
        "cd {project} && shellpack enter{}",
        which.collect::<String>()
    )
}

fn warn_without_bash(shell: &Shell, report: &Report) {
    if shell.bash.is_none() && bash::named_by_user().is_none() {
        report.emit(Event::Warning(
            "the bundle carries no bash for interactive use; this machine's own is used",
        ));
    }
}

/// Replaces stdin if the bundle was read from it.
fn replace_stdin(is_used_up: bool) -> Result<Option<File>> {
    let open = |file: &str| File::open(file).map_err(Error::io("open", file));
    is_used_up
        .then(|| open("/dev/tty").or_else(|_| open("/dev/null")))
        .transpose()
}
