//! Visits of a shell: it is entered to see what its `shellHook` does, and nothing is proved by it.
//!
//! Once the whole project is visible, and watched; then only some of its files are. Each visit is in a
//! room with no network, at the project's own place, which the derivation may name. The shell is
//! entered without evaluation, so that only the hook reads files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::carried::copy_project;
use super::scratch::{Scratch, nix_directory, scratch_space};
use super::{VISIT, process, surroundings};
use crate::error::{Error, Result};
use crate::nix::Nix;
use crate::report::{Event, Report};
use crate::room::{Access, Room};
use crate::tree::times;
use shellpack_format::bundle::manifest::{Project, Shell, ShellName};
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::StoreDir;

mod copy;
mod inside;
mod seen;
mod watch;

pub(crate) use copy::bounded;
use inside::Task;
pub(crate) use seen::Seen;
pub(crate) use watch::GIT;

/// A shell to visit, and everything that would be carried for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Host<'a> {
    /// The Nix of this machine.
    pub nix: &'a Nix,
    /// The store directory.
    pub store: &'a StoreDir,
    /// Every carried path.
    pub paths: &'a [PathInfo],
    /// The shell.
    pub shell: &'a Shell,
    /// The directory that the shell's file is relative to.
    pub root: &'a Path,
    /// The whole project: the root, or a directory above.
    pub top: &'a Path,
    /// Is told what is waited for.
    pub report: &'a Report,
}

impl Host<'_> {
    /// Enters the shell with the whole project visible, and watches what it reads. `None` if that is
    /// not possible: an ordinary user cannot layer directories here, and this one is too large to
    /// copy.
    pub(crate) fn with_everything(&self) -> Result<Option<Seen>> {
        let scratch = scratch_space(0)?;
        let stage = scratch.0.join("project");
        fs::create_dir(&stage).map_err(Error::io("create", &stage))?;
        let is_layered = Room::new()
            .sealed()
            .layered(self.top, scratch.dir("probe")?, "/layered")
            .ensure_buildable()
            .is_ok();
        let room = self.room(&scratch)?;
        let room = if is_layered {
            room.layered(self.top, scratch.dir("writes")?, self.top)
        } else if copy::bounded(self.top, &stage).map_err(Error::io("copy", self.top))? {
            room.bind(&stage, self.top, Access::Writable)
        } else {
            return Ok(None);
        };
        self.enter(&room, &scratch, Some(self.top)).map(Some)
    }

    /// How the shell differs if only these files of the project are visible, below `root`.
    pub(crate) fn differences(
        &self,
        whole: &Seen,
        files: &Project,
        root: &Path,
    ) -> Result<Vec<String>> {
        let enter = || {
            let scratch = scratch_space(0)?;
            let stage = scratch.0.join("project");
            copy_project(files, root, &stage)?;
            self.enter_with_only(&scratch, &stage, root)
        };
        seen::differences(whole, &enter()?, enter)
    }

    /// As [`Self::differences`], if the files keep their times.
    pub(crate) fn differences_with_times(
        &self,
        whole: &Seen,
        files: &Project,
        root: &Path,
    ) -> Result<Vec<String>> {
        let enter = || {
            let scratch = scratch_space(0)?;
            let stage = scratch.0.join("project");
            copy_project(files, root, &stage)?;
            times::set_as_in(files, root, &stage)?;
            self.enter_with_only(&scratch, &stage, root)
        };
        seen::differences(whole, &enter()?, enter)
    }

    /// How the shell differs if it is entered at another place, where these files, which are below
    /// `root`, are as well. The place itself is no difference.
    pub(crate) fn differences_at(
        &self,
        place: &Path,
        files: &Project,
        root: &Path,
    ) -> Result<Vec<String>> {
        let enter = |at: &Path| {
            let scratch = scratch_space(0)?;
            let stage = scratch.0.join("project");
            copy_project(files, root, &stage)?;
            let host = Host { root: at, ..*self };
            // The derivation may name files at the place where it was evaluated.
            let hidden = host.room(&scratch)?.private(self.top);
            let mut visited = hidden.bind(&stage, root, Access::Writable);
            if at != root {
                visited = visited.bind(&stage, at, Access::Writable);
            }
            host.enter(&visited, &scratch, None)
        };
        let there = || Ok(enter(place)?.moved(place, root));
        seen::differences(&enter(root)?, &there()?, there)
    }

    /// Those of some files that are there after the hook has run, if only `project` was before.
    pub(crate) fn made_by_hook(
        &self,
        files: &BTreeSet<PathBuf>,
        project: &Project,
        root: &Path,
    ) -> Result<BTreeSet<PathBuf>> {
        let scratch = scratch_space(0)?;
        let stage = scratch.0.join("project");
        copy_project(project, root, &stage)?;
        self.enter_with_only(&scratch, &stage, root)?;
        let is_there = |file: &&PathBuf| {
            let below = file.strip_prefix(root);
            below.is_ok_and(|below| stage.join(below).symlink_metadata().is_ok())
        };
        Ok(files.iter().filter(is_there).cloned().collect())
    }

    /// The user waited long enough.
    fn tell_of_unfinished_hook(&self) {
        self.report.emit(Event::Note(&format!(
            "{}the shellHook had not ended: create runs it several times, with no network and no input, and \
             waits for its end",
            ShellName::before_words(self.shell.name.as_ref())
        )));
    }

    fn enter_with_only(&self, scratch: &Scratch, stage: &Path, root: &Path) -> Result<Seen> {
        let hidden = self.room(scratch)?.private(self.top);
        let visited = hidden.bind(stage, root, Access::Writable);
        self.enter(&visited, scratch, None)
    }

    fn room(&self, scratch: &Scratch) -> Result<Room> {
        let nix_dir = nix_directory(&scratch.0, self.store)?;
        surroundings::with_paths(self.nix, &nix_dir, self.store, self.paths)
    }

    fn enter(&self, room: &Room, scratch: &Scratch, watched: Option<&Path>) -> Result<Seen> {
        let task = Task {
            store: self.store.clone(),
            shell: self.shell.clone(),
            project: self.root.to_owned(),
            watched: watched.map(Path::to_owned),
        };
        let waiting = self
            .report
            .waiting("the shellHook to end, which runs with no network");
        let output = process::run(room, &scratch.0.join("nix"), VISIT, &task)?;
        drop(waiting);
        self.report
            .ensure_not_interrupted()
            .inspect_err(|_| self.tell_of_unfinished_hook())?;
        let failed = |what: String| Error::Room { what };
        let seen: Result<Seen, String> = serde_json::from_slice(&output.stdout)
            .map_err(|_| failed(String::from_utf8_lossy(&output.stderr).into_owned()))?;
        seen.map_err(failed)
    }
}

impl Scratch {
    fn dir(&self, name: &str) -> Result<PathBuf> {
        let dir = self.0.join(name);
        fs::create_dir(&dir).map_err(Error::io("create", &dir))?;
        Ok(dir)
    }
}

/// The process in the room: enters the shell of the task in this file.
pub(super) fn inside(file: &Path) -> Result<Seen, String> {
    inside::visit(file).map_err(|error| match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}
