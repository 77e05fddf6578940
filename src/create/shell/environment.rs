//! The environment variables of an evaluation. On the target it sees the machine's own and the ones
//! that the bundle carries. So the user's other variables are either known not to matter, or carried.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::create::Options;
use crate::create::secret_names::is_secret_variable;
use crate::error::{BadEnvironment, Error, NoShell, Result};
use crate::nix::environment::Environment;
use crate::nix::evaluate::Recorded;
use crate::report::{Event, Report};
use crate::text::shown;
use shellpack_format::bundle::manifest::{NIX_PATH, belongs_to_machine, is_evaluation_variable};
use shellpack_format::store::store_path::StorePath;

mod compared;
mod elsewhere;
mod pure;
mod search;

pub(super) use compared::{Compared, by_project as compared_by_project};
use elsewhere::{elsewhere, may_decide, without};
pub(super) use pure::{reader as reader_of_purity, tell as tell_of_purity};

/// nixpkgs reads these by itself, and their names say that they are meant for it.
const OF_NIXPKGS: &str = "NIXPKGS_ALLOW_";

/// Names and values.
pub(in crate::create) type Values = BTreeMap<String, String>;

/// Names of the machine's own variables, and their values if they are set.
pub(in crate::create) type Own = BTreeMap<String, Option<String>>;

/// A variable that the user wants to carry, with its value unless it is the current one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Option<String>,
}

/// The user's variables, as the options change them.
#[derive(Debug)]
pub(super) struct Variables {
    user: Environment,
    /// The ones that the bundle carries because the user says so.
    asked: Values,
}

/// An evaluation that can be repeated with other variables.
pub(super) struct Trial<'a> {
    /// The shell file.
    pub(super) file: &'a Path,
    /// The outcome with the user's variables.
    pub(super) expected: &'a StorePath,
    /// Names that evaluation is known to read.
    pub(super) read: &'a BTreeSet<String>,
    /// The ones that the project's files compare.
    pub(super) compared: &'a Compared,
    /// Variables that the bundle carries in any case.
    pub(super) frozen: Values,
    /// A directory of ours, as a value that a machine's variable has nowhere.
    pub(super) elsewhere: &'a Path,
    /// Evaluates.
    pub(super) evaluate: &'a dyn Fn(Environment) -> Result<StorePath>,
}

/// The variables of the machine that an evaluation depends on.
#[derive(Default)]
pub(super) struct Heard {
    /// The variables that the bundle carries.
    pub(super) carried: Values,
    /// The machine's own variables that decide what comes out.
    pub(super) of_machine: Own,
    /// Others that may decide: the project's files compare them.
    pub(super) compared: BTreeSet<String>,
}

impl Trial<'_> {
    /// A line that tells the user that a variable is compared.
    fn compares(&self, name: &str) -> String {
        let from = self.compared.get(name).map(PathBuf::as_path);
        let from = from.unwrap_or(self.file);
        let directory = self.file.parent().unwrap_or(self.file);
        format!(
            "{} compares {name}, which has another value on the target: with the values that were tried, \
             the shell is the same\n{}",
            shown(from.strip_prefix(directory).unwrap_or(from)),
            one_value(name)
        )
    }
}

/// How to get the same value of a variable of the machine everywhere.
fn one_value(name: &str) -> String {
    if is_evaluation_variable(name) {
        return format!("to evaluate with one value everywhere, add: --env {name}=VALUE");
    }
    format!(
        "no bundle sets {name}: to evaluate with one value everywhere, write it in the project, and do \
         not read {name} there"
    )
}

/// The outcome on the target.
struct Decided {
    /// The derivation.
    path: StorePath,
    /// The variables that the bundle carries.
    carried: Values,
    /// Those of them that nobody asked for.
    found: Values,
}

impl Variables {
    /// As the options say.
    pub(super) fn of(options: &Options) -> Result<Self> {
        let mut user = Environment::of_user();
        for name in &options.no_env {
            ensure_can_be_left_out(name)?;
            user = user.without(name);
        }
        let mut asked = Values::new();
        for Assignment { name, value } in &options.env {
            ensure_usable(name)?;
            let value = match value {
                Some(value) => value.clone(),
                None if belongs_to_machine(name) => {
                    return Err(BadEnvironment::Unsaid(name.clone()).into());
                }
                None if is_secret_variable(name) => {
                    return Err(BadEnvironment::Secret(name.clone()).into());
                }
                None => {
                    let set = user.get(name).map(str::to_owned);
                    set.ok_or_else(|| BadEnvironment::Unset(name.clone()))?
                }
            };
            user = user.with(name, &value);
            asked.insert(name.clone(), value);
        }
        Ok(Self { user, asked })
    }

    /// The user's variables, for a shell file in this directory.
    pub(super) fn of_user(&self, directory: &Path) -> Environment {
        self.user.clone().in_directory(directory)
    }

    /// The variables on the target, as far as this machine can tell.
    pub(super) fn of_target(&self, file: &Path, carried: &Values) -> Environment {
        let directory = file.parent().unwrap_or(file);
        self.of_user(directory).machine().with_all(carried)
    }

    /// Finds the variables that decide the outcome, and tells the user.
    pub(super) fn hear(&self, trial: &Trial<'_>, report: &Report) -> Result<Heard> {
        let decided = self.decide(trial)?;
        for (name, value) in &decided.found {
            report.emit(Event::Note(&format!(
                "the shell is another one without {name}={value}: the bundle carries it"
            )));
        }
        let of_machine = self.of_machine(trial, &decided)?;
        for name in of_machine.keys() {
            report.emit(Event::Warning(&format!(
                "the shell depends on {name}, which has another value on the target\n{}",
                one_value(name)
            )));
        }
        let may_matter = |name: &&String| {
            let is_known = of_machine.contains_key(*name) || decided.carried.contains_key(*name);
            may_decide(name) && *name != NIX_PATH && !is_known
        };
        let compared: BTreeSet<_> = trial.compared.keys().filter(may_matter).cloned().collect();
        for name in &compared {
            report.emit(Event::Warning(&trial.compares(name)));
        }
        Ok(Heard {
            carried: decided.carried,
            of_machine,
            compared,
        })
    }

    /// Finds the variables of the user that decide the outcome. The ones that are meant for nixpkgs
    /// are carried; any other is an error, since it may be a mistake or a secret.
    fn decide(&self, trial: &Trial<'_>) -> Result<Decided> {
        let directory = trial.file.parent().unwrap_or(trial.file);
        let mut carried = self.asked.clone();
        carried.extend(trial.frozen.clone());
        let machine = self.of_target(trial.file, &carried);
        let bare = succeeded((trial.evaluate)(machine.clone()))?;
        if let Some(path) = bare.as_ref().filter(|path| *path == trial.expected) {
            let path = path.clone();
            let found = Values::new();
            return Ok(Decided {
                path,
                carried,
                found,
            });
        }
        // Answers of fetchers may have changed the outcome, too.
        let whole = (trial.evaluate)(self.of_user(directory).with_all(&trial.frozen))?;
        let mut found = Values::new();
        if bare.as_ref() != Some(&whole) {
            found = self.search(trial, &machine, &whole, &carried)?;
            ensure_carriable(trial.file, found.keys())?;
            carried.extend(found.clone());
        }
        Ok(Decided {
            path: whole,
            carried,
            found,
        })
    }

    /// The user's variables without which the outcome is another one than `whole`.
    fn search(
        &self,
        trial: &Trial<'_>,
        machine: &Environment,
        whole: &StorePath,
        carried: &Values,
    ) -> Result<Values> {
        let others = self.user.others();
        let others = others.filter(|(name, _)| !carried.contains_key(*name));
        let is_likely = |name: &str| trial.read.contains(name) || name.starts_with(OF_NIXPKGS);
        let gives_whole = |variables: &[(&str, &str)]| {
            let environment = machine.clone().with_all(variables.iter().copied());
            Ok(succeeded((trial.evaluate)(environment))?.as_ref() == Some(whole))
        };
        let found = search::smallest(others.collect(), is_likely, &gives_whole)?;
        let found = found.ok_or_else(|| BadEnvironment::Unsteady(trial.file.to_owned()))?;
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Ok(found.into_iter().map(owned).collect())
    }

    /// The machine's own variables that decide the outcome, with their values. The target has others,
    /// or lacks them.
    fn of_machine(&self, trial: &Trial<'_>, decided: &Decided) -> Result<Own> {
        let environment = self.of_target(trial.file, &decided.carried);
        let matter = |names: &[&String]| -> Result<bool> {
            for other in [
                elsewhere(&environment, names, trial.elsewhere),
                without(&environment, names),
            ] {
                if succeeded((trial.evaluate)(other))?.as_ref() != Some(&decided.path) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let read = trial.read.iter();
        let is_own = |name: &&String| may_decide(name) && !decided.carried.contains_key(*name);
        let read: Vec<_> = read.filter(is_own).collect();
        let mut deciding = Own::new();
        // Most often none does.
        if read.is_empty() || !matter(&read)? {
            return Ok(deciding);
        }
        for name in read {
            if matter(&[name])? {
                let value = self.user.get(name).map(str::to_owned);
                deciding.insert(name.clone(), value);
            }
        }
        Ok(deciding)
    }
}

/// The outcome of an evaluation that may fail: without a variable, a shell may refuse to be.
fn succeeded(outcome: Result<StorePath>) -> Result<Option<StorePath>> {
    match outcome {
        Ok(path) => Ok(Some(path)),
        Err(Error::NixFailed { .. } | Error::NoShell(NoShell::NotOneDerivation { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

fn ensure_carriable<'a>(file: &Path, names: impl Iterator<Item = &'a String>) -> Result<()> {
    let names: Vec<_> = names.filter(|name| !name.starts_with(OF_NIXPKGS)).collect();
    if names.is_empty() {
        return Ok(());
    }
    let (secret, names) = names
        .into_iter()
        .cloned()
        .partition(|name| is_secret_variable(name));
    Err(BadEnvironment::Decides {
        file: file.to_owned(),
        names,
        secret,
    }
    .into())
}

fn ensure_usable(name: &str) -> Result<()> {
    if is_evaluation_variable(name) {
        return Ok(());
    }
    let name = name.to_owned();
    Err(if belongs_to_machine(&name) {
        BadEnvironment::OfMachine(name).into()
    } else {
        BadEnvironment::NotAName(name).into()
    })
}

/// The target has its own value of a variable of the machine, and nothing unsets it there.
fn ensure_can_be_left_out(name: &str) -> Result<()> {
    if belongs_to_machine(name) {
        let can_be_set = is_evaluation_variable(name);
        let name = name.to_owned();
        return Err(BadEnvironment::CannotBeLeftOut { name, can_be_set }.into());
    }
    ensure_usable(name)
}

/// The variables that a recorded evaluation read.
pub(super) fn read(events: &[Recorded]) -> BTreeSet<String> {
    let names = events.iter().filter_map(|event| match event {
        Recorded::Environment { name, .. } => Some(name.clone()),
        _ => None,
    });
    names.collect()
}
