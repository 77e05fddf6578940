//! The part of a rehearsal that runs in the room.
//!
//! This is a hidden subcommand. It reads its task from a file and prints its result as JSON.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::carried::{BUILDS, Observed, Task};
use super::hook::{self, Entered, Hook};
use super::{SUBCOMMAND, VISIT, asked, interpreter, visit};
use crate::entry::as_packed::AsPacked;
use crate::entry::drift::{self, Places};
use crate::entry::evaluated;
use crate::entry::invocation::{Entry, Invocation};
use crate::error::{Advice, Error, Result};
use crate::nix::command::NixCommand;
use crate::nix::{self, Nix, evaluate};
use shellpack_format::bundle::manifest::Shell;
use shellpack_format::store::derivation::Derivation;
use shellpack_format::store::registration;
use shellpack_format::store::store_path::StorePath;

/// The directory for files that entering the shell needs.
const ENTRY: &str = "/nix/rehearsal-entry";

/// Runs a hidden subcommand and returns its exit code, if these arguments are for one. To be called
/// first in `main`.
pub(crate) fn hidden_entry(args: &[OsString]) -> Option<i32> {
    let [_, subcommand, file] = args else {
        return None;
    };
    let file = Path::new(file);
    let text = match subcommand.to_str()? {
        SUBCOMMAND => serde_json::to_string(&observed(file)),
        VISIT => serde_json::to_string(&visit::inside(file)),
        _ => return None,
    };
    match text {
        Ok(text) => {
            anstream::println!("{text}");
            Some(0)
        }
        Err(_) => Some(1),
    }
}

fn observed(file: &Path) -> Observed {
    match rehearse(file) {
        Ok(seen) => seen,
        Err(Ended::Observed(seen)) => *seen,
        Err(Ended::Error(error)) => failed(&error.to_string(), cause(&error), None),
    }
}

/// The end of a rehearsal: a check failed, or could not be made.
enum Ended {
    Observed(Box<Observed>),
    Error(Error),
}

impl From<Observed> for Ended {
    fn from(seen: Observed) -> Self {
        Self::Observed(Box::new(seen))
    }
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

fn rehearse(file: &Path) -> Result<Observed, Ended> {
    let text = fs::read(file).map_err(Error::io("read", file))?;
    let task: Task = serde_json::from_slice(&text).map_err(|error| Error::Room {
        what: error.to_string(),
    })?;
    if task.no_eval {
        return enter_as_packed(&task);
    }
    NixCommand::new("nix-store")
        .arg("--load-db")
        .stdin_bytes(&registration::text(&task.store, &task.paths))?;
    let nix = Nix::find()?;
    let invocation = Invocation::new(&task.recipe, &task.project, Path::new(ENTRY))?
        .with_variables(&task.machine_variables);
    let (path, derivation) = evaluate_again(&task, &invocation, &nix)?;
    ensure_same_sources(&task, &derivation)?;
    let difference = difference(&task, &nix, &path);
    ensure_nothing_missing(&task, &nix, &derivation, difference.as_deref())?;
    ensure_same_shell(difference)?;
    let mut checks = vec![
        "evaluated with only the carried paths, no network and an empty home".to_owned(),
        "nothing was left to build or to fetch".to_owned(),
    ];
    let as_packed = AsPacked::new(&task.recipe.shell, &task.store, &task.project);
    let mut not_tried = values_not_tried(&task);
    if let Some(reason) = foreign(&task.recipe.shell, &as_packed, &nix.system)? {
        not_tried.push(reason);
        return Ok(Observed::Passed {
            nix_version: Some(nix.version),
            checks,
            not_tried,
            hook: None,
            interpreter: None,
        });
    }
    let (check, hook) = enter_evaluated(&task, &invocation, &as_packed, (&path, &nix))?;
    checks.push(check);
    Ok(Observed::Passed {
        nix_version: Some(nix.version),
        checks,
        not_tried,
        hook,
        interpreter: interpreter::finding(&task.recipe.shell, &as_packed, &task.store),
    })
}

/// Enters the shell as nix-shell does, now that it is evaluated.
fn enter_evaluated(
    task: &Task,
    invocation: &Invocation<'_>,
    as_packed: &AsPacked<'_>,
    (path, nix): (&StorePath, &Nix),
) -> Result<(String, Option<Hook>), Ended> {
    let evaluated = evaluated::of_flake(&task.recipe.shell, path, nix)?;
    let seen = hook::enter(as_packed, |run, log| {
        let entry = Entry::run(run);
        if let Some(shell) = &evaluated {
            let shell = AsPacked::new(shell, &task.store, &task.project);
            return shell.prepare(&entry, false)?.status_with_log(log);
        }
        let derivation = nix.store.join(path);
        invocation
            .command(&derivation, &entry)?
            .status_with_log(log)
    })?;
    let check = if evaluated.is_some() {
        "entered the flake's shell"
    } else {
        "entered nix-shell"
    };
    entered(seen, check)
}

/// The target has its own values of the variables that decide what the shell is.
fn values_not_tried(task: &Task) -> Vec<String> {
    let names = |names: &mut dyn Iterator<Item = &String>| {
        let names: Vec<_> = names.map(String::as_str).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let deciding = names(&mut task.machine_variables.keys()).map(|names| {
        format!("it was not evaluated with other values of {names} than this machine's")
    });
    let compared = names(&mut task.compared_variables.iter()).map(|names| {
        format!(
            "it was not evaluated with every value of {names}, which the project's files compare"
        )
    });
    deciding.into_iter().chain(compared).collect()
}

/// The reason why a shell cannot be entered on this machine, if its programs do not run here. They
/// may run although they are for another processor, by an emulator.
fn foreign(shell: &Shell, as_packed: &AsPacked<'_>, machine: &str) -> Result<Option<String>> {
    let system = &shell.system;
    let runs = nix::runs(machine, system)
        || (shell.bash.is_some() && hook::arrives(&as_packed.without_hook())?);
    Ok((!runs).then(|| {
        format!("the shell was not entered: this machine does not run programs for {system}")
    }))
}

/// Nix takes no part in this: only the carried paths are there, so none needs to be registered.
fn enter_as_packed(task: &Task) -> Result<Observed, Ended> {
    let as_packed = AsPacked::new(&task.recipe.shell, &task.store, &task.project);
    if let Some(reason) = foreign(&task.recipe.shell, &as_packed, &nix::own_system())? {
        return Ok(Observed::Passed {
            nix_version: None,
            checks: Vec::new(),
            not_tried: vec![reason],
            hook: None,
            interpreter: None,
        });
    }
    let seen = hook::enter(&as_packed, |run, log| {
        let prepared = as_packed.prepare(&Entry::run(run), false)?;
        prepared.status_with_log(log)
    })?;
    let (check, hook) = entered(
        seen,
        "entered the shell without evaluation, with only the carried paths, no network and an empty home",
    )?;
    Ok(Observed::Passed {
        nix_version: None,
        checks: vec![check],
        not_tried: Vec::new(),
        hook,
        interpreter: interpreter::finding(&task.recipe.shell, &as_packed, &task.store),
    })
}

fn evaluate_again(
    task: &Task,
    invocation: &Invocation<'_>,
    nix: &Nix,
) -> Result<(StorePath, Derivation), Ended> {
    let root = PathBuf::from("/nix/rehearsal-derivation");
    match invocation.instantiate(&root) {
        Ok(path) => {
            let derivation = evaluate::read_derivation(nix, &path)?;
            Ok((path, derivation))
        }
        Err(Error::NixFailed { words, .. }) if words.contains("nable to start any build") => {
            let log = invocation.log().unwrap_or_default();
            let seen = match asked::first_build(&log, task, nix) {
                Some(derivation) => Observed::Builds { derivation },
                None => failed(BUILDS, words, Some(Advice::ImportFromProject)),
            };
            Err(seen.into())
        }
        Err(Error::NixFailed { words, .. }) if words.contains("No space left on device") => {
            let what =
                "its scratch space is full, which is in $TMPDIR or else in the cache directory";
            Err(failed(what, words, None).into())
        }
        Err(Error::NixFailed { words, .. }) => Err(Observed::Failed {
            what: "evaluation needs something that is not carried".to_owned(),
            missing_file: missing_file(&words, &task.project),
            words,
            advice: None,
        }
        .into()),
        Err(error) => Err(error.into()),
    }
}

/// A source that comes out different lacks files: the shell could still be entered, but with
/// another `$src`.
fn ensure_same_sources(task: &Task, derivation: &Derivation) -> Result<(), Ended> {
    let missing = task
        .copied_sources
        .iter()
        .find(|source| !derivation.input_sources.contains(source));
    let Some(source) = missing else { return Ok(()) };
    let what = format!(
        "the source {} is different with only the project files that evaluation read",
        source.name()
    );
    Err(failed(&what, String::new(), Some(Advice::IncludeSource)).into())
}

/// The difference to the shell that the bundle names, besides that of its place.
fn difference(task: &Task, nix: &Nix, found: &StorePath) -> Option<String> {
    let places = Places {
        old: task.project_here.to_str()?,
        new: task.project.to_str()?,
    };
    drift::elsewhere(&task.recipe.shell, nix, places, found)
}

/// The shell that is proved must be the one that is named.
fn ensure_same_shell(difference: Option<String>) -> Result<(), Ended> {
    let Some(words) = difference else {
        return Ok(());
    };
    let words = words.trim_start_matches('\n').to_owned();
    let what = "the shell is another one elsewhere";
    Err(failed(what, words, Some(Advice::CheckSurroundings)).into())
}

fn ensure_nothing_missing(
    task: &Task,
    nix: &Nix,
    derivation: &Derivation,
    difference: Option<&str>,
) -> Result<(), Ended> {
    let list = nix.missing(derivation)?.all();
    if list.is_empty() {
        return Ok(());
    }
    let words: String = list
        .iter()
        .map(|path| format!("{}\n", task.store.print(path)))
        .collect();
    let words = words.trim_end().to_owned() + difference.unwrap_or_default();
    let what = format!(
        "{} would still have to be built or fetched",
        if list.len() == 1 {
            "one path"
        } else {
            "some paths"
        }
    );
    let has_place = |path: &StorePath| {
        let text = fs::read_to_string(task.store.join(path)).unwrap_or_default();
        path.is_derivation() && text.contains(task.project.to_string_lossy().as_ref())
    };
    let advice = if list.iter().any(has_place) {
        Advice::PlaceOfProject
    } else {
        Advice::CheckSurroundings
    };
    Err(failed(&what, words, Some(advice)).into())
}

/// The check of entering, in the words of the proof, and what was found about the hook.
fn entered(entered: Entered, check: &str) -> Result<(String, Option<Hook>), Ended> {
    match entered {
        Entered::Yes(hook) => {
            let prevented = hook.as_ref().and_then(Hook::check);
            Ok((prevented.unwrap_or_else(|| check.to_owned()), hook))
        }
        Entered::No(words) => {
            let what = "the shell could not be entered";
            Err(failed(what, words, None).into())
        }
    }
}

/// The first project file that Nix's output names and that is not there.
fn missing_file(words: &str, project: &Path) -> Option<PathBuf> {
    let prefix = format!("'{}/", project.to_string_lossy());
    let named = words.match_indices(&prefix).filter_map(|(at, _)| {
        let rest = &words[at + prefix.len()..];
        rest.split_once('\'').map(|(file, _)| PathBuf::from(file))
    });
    named.into_iter().find(|file| !project.join(file).exists())
}

fn failed(what: &str, words: String, advice: Option<Advice>) -> Observed {
    Observed::Failed {
        what: what.to_owned(),
        words: words.trim_end().to_owned(),
        advice,
        missing_file: None,
    }
}

fn cause(error: &Error) -> String {
    std::error::Error::source(error)
        .map(ToString::to_string)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_project_file_is_named() {
        let project = Path::new("/home/rehearsal/project");
        let words = "error: it isn't there,\n opening file '/home/rehearsal/project/nix/x.json': No such file";
        assert_eq!(
            missing_file(words, project).unwrap(),
            Path::new("nix/x.json")
        );
        assert_eq!(missing_file("error: out of memory", project), None);
    }
}
