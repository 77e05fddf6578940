//! Files of the project that a `shellHook` reads when it runs. Evaluation does not see them; a visit of
//! the shell does, with the whole project visible.
//!
//! Files that git tracks are carried (without git: small ones that are no likely secret), and the
//! others are named. A flake has all of its files already, and can get no others.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::plan::Plan;
use super::project::Project;
use super::shell::{Shell, Shells};
use crate::error::{Error, Result};
use crate::rehearse::visit::{GIT, Host, Seen};
use crate::report::{Event, Report};
use shellpack_format::bundle::manifest::ShellName;

mod carried;
mod mentioned;
mod told;

use carried::Choice;

/// Adds the files that the shells' hooks read to the project and to the plan.
pub(super) fn carry(plan: Plan, shells: &mut Shells, report: &Report) -> Result<Plan> {
    let Some(project) = shells.project.at_own_place() else {
        return Ok(plan);
    };
    let top = project.whole();
    let scratch = shells.scratch.path();
    let scratch = fs::canonicalize(scratch).map_err(Error::io("find", scratch))?;
    let mut files = BTreeSet::new();
    let all = shells.all.iter().zip(&plan.manifest().shells);
    for (shell, planned) in all.filter(|(shell, _)| has_hook(shell)) {
        let visitor = Visitor {
            host: Host {
                nix: &shells.nix,
                store: &shells.nix.store,
                paths: plan.paths(),
                shell: planned,
                root: &project.root,
                top: &top,
                report,
            },
            project: &project,
            shell,
            scratch: &scratch,
        };
        match visitor.files_of_hook() {
            Ok(found) => files.extend(found),
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => report.emit(Event::Note(&format!(
                "{}what the shellHook reads when it runs was not seen: {error}",
                ShellName::before_words(shell.name.as_ref())
            ))),
        }
    }
    if files.is_empty() {
        return Ok(plan);
    }
    let choice = if project.is_flake() {
        Choice::of_flake(files)
    } else {
        Choice::of(&top, files)
    };
    told::choice(&choice, &top, report);
    if choice.carried.is_empty() {
        return Ok(plan);
    }
    shells.project = shells.project.with_read_by_hook(&choice.carried, &top)?;
    plan.with_project(shells)
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

/// Visits one shell.
struct Visitor<'a> {
    host: Host<'a>,
    project: &'a Project,
    shell: &'a Shell,
    /// Where expressions that are no files of the user's were written.
    scratch: &'a Path,
}

impl Visitor<'_> {
    /// The files of the project that the hook reads or looks for, and that are not carried.
    fn files_of_hook(&self) -> Result<BTreeSet<PathBuf>> {
        let directory = self.host.shell.entered_in(self.host.root);
        let outside = mentioned::outside(&self.texts(&BTreeSet::new()), &directory, self.host.top);
        told::outside(&outside, self.host.top, self.shell, self.host.report);
        self.tell_of_files_here(&directory);
        if !self.has_more_files() {
            return Ok(BTreeSet::new());
        }
        let Some(whole) = self.host.with_everything()? else {
            self.note("was not seen: it cannot be layered here, and is too large to be copied");
            return Ok(BTreeSet::new());
        };
        if !whole.watched_all() {
            self.note("was seen only in part: there is more than the kernel can watch");
        }
        let asks_git = whole.reads().iter().any(|file| is_git(file));
        let mut files = self.not_carried(whole.reads().iter().map(|file| self.host.top.join(file)));
        let mut differences = self.differences(&whole, &files)?;
        if !differences.is_empty() {
            // A mere test for a file opens nothing. What the hook mentions is tried.
            let mentioned = mentioned::files(&self.texts(&files), &directory, self.host.top);
            let mentioned = self.not_carried(mentioned.into_iter());
            let more: BTreeSet<_> = files.union(&mentioned).cloned().collect();
            if more.len() > files.len() {
                let fewer = self.differences(&whole, &more)?;
                if fewer.len() < differences.len() {
                    (files, differences) = (more, fewer);
                }
            }
        }
        if !differences.is_empty() {
            told::differences(&differences, asks_git, self.shell, self.host.report);
        }
        Ok(files)
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
        } else if self.shell.file.starts_with(self.scratch) {
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

    fn differences(&self, whole: &Seen, files: &BTreeSet<PathBuf>) -> Result<Vec<String>> {
        let project = self.project.with_read_by_hook(files, self.host.top)?;
        self.host
            .differences(whole, &project.entries, &project.root)
    }

    /// The hook, and the scripts that it reads.
    fn texts(&self, files: &BTreeSet<PathBuf>) -> Vec<String> {
        let environment = &self.shell.derivation.environment;
        let hooks = ["shellHook", "__json"]
            .iter()
            .filter_map(|name| environment.get(*name));
        let is_script = |file: &&PathBuf| {
            fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.len() < 64 << 10)
        };
        let scripts = files.iter().filter(is_script);
        let scripts = scripts.filter_map(|file| fs::read_to_string(file).ok());
        hooks.cloned().chain(scripts).collect()
    }

    fn note(&self, words: &str) {
        let name = ShellName::before_words(self.shell.name.as_ref());
        let top = self.host.top.display();
        self.host.report.emit(Event::Note(&format!(
            "{name}what the shellHook reads of {top} when it runs {words}"
        )));
    }
}

fn is_git(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == GIT)
}
