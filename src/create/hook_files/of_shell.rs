//! The files that one shell names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use super::carried::Choice;
use super::{Visited, Visitor, carried, is_git, mentioned, named, told};
use crate::create::project::links::Way;
use crate::error::Result;

impl Visitor<'_> {
    /// The files of the project to carry because the shell names them: in a variable, an alias or a
    /// function.
    pub(super) fn named(&self, visited: &Visited) -> Result<BTreeSet<PathBuf>> {
        let top = self.host.top;
        let texts = named::Texts::of(visited.whole.as_ref(), self.shell, self.no_eval, top);
        let hooks = self.texts(&visited.files);
        self.tell_of_machine(&texts, &hooks);
        let mut named = BTreeMap::new();
        let mut ways = Vec::new();
        let by_shell = named::find(texts.all(&hooks), &self.directory(), top);
        for (path, name) in by_shell.into_iter().chain(self.mentioned_by_script()) {
            let way = Way::to(&path, top);
            let parts = way.parts.iter().cloned();
            named.extend(parts.map(|part| (part, name.clone())));
            // Those that the hook mentions have been told of.
            let is_known = way.parts.iter().any(|part| visited.files.contains(part));
            ways.extend((way.out.is_some() && !is_known).then_some(way));
        }
        let leads_to_root = |path: &&PathBuf| *path != top && self.project.root.starts_with(path);
        let paths: BTreeSet<_> = named
            .keys()
            .filter(|path| !leads_to_root(path))
            .cloned()
            .collect();
        let carried: BTreeSet<_> = self.project.paths().collect();
        let is_own = |path: &PathBuf| !path.strip_prefix(top).is_ok_and(is_git);
        // The hook may only have looked for a directory.
        let is_known = |path: &PathBuf| visited.files.contains(path) && !path.is_dir();
        let paths: BTreeSet<_> = paths
            .into_iter()
            .filter(|path| is_own(path) && !is_known(path))
            .collect();
        let mut choice = if self.project.is_flake() {
            let is_new = |path: &PathBuf| path != top && !carried.contains(path);
            Choice::of_flake(top, paths.into_iter().filter(is_new).collect())
        } else {
            Choice::of_named(top, paths, &carried)
        };
        choice.left.retain(|path| !visited.files.contains(path));
        if !choice.left.is_empty() {
            let made = self.made_with(&choice.carried, &choice.left)?;
            choice
                .left
                .retain(|path| path == top || !made.contains(path));
        }
        choice
            .carried
            .extend(self.perhaps_named(&texts, &hooks, &carried));
        let in_directories = Self::links_in(named.keys(), &carried, &choice.carried);
        let is_new = |link: &PathBuf| !ways.iter().any(|way| way.parts.contains(link));
        let more: Vec<_> = in_directories.into_iter().filter(is_new).collect();
        ways.extend(more.iter().map(|link| Way::to(link, top)));
        ways.retain(|way| way.out.is_some());
        told::links_out(&ways, top, self.shell, self.host.report);
        told::named(&choice, &named, top, self.shell, self.host.report);
        let directories = named.keys().chain(&visited.listed);
        let directories = directories.filter(|path| !choice.left.contains(*path) && path.is_dir());
        self.tell_of_untracked(&directories.cloned().collect(), &choice.carried)?;
        Ok(choice.carried)
    }

    /// The files that the shell's script mentions, with its name. A word may be one by chance: only files
    /// count, and those that can be carried.
    fn mentioned_by_script(&self) -> BTreeMap<PathBuf, String> {
        let Some(script) = &self.shell.script else {
            return BTreeMap::new();
        };
        let Ok(text) = fs::read_to_string(&script.file) else {
            return BTreeMap::new();
        };
        let own = script.file.parent().unwrap_or(&script.file);
        let found = mentioned::files(&[text], own, self.host.top);
        let name = script.file.file_name().unwrap_or_default();
        let name = name.to_string_lossy();
        let found = found.into_iter().filter(|path| path.is_file());
        found
            .map(|path| (path, name.clone().into_owned()))
            .collect()
    }

    /// The files that the shell may use although that was not seen. Only what can be carried counts.
    fn perhaps_named(
        &self,
        texts: &named::Texts<'_>,
        hooks: &[String],
        carried: &BTreeSet<PathBuf>,
    ) -> BTreeSet<PathBuf> {
        if self.project.is_flake() {
            // It has all of its files.
            return BTreeSet::new();
        }
        let top = self.host.top;
        let all = texts.all(hooks);
        let of_kind = |is_script: bool| {
            let some = all.iter().filter(move |text| text.is_script == is_script);
            some.map(|text| text.content)
        };
        let scripts = of_kind(true).chain(hooks.iter().map(String::as_str));
        let found = mentioned::perhaps(scripts, of_kind(false), &self.directory(), top);
        let is_own = |path: &PathBuf| !path.strip_prefix(top).is_ok_and(is_git);
        let found = found.into_iter().filter(is_own).collect();
        Choice::of_named(top, self.not_carried_yet(found), carried).carried
    }

    /// Without the directories around the project's root, of which only a part is carried.
    fn not_carried_yet(&self, paths: BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
        let leads_to_root = |path: &PathBuf| self.project.root.starts_with(path);
        paths
            .into_iter()
            .filter(|path| !leads_to_root(path))
            .collect()
    }

    /// Tells of what is missing in directories that are carried.
    fn tell_of_untracked(
        &self,
        directories: &BTreeSet<PathBuf>,
        also_carried: &BTreeSet<PathBuf>,
    ) -> Result<()> {
        let top = self.host.top;
        let carried: BTreeSet<_> = self.project.paths().collect();
        let mut left = carried::untracked(top, directories);
        left.retain(|path| !carried.contains(path) && !also_carried.contains(path));
        if left.is_empty() {
            return Ok(());
        }
        let made = self.made_with(also_carried, &left)?;
        left.retain(|path| !made.contains(path));
        let choice = if self.project.is_flake() {
            Choice::of_flake(top, left)
        } else {
            Choice {
                left,
                rule: "files that git tracks",
                can_be_included: true,
                ..Choice::default()
            }
        };
        told::untracked(&choice, top, self.shell, self.host.report);
        Ok(())
    }

    /// Those of some files that the hook makes, where these others are carried, too.
    fn made_with(
        &self,
        also_carried: &BTreeSet<PathBuf>,
        files: &BTreeSet<PathBuf>,
    ) -> Result<BTreeSet<PathBuf>> {
        let top = self.host.top;
        let project = self.project.with_files(also_carried, top, false)?;
        self.host
            .made_by_hook(files, &project.entries, &project.root)
    }

    /// The carried links in the directories that the shell names.
    fn links_in<'b>(
        named: impl Iterator<Item = &'b PathBuf>,
        carried: &BTreeSet<PathBuf>,
        added: &BTreeSet<PathBuf>,
    ) -> BTreeSet<PathBuf> {
        let directories: Vec<_> = named.filter(|path| path.is_dir()).collect();
        let is_in_one = |file: &&PathBuf| directories.iter().any(|dir| file.starts_with(dir));
        let all = carried.iter().chain(added);
        all.filter(|file| file.is_symlink() && is_in_one(file))
            .cloned()
            .collect()
    }
}
