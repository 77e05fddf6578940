//! Which files of the project a hook needs, by trial: with them, it does the same as with all.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::carried::Choice;
use super::{Visitor, is_git, mentioned};
use crate::create::project::links::Way;
use crate::error::Result;
use crate::rehearse::visit::Seen;

/// The outcome of the trials.
#[derive(Default)]
pub(super) struct Tried {
    /// The files that are not carried yet.
    pub(super) files: BTreeSet<PathBuf>,
    /// The directories that the hook lists, and that are carried with what is in them.
    pub(super) listed: BTreeSet<PathBuf>,
    /// The differences that remain.
    pub(super) differences: Vec<String>,
}

impl Visitor<'_> {
    /// Tries with the files that are read, then with those that are mentioned, then with what is in the
    /// directories that are listed.
    pub(super) fn tried(&self, whole: &Seen) -> Result<Tried> {
        let top = self.host.top;
        let read = whole.reads().iter().map(|file| top.join(file));
        let files = self.not_carried(read);
        let mut tried = Tried {
            differences: self.differences(whole, &files)?,
            files,
            ..Tried::default()
        };
        if tried.differences.is_empty() {
            return Ok(tried);
        }
        // A mere test for a file opens nothing. What the hook mentions is tried.
        let mentioned = mentioned::files(&self.texts(&tried.files), &self.directory(), top);
        let ways = mentioned.iter().map(|file| Way::to(file, top));
        let more = self.not_carried(ways.flat_map(|way| way.parts));
        self.try_more(&mut tried, whole, &more)?;
        // The names in a directory are known only to the hook.
        let listed = whole.lists().iter().filter(|path| !is_git(path));
        let listed: BTreeSet<_> = listed.map(|path| top.join(path)).collect();
        let named: BTreeSet<_> = listed.intersection(&mentioned).cloned().collect();
        for directories in [named, listed] {
            if tried.differences.is_empty() || directories.is_empty() || self.project.is_flake() {
                break;
            }
            let is_named = directories.is_subset(&mentioned);
            let carried = self.project.paths().collect();
            let choice = Choice::of_named(top, directories.clone(), &carried);
            let more = self.not_carried(choice.carried.into_iter());
            let is_better = self.try_more(&mut tried, whole, &more)?;
            if is_better || is_named {
                tried.files.extend(more);
                tried.listed.extend(directories);
            }
        }
        Ok(tried)
    }

    /// Takes more files if there are fewer differences with them. Returns whether it does.
    fn try_more(&self, tried: &mut Tried, whole: &Seen, more: &BTreeSet<PathBuf>) -> Result<bool> {
        let more: BTreeSet<_> = tried.files.union(more).cloned().collect();
        if more.len() == tried.files.len() {
            return Ok(false);
        }
        let fewer = self.differences(whole, &more)?;
        let is_better = fewer.len() < tried.differences.len();
        if is_better {
            (tried.files, tried.differences) = (more, fewer);
        }
        Ok(is_better)
    }

    pub(super) fn differences(
        &self,
        whole: &Seen,
        files: &BTreeSet<PathBuf>,
    ) -> Result<Vec<String>> {
        let project = self.project.with_files(files, self.host.top, true)?;
        self.host
            .differences(whole, &project.entries, &project.root)
    }

    /// Whether there are fewer differences if the files keep their times.
    pub(super) fn are_due_to_times(
        &self,
        differences: &[String],
        whole: &Seen,
        files: &BTreeSet<PathBuf>,
    ) -> Result<bool> {
        let project = self.project.with_files(files, self.host.top, true)?;
        let (host, entries) = (&self.host, &project.entries);
        let fewer = host.differences_with_times(whole, entries, &project.root)?;
        Ok(fewer.len() < differences.len())
    }
}
