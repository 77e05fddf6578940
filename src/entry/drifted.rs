//! A shell that is another derivation here than when it was packed, and needs what is not
//! there. It can be entered as it was packed; or what is missing is built, if that takes no
//! network.

use std::path::Path;

use super::{Ready, Way};
use crate::entry::drift;
use crate::entry::project;
use crate::error::{Error, Result};
use crate::nix::Nix;
use crate::nix::command;
use crate::nix::evaluate;
use crate::report::{Event, Phase, Report, count};
use shellpack_format::store::derivation::Derivation;
use shellpack_format::store::store_path::StorePath;

/// How many missing things a message lists.
const LISTED: usize = 5;

/// What the shell needs and has not.
pub(super) struct Drifted {
    /// What would have to be built, fetched or known, one in a line.
    missing: String,
    /// What differs, and where that comes from: more lines.
    why: String,
    /// The outputs that are wanted, if all of it can be built with no network.
    buildable: Option<Vec<String>>,
    /// How much that would be.
    builds: usize,
}

/// What is done about it.
pub(super) enum Choice {
    /// It is entered without evaluating.
    AsPacked,
    /// What is missing is built.
    Build,
}

impl Drifted {
    /// Looks what is missing for a derivation that the shell evaluates to here. `None` if nothing
    /// is, whether the shell differs or not.
    pub(super) fn look(ready: &Ready<'_>, nix: &Nix, found: &StorePath) -> Result<Option<Self>> {
        let derivation = evaluate::read_derivation(nix, found)?;
        let missing = nix.missing(&derivation)?;
        let all = missing.all();
        if all.is_empty() {
            return Ok(None);
        }
        let words = all.iter().take(LISTED).map(|path| nix.store.print(path));
        let takes_no_network = missing.to_substitute.is_empty()
            && missing.unknown.is_empty()
            && missing.to_build.iter().all(|path| builds_here(nix, path));
        let edited = project::edited(&ready.manifest.project, ready.project);
        Ok(Some(Self {
            missing: words.collect::<Vec<_>>().join("\n"),
            why: drift::explain(ready.shell, nix, ready.project, &edited, found),
            buildable: takes_no_network.then(|| nix.inputs(&derivation)),
            builds: missing.to_build.len(),
        }))
    }

    /// What the user wants: said by an option, else asked where there is somebody to ask.
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
                None | Some("q" | "quit") => return Err(Error::NotEntered),
                Some(_) => question.clone_from(&choices),
            }
        }
    }

    /// Builds what is missing; the root at `root` keeps it.
    pub(super) fn build(&self, root: &Path, report: &Report) -> Result<()> {
        report.emit(Event::Phase(Phase::Build));
        let wanted = self.buildable.as_deref().unwrap_or_default();
        command::build_offline(wanted, root, report)
    }

    fn error(&self) -> Error {
        Error::Drift {
            missing: self.missing.clone(),
            why: self.why.clone(),
            can_build: self.buildable.is_some(),
        }
    }
}

/// Whether a derivation is one that is built, rather than fetched.
fn builds_here(nix: &Nix, path: &StorePath) -> bool {
    let parsed = evaluate::read_derivation(nix, path);
    let is_built = |derivation: &Derivation| {
        !derivation.is_fixed
            && [nix.system.as_str(), "builtin"].contains(&derivation.system.as_str())
    };
    parsed.is_ok_and(|derivation| is_built(&derivation))
}
