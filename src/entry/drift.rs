//! Drift: the shell evaluates to another derivation than when it was packed, and needs something
//! that is missing here. It can be entered as it was packed, or the missing inputs are built if
//! that needs no network.

use std::path::Path;

use super::{Ready, Way};
use crate::entry::project;
use crate::error::{Error, NotEntered, Result};
use crate::nix::Nix;
use crate::nix::command;
use crate::nix::evaluate;
use crate::report::{Event, Phase, Report, count};
use shellpack_format::store::derivation::Derivation;
use shellpack_format::store::store_path::StorePath;

mod difference;
mod explain;

pub(crate) use difference::Places;
pub(crate) use explain::elsewhere;

/// How many missing paths a message lists.
const LISTED: usize = 5;

/// The missing inputs of a shell that drifted.
pub(super) struct Drift {
    /// Paths that would have to be built or fetched, or that are unknown, one per line: the first.
    missing: String,
    /// How many these are.
    count: usize,
    /// The explanation of the drift, in further lines.
    why: String,
    /// The outputs to build, if all of them can be built without a network.
    buildable: Option<Vec<String>>,
    /// The number of derivations to build.
    builds: usize,
}

/// A way to deal with drift.
pub(super) enum Choice {
    /// Enter the shell as it was packed, without evaluation.
    AsPacked,
    /// Build the missing inputs.
    Build,
}

impl Drift {
    /// Finds the missing inputs of the derivation that the shell evaluates to here. `None` if
    /// nothing is missing, even if the derivation differs.
    pub(super) fn find(ready: &Ready<'_>, nix: &Nix, found: &StorePath) -> Result<Option<Self>> {
        let derivation = evaluate::read_derivation(nix, found)?;
        let missing = nix.missing(&derivation)?;
        let all = missing.all();
        if all.is_empty() {
            return Ok(None);
        }
        let words = listed(&all, &derivation, nix);
        let needs_no_network = missing.to_substitute.is_empty()
            && missing.unknown.is_empty()
            && missing.to_build.iter().all(|path| builds_here(nix, path));
        let edited = project::edited(&ready.manifest.project, ready.project);
        Ok(Some(Self {
            missing: words,
            count: all.len(),
            why: explain::explain(ready.shell, nix, ready.project, &edited, found),
            buildable: needs_no_network.then(|| nix.inputs(&derivation)),
            builds: missing.to_build.len(),
        }))
    }

    /// Chooses by option, else asks the user, if there is a terminal to ask on.
    pub(super) fn choose(&self, way: Way, is_stdin: bool, report: &Report) -> Result<Choice> {
        if way == Way::Build && self.buildable.is_some() {
            return Ok(Choice::Build);
        }
        let Some(prompt) = report.prompt().filter(|_| !is_stdin) else {
            return Err(self.error());
        };
        let build = match self.buildable {
            Some(_) => format!(
                ", [b]uild {} with no network",
                count(self.builds, "derivation")
            ),
            None => String::new(),
        };
        let choices = format!("enter it as it was [p]acked{build}, or [q]uit? ");
        let mut question = format!("{}\n{choices}", self.error());
        loop {
            let answer = prompt.ask(&question).map_err(Error::io("read", "/dev/tty"));
            report.ensure_not_interrupted()?;
            match answer?.as_deref().map(str::trim) {
                Some("p" | "packed") => return Ok(Choice::AsPacked),
                Some("b" | "build") if self.buildable.is_some() => return Ok(Choice::Build),
                None | Some("q" | "quit") => return Err(NotEntered::Declined.into()),
                Some(_) => question.clone_from(&choices),
            }
        }
    }

    /// Builds the missing inputs. The root at `root` keeps them.
    pub(super) fn build(&self, root: &Path, report: &Report) -> Result<()> {
        report.emit(Event::Phase(Phase::Build));
        let wanted = self.buildable.as_deref().unwrap_or_default();
        command::build_offline(wanted, root, report)
    }

    fn error(&self) -> Error {
        Error::Drift {
            missing: self.missing.clone(),
            count: self.count,
            why: self.why.clone(),
            can_build: self.buildable.is_some(),
        }
    }
}

/// Missing paths, one a line: first the inputs that the shell itself names, which are the packages
/// that were added or changed, then what these are made of.
fn listed(all: &[StorePath], derivation: &Derivation, nix: &Nix) -> String {
    let is_own = |path: &StorePath| {
        derivation.input_derivations.contains_key(path) || derivation.input_sources.contains(path)
    };
    let (own, others): (Vec<_>, Vec<_>) = all.iter().partition(|path| is_own(path));
    let in_order = own.into_iter().chain(others);
    let mut lines: Vec<_> = in_order
        .take(LISTED)
        .map(|path| nix.store.print(path))
        .collect();
    if all.len() > LISTED {
        lines.push(format!("and {} more", all.len() - LISTED));
    }
    lines.join("\n")
}

/// Whether a derivation can be built on this machine without fetching.
fn builds_here(nix: &Nix, path: &StorePath) -> bool {
    let parsed = evaluate::read_derivation(nix, path);
    let is_built = |derivation: &Derivation| {
        !derivation.is_fixed
            && [nix.system.as_str(), "builtin"].contains(&derivation.system.as_str())
    };
    parsed.is_ok_and(|derivation| is_built(&derivation))
}
