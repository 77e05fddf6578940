//! The rehearsal as the process in the room goes through it.
//!
//! It runs as a hidden subcommand with the task in a file and prints what it saw as JSON.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Seen, Task};
use crate::error::{Error, Result};
use crate::invocation::Invocation;
use crate::nix::command::{self, NixCommand};
use crate::nix::derivation::Derivation;
use crate::nix::{Nix, evaluate};

/// The hidden subcommand.
pub const SUBCOMMAND: &str = "rehearse-inside";

/// What the entered shell prints; nobody's `shellHook` does.
const MARK: &str = "shellpack-rehearsal-entered";

/// The hidden subcommand's body; returns an exit code if this is one. To be called first
/// thing in `main`.
pub fn hidden_entry(args: &[OsString]) -> Option<i32> {
    let [_, subcommand, file] = args else {
        return None;
    };
    if subcommand != SUBCOMMAND {
        return None;
    }
    let seen = match rehearse(Path::new(file)) {
        Ok(seen) => seen,
        Err(Failure::Seen(seen)) => seen,
        Err(Failure::Error(error)) => failed(&error.to_string(), cause(&error), None),
    };
    match serde_json::to_string(&seen) {
        Ok(text) => {
            anstream::println!("{text}");
            Some(0)
        }
        Err(_) => Some(1),
    }
}

/// A step that ended the rehearsal: with a verdict, or because it could not be made.
enum Failure {
    Seen(Seen),
    Error(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

fn rehearse(file: &Path) -> Result<Seen, Failure> {
    let text = fs::read(file).map_err(Error::io("read", file))?;
    let task: Task = serde_json::from_slice(&text).map_err(|error| Error::Room {
        what: error.to_string(),
    })?;
    NixCommand::new("nix-store")
        .arg("--load-db")
        .stdin_bytes(&command::registration(&task.store, &task.paths))?;
    let nix = Nix::find()?;
    let derivation = evaluate_again(&task, &nix)?;
    ensure_same_sources(&task, &derivation)?;
    ensure_nothing_missing(&task, &nix, &derivation)?;
    enter(&task)?;
    Ok(Seen::Passed {
        nix_version: nix.version,
        checks: vec![
            "evaluated with only what is carried, no network and an empty home".to_owned(),
            "nothing was left to build or to fetch".to_owned(),
            "entered nix-shell".to_owned(),
        ],
    })
}

fn evaluate_again(task: &Task, nix: &Nix) -> Result<Derivation, Failure> {
    let root = PathBuf::from("/nix/rehearsal-derivation");
    let outcome = Invocation::new(&task.shell, &task.project).instantiate(&root);
    match outcome {
        Ok(path) => Ok(evaluate::read_derivation(nix, &path)?),
        Err(Error::NixFailed { words, .. }) => Err(Failure::Seen(Seen::Failed {
            what: "evaluation needs something that is not carried".to_owned(),
            missing_file: missing_file(&words, &task.project),
            words,
            advice: None,
        })),
        Err(error) => Err(error.into()),
    }
}

/// A source that comes out differently is missing files; the shell would still enter, and
/// its `$src` would be another one.
fn ensure_same_sources(task: &Task, derivation: &Derivation) -> Result<(), Failure> {
    let missing = task
        .copied_sources
        .iter()
        .find(|source| !derivation.input_sources.contains(source));
    let Some(source) = missing else { return Ok(()) };
    let what = format!(
        "the source {} is not the same without the files that evaluation filtered",
        source.name()
    );
    let advice = "name the directory that it is made of: --include DIR";
    Err(Failure::Seen(failed(&what, String::new(), Some(advice))))
}

fn ensure_nothing_missing(task: &Task, nix: &Nix, derivation: &Derivation) -> Result<(), Failure> {
    let inputs = derivation.input_derivations.iter();
    let wanted: Vec<_> = inputs
        .map(|(path, outputs)| command::outputs_of(&task.store, path, outputs))
        .collect();
    let missing = nix.connect()?.missing(&wanted)?;
    let list: Vec<_> = [missing.to_build, missing.to_substitute, missing.unknown].concat();
    if list.is_empty() {
        return Ok(());
    }
    let words: String = list
        .iter()
        .map(|path| format!("{}\n", task.store.print(path)))
        .collect();
    let what = format!(
        "{} would still have to be built or fetched",
        if list.len() == 1 {
            "one thing"
        } else {
            "some things"
        }
    );
    let advice = "see whether the shell depends on the place of its directory (`toString ./.`), \
         on environment variables, or on the machine's own configuration";
    Err(Failure::Seen(failed(&what, words, Some(advice))))
}

fn enter(task: &Task) -> Result<(), Failure> {
    let invocation = Invocation::new(&task.shell, &task.project);
    let output = invocation
        .command(&["--run".into(), format!("echo {MARK}").into()])
        .output_of()?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    if stdout.lines().any(|line| line == MARK) {
        return Ok(());
    }
    let words = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
    Err(Failure::Seen(failed(
        "nix-shell could not be entered",
        words,
        None,
    )))
}

/// The first project file that Nix's words name and that is not there.
fn missing_file(words: &str, project: &Path) -> Option<PathBuf> {
    let prefix = format!("'{}/", project.display());
    let named = words.match_indices(&prefix).filter_map(|(at, _)| {
        let rest = &words[at + prefix.len()..];
        rest.split_once('\'').map(|(file, _)| PathBuf::from(file))
    });
    named.into_iter().find(|file| !project.join(file).exists())
}

fn failed(what: &str, words: String, advice: Option<&str>) -> Seen {
    Seen::Failed {
        what: what.to_owned(),
        words: words.trim_end().to_owned(),
        advice: advice.map(str::to_owned),
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
