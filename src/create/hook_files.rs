//! Files of the project that a `shellHook` reads when it runs, and those that the entered shell names.
//! Evaluation does not see them; a visit of the shell does, with the whole project visible.
//!
//! Files that git tracks are carried (without git: small ones that are no likely secret), and the
//! others are named. A flake has all of its files already, and can get no others.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::closure;
use super::plan::Plan;
use super::project::Project;
use super::secrets;
use super::shell::{Shell, Shells};
use crate::error::{Error, Result};
use crate::rehearse::visit::{GIT, Host, Seen};
use crate::report::{Event, Phase, Report};
use crate::text::shown;
use shellpack_format::bundle::manifest::ShellName;

mod carried;
mod links_out;
mod machine_files;
mod made;
pub(super) mod mentioned;
mod name_of_place;
mod named;
mod of_machine;
mod of_shell;
mod told;
mod tried;
mod variables;

use carried::Choice;
pub(super) use name_of_place::depend_on_name;

/// Adds the files that the shells' hooks read, and those that the shells name, to the project and to
/// the plan.
pub(super) fn carry(plan: Plan, shells: &mut Shells, report: &Report) -> Result<Plan> {
    let Some(project) = shells.project.at_own_place() else {
        return Ok(plan);
    };
    let top = project.whole();
    let linked = project.linked_in_store.clone();
    let (files, seen) = visit_all(&plan, shells, (&project, &top), report)?;
    let choice = if project.is_flake() {
        Choice::of_flake(&top, files)
    } else {
        Choice::of(&top, files)
    };
    told::choice(&choice, &top, report);
    let plan = add(plan, shells, (&choice.carried, &top), true, report)?;
    let Some(project) = shells.project.at_own_place() else {
        return Ok(plan);
    };
    let named = named_by_all(&plan, shells, (&project, &top), &seen, report)?;
    let plan = add(plan, shells, (&named, &top), false, report)?;
    // Carried links may lead into the store.
    if shells.project.linked_in_store.is_subset(&linked) {
        return Ok(plan);
    }
    let plan = Plan::new(shells, closure::build(shells, report)?)?;
    report.emit(Event::Phase(Phase::Rehearse));
    Ok(plan)
}

/// The plan with these files of the project below `top`, too, and warns of likely secrets in them.
fn add(
    plan: Plan,
    shells: &mut Shells,
    (files, top): (&BTreeSet<PathBuf>, &Path),
    are_read_by_hook: bool,
    report: &Report,
) -> Result<Plan> {
    let before = shells.project.clone();
    let plan = plan.with_files(shells, files, top, are_read_by_hook)?;
    secrets::warn_of_new_files(&shells.project, &before, report);
    Ok(plan)
}

/// The files that the hooks read, and what was seen of each shell.
fn visit_all(
    plan: &Plan,
    shells: &Shells,
    (project, top): (&Project, &Path),
    report: &Report,
) -> Result<(BTreeSet<PathBuf>, Vec<Visited>)> {
    let mut files = BTreeSet::new();
    let mut all = Vec::new();
    for index in 0..shells.all.len() {
        let visitor = Visitor::of(plan, shells, (project, top), index, report)?;
        let visited = if has_hook(visitor.shell) {
            visitor.visit()
        } else {
            Ok(Visited::default())
        };
        all.push(match visited {
            Ok(visited) => {
                files.extend(visited.files.clone());
                visited
            }
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => {
                report.emit(Event::Note(&format!(
                    "{}what the shellHook reads when it runs was not seen: {error}",
                    ShellName::before_words(visitor.shell.name.as_ref())
                )));
                Visited::default()
            }
        });
    }
    Ok((files, all))
}

/// The files to carry because a shell names them.
fn named_by_all(
    plan: &Plan,
    shells: &Shells,
    (project, top): (&Project, &Path),
    seen: &[Visited],
    report: &Report,
) -> Result<BTreeSet<PathBuf>> {
    let mut carried = BTreeSet::new();
    for (index, visited) in seen.iter().enumerate() {
        let visitor = Visitor::of(plan, shells, (project, top), index, report)?;
        carried.extend(visitor.named(visited)?);
    }
    Ok(carried)
}

/// Whether the shell has a `shellHook`. Structured attributes are one text.
fn has_hook(shell: &Shell) -> bool {
    let environment = &shell.derivation.environment;
    let is_set = |name: &str, words: &str| {
        let value = environment.get(name);
        value.is_some_and(|value| !value.trim().is_empty() && value.contains(words))
    };
    is_set("shellHook", "") || is_set("__json", "shellHook")
}

/// The findings of a visit.
#[derive(Default)]
struct Visited {
    /// The files of the project that the hook reads or looks for, and that are not carried.
    files: BTreeSet<PathBuf>,
    /// The directories that it lists, of which that is seen.
    listed: BTreeSet<PathBuf>,
    /// The shell with the whole project visible.
    whole: Option<Seen>,
}

/// Visits one shell.
struct Visitor<'a> {
    host: Host<'a>,
    project: &'a Project,
    shell: &'a Shell,
    /// Where expressions that are no files of the user's were written.
    scratch: PathBuf,
    no_eval: bool,
}

impl<'a> Visitor<'a> {
    fn of(
        plan: &'a Plan,
        shells: &'a Shells,
        (project, top): (&'a Project, &'a Path),
        index: usize,
        report: &'a Report,
    ) -> Result<Self> {
        let scratch = shells.scratch.path();
        Ok(Self {
            host: Host {
                nix: &shells.nix,
                store: &shells.nix.store,
                paths: plan.paths(),
                shell: &plan.manifest().shells[index],
                root: &project.root,
                top,
                report,
            },
            project,
            shell: &shells.all[index],
            scratch: fs::canonicalize(scratch).map_err(Error::io("find", scratch))?,
            no_eval: shells.no_eval,
        })
    }

    /// Enters the shell, to see what its hook reads.
    fn visit(&self) -> Result<Visited> {
        let directory = self.directory();
        let outside = mentioned::outside(&self.texts(&BTreeSet::new()), &directory, self.host.top);
        told::outside(&outside, self.host.top, self.shell, self.host.report);
        self.tell_of_files_here(&directory);
        let may_ask_times = mentioned::may_ask_times(&self.texts(&BTreeSet::new()));
        if !may_ask_times && !self.has_more_files() {
            return Ok(Visited::default());
        }
        let Some(whole) = self.host.with_everything()? else {
            self.note("was not seen: it cannot be layered here, and is too large to be copied");
            return Ok(Visited::default());
        };
        if !whole.watched_all() {
            self.note("was seen only in part: there is more than the kernel can watch");
        }
        let asks_git = whole.reads().iter().any(|file| is_git(file));
        let tried = self.tried(&whole)?;
        let (mut files, differences) = (tried.files, tried.differences);
        files.extend(self.links_out(&files));
        let files = self.without_made(files, &differences, &whole)?;
        if !differences.is_empty() {
            let cause = if asks_git {
                told::Cause::Git
            } else if self.are_due_to_times(&differences, &whole, &files)? {
                told::Cause::Times
            } else {
                told::Cause::File
            };
            told::differences(&differences, cause, self.shell, self.host.report);
        }
        Ok(Visited {
            files,
            listed: tried.listed,
            whole: Some(whole),
        })
    }

    /// The directory in which the hook runs.
    fn directory(&self) -> PathBuf {
        self.host.shell.entered_in(self.host.root)
    }

    /// Tells of files that the hook finds where the command was typed, if the shell is not entered there:
    /// nix-shell runs it there, and the target in the directory of the shell file.
    fn tell_of_files_here(&self, entered: &Path) {
        let Ok(here) = std::env::current_dir() else {
            return;
        };
        let found = mentioned::only_in(&here, &self.texts(&BTreeSet::new()), entered);
        let to_type = if self.project.is_flake() {
            told::ToCarry::InFlake
        } else if self.shell.file.starts_with(&self.scratch) {
            told::ToCarry::AsFile
        } else if here.starts_with(self.host.top) {
            told::ToCarry::Alone(&self.shell.file)
        } else {
            told::ToCarry::Include
        };
        told::here(&found, &here, to_type, self.shell, self.host.report);
    }

    /// Whether the project has a file that is not carried.
    fn has_more_files(&self) -> bool {
        let carried: BTreeSet<_> = self.project.paths().collect();
        let mut open = vec![self.host.top.to_owned()];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
                let path = entry.path();
                let leads_to_root = self.project.root.starts_with(&path);
                if !leads_to_root && !carried.contains(&path) {
                    return true;
                }
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    open.push(path);
                }
            }
        }
        false
    }

    /// Those of some files that are in the project, can be carried, and are not yet.
    fn not_carried(&self, files: impl Iterator<Item = PathBuf>) -> BTreeSet<PathBuf> {
        let carried: BTreeSet<_> = self.project.paths().collect();
        let is_new = |file: &PathBuf| {
            let is_ordinary = fs::symlink_metadata(file).is_ok_and(|metadata| {
                let kind = metadata.file_type();
                kind.is_symlink()
                    || kind.is_dir()
                    || (kind.is_file() && fs::File::open(file).is_ok())
            });
            is_ordinary
                && file.to_str().is_some()
                && !carried.contains(file)
                && !self.project.root.starts_with(file)
                && !file.strip_prefix(self.host.top).is_ok_and(is_git)
        };
        files.filter(is_new).collect()
    }

    /// The hook, and the scripts that it reads.
    fn texts(&self, files: &BTreeSet<PathBuf>) -> Vec<String> {
        let environment = &self.shell.derivation.environment;
        let structured = environment.get("__json").and_then(|text| {
            let attributes: serde_json::Value = serde_json::from_str(text).ok()?;
            Some(attributes.get("shellHook")?.as_str()?.to_owned())
        });
        let hooks = environment.get("shellHook").cloned().into_iter();
        let is_script = |file: &&PathBuf| {
            fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.len() < 64 << 10)
        };
        let scripts = files.iter().filter(is_script);
        let scripts = scripts.filter_map(|file| fs::read_to_string(file).ok());
        hooks.chain(structured).chain(scripts).collect()
    }

    fn note(&self, words: &str) {
        let name = ShellName::before_words(self.shell.name.as_ref());
        let top = shown(&self.host.top);
        self.host.report.emit(Event::Note(&format!(
            "{name}what the shellHook reads of {top} when it runs {words}"
        )));
    }
}

fn is_git(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == GIT)
}
