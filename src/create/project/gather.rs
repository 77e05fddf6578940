//! Which files make up a project: absolute paths, gathered one by one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::nix::evaluate::Recorded;

/// Absolute paths, none of which leads through a symlink below the limit.
pub(super) struct Gathered {
    limit: PathBuf,
    /// Where all shell files are.
    directory: PathBuf,
    paths: BTreeSet<PathBuf>,
}

impl Gathered {
    /// Nothing yet of the project of shells in `directory`; nothing will lie outside of `limit`.
    pub(super) fn below(limit: PathBuf, directory: &Path) -> Self {
        Self {
            limit,
            directory: directory.to_owned(),
            paths: BTreeSet::new(),
        }
    }

    /// Everything that was gathered.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.paths.iter()
    }

    /// Adds what the recorder saw being taken from the project.
    pub(super) fn add_event(
        &mut self,
        event: &Recorded,
        in_store: &dyn Fn(&Path) -> bool,
    ) -> Result<()> {
        match event {
            Recorded::Read { path, .. } | Recorded::Import { path, .. } if in_store(path) => Ok(()),
            // nixpkgs looks for the user's configuration, and reads what the project gives it;
            // flake-compat looks for the project's `.git`.
            Recorded::Read { reader, from, path }
                if in_store(from) && !path.starts_with(self.reach_of(reader)) =>
            {
                Ok(())
            }
            Recorded::Read { reader, path, .. } if reader == "pathExists" => {
                self.add_if_there(path)
            }
            Recorded::Read { reader, path, .. } if reader == "readDir" => {
                self.add(path)?;
                children(path)?
                    .iter()
                    .try_for_each(|child| self.add_listed(child))
            }
            // `<nix/fetchurl.nix>` is Nix's own, and nowhere on disk.
            Recorded::Import { path, .. } if !path.exists() => Ok(()),
            Recorded::Read { path, .. } | Recorded::Import { path, .. } => self.add(path),
            Recorded::Copy { path, result } if !in_store(path) => self.add_like(path, result),
            _ => Ok(()),
        }
    }

    /// Below which directory a file outside of the project takes what is the project's.
    fn reach_of(&self, reader: &str) -> &Path {
        match reader {
            "pathExists" if !self.limit.join(".git").exists() => &self.directory,
            _ => &self.limit,
        }
    }

    /// Adds a file, or a directory without its contents; and what symlinks on the way to it
    /// lead to.
    pub(super) fn add(&mut self, path: &Path) -> Result<()> {
        let below = path
            .strip_prefix(&self.limit)
            .map_err(|_| self.outside(path))?;
        let mut at = self.limit.clone();
        let mut components = below.components();
        while let Some(component) = components.next() {
            match component {
                Component::Normal(name) => at.push(name),
                Component::ParentDir => drop(at.pop()),
                _ => {}
            }
            if !at.starts_with(&self.limit) {
                return Err(self.outside(path));
            }
            let target = fs::read_link(&at);
            if target.is_ok() || components.as_path().as_os_str().is_empty() {
                self.paths.insert(at.clone());
            }
            if let Ok(target) = target {
                at.pop();
                let real = fs::canonicalize(at.join(target))
                    .map_err(Error::io("follow the symlink", path))?;
                return self.add(&real.join(components.as_path()));
            }
        }
        Ok(())
    }

    /// Adds a file or a whole directory, symlinks as such.
    pub(super) fn add_tree(&mut self, path: &Path) -> Result<()> {
        let kind = fs::symlink_metadata(path)
            .map_err(Error::io("find", path))?
            .file_type();
        if kind.is_symlink() {
            return self.add_link(path);
        }
        self.add(path)?;
        if !kind.is_dir() {
            return Ok(());
        }
        children(path)?
            .iter()
            .try_for_each(|child| self.add_tree(child))
    }

    /// Adds what the user named, from wherever it is seen.
    pub(super) fn add_named(&mut self, path: &Path) -> Result<()> {
        let absolute = std::path::absolute(path).map_err(Error::io("find", path))?;
        let real = match (absolute.parent(), absolute.file_name()) {
            (Some(parent), Some(name)) => fs::canonicalize(parent).map(|parent| parent.join(name)),
            // It ends in `..`: a directory, and nothing else.
            _ => fs::canonicalize(&absolute),
        };
        self.add_tree(&real.map_err(Error::io("find", path))?)
    }

    /// The common ancestor of everything: this directory, unless something lies above it.
    pub(super) fn root(&self, dir: &Path) -> PathBuf {
        let holds_all = |dir: &&Path| self.paths.iter().all(|path| path.starts_with(dir));
        dir.ancestors().find(holds_all).unwrap_or(dir).to_owned()
    }

    /// Whether something exists may be asked of anything; what is not there, or lies
    /// elsewhere, cannot be carried and need not be.
    fn add_if_there(&mut self, path: &Path) -> Result<()> {
        if !path.exists() {
            return Ok(());
        }
        match self.add(path) {
            Err(Error::OutsideProject { .. }) => Ok(()),
            other => other,
        }
    }

    /// Of what a directory was found to hold, name and kind matter, not where a link leads.
    fn add_listed(&mut self, path: &Path) -> Result<()> {
        let kind = fs::symlink_metadata(path)
            .map_err(Error::io("find", path))?
            .file_type();
        if kind.is_symlink() {
            return self.add_link(path);
        }
        self.add(path)
    }

    /// Adds the files of a tree that are also in its copy, which a filter may have thinned.
    fn add_like(&mut self, path: &Path, copy: &Path) -> Result<()> {
        let is_dir = fs::symlink_metadata(copy).is_ok_and(|metadata| metadata.is_dir());
        if !is_dir {
            return self.add_tree(path);
        }
        self.add(path)?;
        for child in children(copy)? {
            if let Some(name) = child.file_name() {
                self.add_like(&path.join(name), &child)?;
            }
        }
        Ok(())
    }

    fn add_link(&mut self, path: &Path) -> Result<()> {
        if !path.starts_with(&self.limit) {
            return Err(self.outside(path));
        }
        self.paths.insert(path.to_owned());
        Ok(())
    }

    fn outside(&self, path: &Path) -> Error {
        Error::OutsideProject {
            file: path.to_owned(),
            limit: self.limit.clone(),
        }
    }
}

fn children(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).map_err(Error::io("list", dir))?;
    entries
        .map(|entry| Ok(entry.map_err(Error::io("list", dir))?.path()))
        .collect()
}
