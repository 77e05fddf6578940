//! The rehearsal of what would be carried, before there is a bundle.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde::{Deserialize, Serialize};

use super::scratch::{nix_directory, scratch_space};
use super::{PROJECT, SUBCOMMAND, surroundings};
use crate::entry::invocation::Recipe;
use crate::error::{Advice, Error, Result};
use crate::nix::Nix;
use crate::report::{Event, Report};
use crate::room::{Access, Room};
use shellpack_format::bundle::manifest::{FileKind, Project, Proof, ProofResult, ShellName};
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::{StoreDir, StorePath};

/// What the room's own process is told, below its `/nix`.
const TASK: &str = "rehearsal.json";

pub(super) const BUILDS: &str =
    "evaluation itself builds something (import from derivation), which is not carried";

/// That evaluation would build something although it is carried, or cannot be.
pub(crate) fn builds_all_the_same(derivation: &StorePath) -> Error {
    Error::RehearsalFailed {
        what: BUILDS.to_owned(),
        words: derivation.to_string(),
        advice: Some(Advice::ImportFromProject),
    }
}

/// What is rehearsed before there is a bundle.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    /// Where the store is.
    pub store: StoreDir,
    /// Everything that is carried.
    pub paths: Vec<PathInfo>,
    /// The shell, and how it is evaluated.
    pub recipe: Recipe,
    /// Sources that the derivation copies from the project; they must come out the same.
    pub copied_sources: Vec<StorePath>,
    /// The directory of the project in the room.
    pub project: PathBuf,
    /// Whether the shell is entered without evaluating.
    pub no_eval: bool,
}

/// What a `shellHook` did that wanted the network.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hook {
    /// Its own words.
    pub(super) words: String,
    /// How it ended the shell, if it did.
    pub(super) ended: Option<String>,
}

/// What the room's process saw.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Seen {
    /// Everything worked.
    Passed {
        /// The Nix that did it, if one took part.
        nix_version: Option<String>,
        /// What was checked, one sentence each.
        checks: Vec<String>,
        /// A `shellHook` that wanted the network.
        hook: Option<Hook>,
    },
    /// Evaluation would have to build something, which the other side cannot.
    Builds {
        /// The derivation whose outputs it reads.
        derivation: String,
    },
    /// Something did not.
    Failed {
        /// What.
        what: String,
        /// Nix's own words.
        words: String,
        /// What would help, if that is known.
        advice: Option<Advice>,
        /// A project file that evaluation did not find, relative to the project's root.
        missing_file: Option<PathBuf>,
    },
}

/// How a rehearsal ended that did not fail.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nothing is missing.
    Proved(Proof),
    /// The outputs of this derivation are: evaluation reads them.
    Builds(StorePath),
}

/// Rehearses a shell with exactly what would be carried. `project_root` has the project's
/// files; only those that the manifest names are shown to the room.
pub(crate) fn carried(
    nix: &Nix,
    mut task: Task,
    project: &Project,
    project_root: &Path,
    report: &Report,
) -> Result<Outcome> {
    let scratch = scratch_space(0)?;
    let nix_dir = nix_directory(&scratch.0, &task.store)?;
    let stage = scratch.0.join("project");
    copy_project(project, project_root, &stage)?;
    let name = project.directory.as_deref().unwrap_or("project");
    task.project = Path::new(PROJECT).join(name);

    let mut bound: Vec<PathBuf> = task
        .paths
        .iter()
        .map(|info| task.store.join(&info.path))
        .collect();
    let own = surroundings::closure_of_programs(nix)?;
    bound.extend(
        own.iter()
            .map(|info| task.store.join(&info.path))
            .filter(|path| !bound.contains(path))
            .collect::<Vec<_>>(),
    );
    let room = surroundings::sealed(&nix_dir)?
        .private(project_root)
        .store_paths(task.store.as_path(), bound)
        .bind(&stage, &task.project, Access::Writable);
    let file = nix_dir.join(TASK);
    let text = serde_json::to_vec(&task).map_err(|error| Error::Room {
        what: error.to_string(),
    })?;
    fs::write(&file, text).map_err(Error::io("write", &file))?;

    let inside_file = Path::new("/nix").join(TASK);
    let command = room.command(
        Path::new(Room::SELF_PATH),
        &[SUBCOMMAND.into(), inside_file.into_os_string()],
    )?;
    let waiting = report.waiting("the shell to be evaluated and entered with no network");
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()?;
    drop(waiting);
    report.ensure_not_interrupted()?;
    let name = task.recipe.shell.name.as_ref();
    let (outcome, hook) =
        verdict(&output, project_root, &nix.store).map_err(|error| of_shell(name, error))?;
    if let Some(hook) = hook {
        let text = format!("{}{hook}", ShellName::before_words(name));
        report.emit(Event::Warning(&text));
    }
    Ok(outcome)
}

/// Says which of several shells failed.
fn of_shell(name: Option<&ShellName>, error: Error) -> Error {
    match (name, error) {
        (
            Some(name),
            Error::RehearsalFailed {
                what,
                words,
                advice,
            },
        ) => Error::RehearsalFailed {
            what: format!("{name}: {what}"),
            words,
            advice,
        },
        (_, error) => error,
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shellHook wants a network, which will not be there")?;
        if let Some(status) = &self.ended {
            write!(f, ", and ends the shell ({status})")?;
        }
        f.write_str("; it said:")?;
        self.words
            .lines()
            .try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// What the room's process saw, as a proof or as an error.
fn verdict(
    output: &Output,
    project_root: &Path,
    store: &StoreDir,
) -> Result<(Outcome, Option<Hook>)> {
    let seen = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| Seen::Failed {
        what: "the room ended without a result".to_owned(),
        words: String::from_utf8_lossy(&output.stderr).into_owned(),
        advice: None,
        missing_file: None,
    });
    match seen {
        Seen::Passed {
            nix_version,
            checks,
            hook,
        } => {
            let proof = Proof {
                result: ProofResult::Passed,
                nix_version,
                checks,
            };
            Ok((Outcome::Proved(proof), hook))
        }
        Seen::Builds { derivation } => store
            .parse_path(&derivation)
            .map(|path| (Outcome::Builds(path), None))
            .map_err(|bad| Error::nix_output("nix-instantiate", &bad.to_string())),
        Seen::Failed {
            what,
            words,
            advice,
            missing_file,
        } => {
            let include = missing_file.map(|file| Advice::Include(project_root.join(file)));
            Err(Error::RehearsalFailed {
                what,
                words,
                advice: include.or(advice),
            })
        }
    }
}

/// Copies the project files that the manifest names, so that the room sees no others.
fn copy_project(project: &Project, from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(Error::io("create", to))?;
    for file in &project.files {
        let (source, target) = (from.join(file.path.as_str()), to.join(file.path.as_str()));
        match &file.kind {
            FileKind::Directory { .. } => {
                fs::create_dir_all(&target).map_err(Error::io("create", &target))?;
            }
            FileKind::Symlink { target: link } => {
                std::os::unix::fs::symlink(link, &target).map_err(Error::io("create", &target))?;
            }
            FileKind::File { .. } => {
                fs::copy(&source, &target).map_err(Error::io("copy", &source))?;
            }
        }
    }
    Ok(())
}
