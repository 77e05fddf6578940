//! The rehearsal of `create`: with the paths that would be carried, before there is a bundle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde::{Deserialize, Serialize};

use super::hook::Hook;
use super::scratch::{nix_directory, scratch_space};
use super::{PROJECT, SUBCOMMAND, process, surroundings};
use crate::entry::recipe::Recipe;
use crate::error::{Advice, Error, Result};
use crate::interrupt;
use crate::nix::{self, Nix};
use crate::report::{Event, Report};
use crate::room::Access;
use crate::tree::times;
use shellpack_format::bundle::manifest::{
    BundleName, FileKind, Project, Proof, ProofResult, ShellName,
};
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::{StoreDir, StorePath};

pub(super) const BUILDS: &str =
    "evaluation itself builds something (import from derivation), which is not carried";

/// The error for a build during evaluation whose outputs are carried already, or cannot be.
pub(crate) fn builds_all_the_same(derivation: &StorePath) -> Error {
    Error::RehearsalFailed {
        what: BUILDS.to_owned(),
        words: derivation.to_string(),
        advice: Some(Advice::ImportFromProject),
    }
}

/// A shell to rehearse, and everything that would be carried for it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    /// The store directory.
    pub store: StoreDir,
    /// Every carried path.
    pub paths: Vec<PathInfo>,
    /// The shell and its evaluation.
    pub recipe: Recipe,
    /// Sources that the derivation copies from the project. They must come out the same.
    pub copied_sources: Vec<StorePath>,
    /// The directory of the project in the room.
    pub project: PathBuf,
    /// Its directory here.
    pub project_here: PathBuf,
    /// Variables of this machine that decide what the shell is. The room has them, too.
    pub machine_variables: BTreeMap<String, Option<String>>,
    /// Others that the project's files compare, with values that cannot all be tried.
    pub compared_variables: BTreeSet<String>,
    /// Whether the shell is entered without evaluation.
    pub no_eval: bool,
    /// The directory of the commands of a Nix that is carried for machines without one.
    pub carried_nix: Option<String>,
}

/// The result from the process in the room.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Observed {
    /// Everything worked.
    Passed {
        /// The Nix that did it, if one took part.
        nix_version: Option<String>,
        /// The checks that were made, one sentence each.
        checks: Vec<String>,
        /// The checks that could not be made, one sentence each.
        not_tried: Vec<String>,
        /// A finding about the `shellHook`.
        hook: Option<Hook>,
        /// A finding about the program that runs the script.
        interpreter: Option<String>,
    },
    /// Evaluation would have to build something, which the target cannot.
    Builds {
        /// The derivation whose outputs it reads.
        derivation: String,
    },
    /// A check failed.
    Failed {
        /// Which.
        what: String,
        /// Nix's output.
        words: String,
        /// Advice, if there is any.
        advice: Option<Advice>,
        /// A project file that evaluation did not find, relative to the root of the project.
        missing_file: Option<PathBuf>,
    },
}

/// The result of a rehearsal that did not fail.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nothing is missing.
    Proved(Proof),
    /// The outputs of this derivation are missing: evaluation reads them.
    Builds(StorePath),
}

/// Rehearses a shell of the bundle of this name with exactly the paths that would be carried. `project_root` has the project
/// files; the room sees only those that the manifest names. If the bundle has a Nix of its own, that has to do it, too.
pub(crate) fn carried(
    nix: &Nix,
    mut task: Task,
    bundle: &BundleName,
    project: &Project,
    project_root: &Path,
    report: &Report,
) -> Result<Outcome> {
    // As on the target: a shell may contain the name of its directory.
    let name = project.directory.as_deref().unwrap_or(bundle.as_str());
    task.project = Path::new(PROJECT).join(name);
    let place = Place {
        nix,
        project,
        project_root,
    };
    let (outcome, findings) = place.rehearse(&task, None, report)?;
    let name = task.recipe.shell.name.as_ref();
    for text in findings {
        // The user knows the project by its own place.
        let here = task.project_here.to_string_lossy();
        let text = text.replace(&*task.project.to_string_lossy(), &here);
        let text = format!("{}{text}", ShellName::before_words(name));
        report.emit(Event::Warning(&text));
    }
    match (outcome, &task.carried_nix) {
        (Outcome::Proved(proof), Some(bin)) => place.with_carried_nix(&task, bin, proof, report),
        (outcome, _) => Ok(outcome),
    }
}

/// Where a shell is rehearsed.
struct Place<'a> {
    nix: &'a Nix,
    project: &'a Project,
    project_root: &'a Path,
}

impl Place<'_> {
    /// Rehearses a shell in a room of its own, by the Nix of this machine or by the one in a directory.
    fn rehearse(
        &self,
        task: &Task,
        carried: Option<&str>,
        report: &Report,
    ) -> Result<(Outcome, Vec<String>)> {
        let scratch = scratch_space(0)?;
        let nix_dir = nix_directory(&scratch.0, &task.store)?;
        let stage = scratch.0.join("project");
        copy_project(self.project, self.project_root, &stage)?;
        let mut room = surroundings::with_paths(self.nix, &nix_dir, &task.store, &task.paths)?
            .private(self.project_root)
            .bind(&stage, &task.project, Access::Writable);
        if let Some(bin) = carried {
            room = surroundings::with_nix(room, bin);
        }
        let waiting = report.waiting("the shell to be evaluated and entered with no network");
        let output = process::run(&room, &nix_dir, SUBCOMMAND, task)?;
        drop(waiting);
        report.ensure_not_interrupted()?;
        let name = task.recipe.shell.name.as_ref();
        verdict(&output, self.project_root, &self.nix.store).map_err(|error| of_shell(name, error))
    }

    /// Rehearses it again as on a machine without a Nix: by the one that is carried. Adds that to the proof.
    fn with_carried_nix(
        &self,
        task: &Task,
        bin: &str,
        mut proof: Proof,
        report: &Report,
    ) -> Result<Outcome> {
        let system = &task.recipe.shell.system;
        if !nix::runs(&self.nix.system, system) {
            proof.result = ProofResult::Partial;
            proof.not_tried.push(format!(
                "the carried Nix was not tried: this machine does not run programs for {system}"
            ));
            return Ok(Outcome::Proved(proof));
        }
        match self.rehearse(task, Some(bin), report).map_err(by_carried)? {
            (Outcome::Proved(again), _) => {
                let version = again.nix_version.unwrap_or_default();
                let check = format!(
                    "evaluated and entered by the carried Nix {version}, as on a machine without one"
                );
                proof.checks.push(check);
                Ok(Outcome::Proved(proof))
            }
            (builds, _) => Ok(builds),
        }
    }
}

/// Names the Nix that failed.
fn by_carried(error: Error) -> Error {
    match error {
        Error::RehearsalFailed {
            what,
            words,
            advice,
        } => Error::RehearsalFailed {
            what: format!("by the carried Nix: {what}"),
            words,
            advice,
        },
        error => error,
    }
}

/// Names the shell that failed, if there are several.
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

/// The result from the process in the room, as a proof or as an error.
fn verdict(
    output: &Output,
    project_root: &Path,
    store: &StoreDir,
) -> Result<(Outcome, Vec<String>)> {
    let seen = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| Observed::Failed {
        what: "the room ended without a result".to_owned(),
        words: String::from_utf8_lossy(&output.stderr).into_owned(),
        advice: None,
        missing_file: None,
    });
    match seen {
        Observed::Passed {
            nix_version,
            checks,
            not_tried,
            hook,
            interpreter,
        } => {
            let result = if not_tried.is_empty() {
                ProofResult::Passed
            } else {
                ProofResult::Partial
            };
            let proof = Proof {
                result,
                nix_version,
                checks,
                not_tried,
            };
            let hook = hook.map(|hook| hook.to_string());
            let findings = hook.into_iter().chain(interpreter).collect();
            Ok((Outcome::Proved(proof), findings))
        }
        Observed::Builds { derivation } => store
            .parse_path(&derivation)
            .map(|path| (Outcome::Builds(path), Vec::new()))
            .map_err(|bad| Error::nix_output("nix-instantiate", &bad.to_string())),
        Observed::Failed {
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
pub(super) fn copy_project(project: &Project, from: &Path, to: &Path) -> Result<()> {
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
                interrupt::copy_file(&source, &target).map_err(Error::io("copy", &source))?;
            }
        }
    }
    times::set_all(project, to)
}
