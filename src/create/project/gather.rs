//! Gathers the files of a project, as absolute paths.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::nix;
use crate::nix::evaluate::Recorded;

/// Absolute paths without symlinks on the way to them, below the limit.
pub(super) struct Gathered {
    limit: PathBuf,
    /// The directory that contains all shell files.
    directory: PathBuf,
    paths: BTreeSet<PathBuf>,
    /// Symlinks out of the project whose targets are carried in another way.
    outward: BTreeSet<PathBuf>,
    /// Those of them that evaluation follows into the store.
    into_store: BTreeSet<PathBuf>,
}

impl Gathered {
    /// Starts with no files, for shells in `directory`. No path outside `limit` will be accepted.
    pub(super) fn below(limit: PathBuf, directory: &Path) -> Self {
        Self {
            limit,
            directory: directory.to_owned(),
            paths: BTreeSet::new(),
            outward: BTreeSet::new(),
            into_store: BTreeSet::new(),
        }
    }

    /// All gathered paths.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.paths.iter()
    }

    /// Symlinks that evaluation follows into the store.
    pub(super) fn links_into_store(&self) -> &BTreeSet<PathBuf> {
        &self.into_store
    }

    /// Adds the project files that a recorded event used.
    pub(super) fn add_event(
        &mut self,
        event: &Recorded,
        is_foreign: &dyn Fn(&Path) -> bool,
    ) -> Result<()> {
        match event {
            Recorded::Read { path, .. } | Recorded::Import { path, .. } if is_foreign(path) => {
                Ok(())
            }
            // A file that is only looked for or listed is not carried. A directory is, so that it is
            // there even if nothing in it is.
            Recorded::Read { reader, path, .. } if reader == "readDir" => self.add_directory(path),
            Recorded::Read { reader, .. }
                if matches!(reader.as_str(), "pathExists" | "readFileType") =>
            {
                Ok(())
            }
            // `<nix/fetchurl.nix>` is built into Nix and does not exist on disk.
            Recorded::Import { path, .. } if !path.exists() => Ok(()),
            Recorded::Read { path, .. } | Recorded::Import { path, .. } => self.add(path),
            Recorded::Copy { path, result } if !is_foreign(path) => self.add_filtered(path, result),
            _ => Ok(()),
        }
    }

    /// Adds a directory, if it is below that of the shells: no listing makes the project larger.
    fn add_directory(&mut self, path: &Path) -> Result<()> {
        if path.starts_with(&self.directory) {
            self.add(path)
        } else {
            Ok(())
        }
    }

    /// Adds a file, or a directory without its contents, and the targets of symlinks on the way to
    /// it.
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
            if self.outward.contains(&at) {
                return Ok(());
            }
            if let Ok(target) = target {
                let link = at.clone();
                at.pop();
                let next = at.join(target);
                let real =
                    fs::canonicalize(&next).map_err(Error::io("follow the symlink", path))?;
                if next.starts_with(nix::store_directory()) {
                    self.into_store.insert(link);
                    return Ok(());
                }
                // It may lead to another link, unless the way leaves the project.
                return match self.add(&next.join(components.as_path())) {
                    Err(Error::OutsideProject { .. }) => self.add(&real.join(components.as_path())),
                    other => other,
                };
            }
        }
        Ok(())
    }

    /// Adds a file or a whole directory. Symlinks are not followed.
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

    /// Adds a path that the user named, relative to the current directory.
    pub(super) fn add_named(&mut self, path: &Path) -> Result<()> {
        let absolute = std::path::absolute(path).map_err(Error::io("find", path))?;
        let real = match (absolute.parent(), absolute.file_name()) {
            (Some(parent), Some(name)) => fs::canonicalize(parent).map(|parent| parent.join(name)),
            // The path ends in `..`, so it is a directory.
            _ => fs::canonicalize(&absolute),
        };
        self.add_tree(&real.map_err(Error::io("find", path))?)
    }

    /// The common ancestor of all paths and of this directory.
    pub(super) fn root(&self, dir: &Path) -> PathBuf {
        let holds_all = |dir: &&Path| self.paths.iter().all(|path| path.starts_with(dir));
        dir.ancestors().find(holds_all).unwrap_or(dir).to_owned()
    }

    /// Adds the files of a tree that its copy in the store has, too: a filter may have left others
    /// out.
    fn add_filtered(&mut self, path: &Path, copy: &Path) -> Result<()> {
        let is_dir = fs::symlink_metadata(copy).is_ok_and(|metadata| metadata.is_dir());
        if !is_dir {
            return self.add_tree(path);
        }
        self.add(path)?;
        for child in children(copy)? {
            if let Some(name) = child.file_name() {
                self.add_filtered(&path.join(name), &child)?;
            }
        }
        Ok(())
    }

    /// Adds a symlink whose target is carried in another way.
    pub(super) fn add_outward(&mut self, link: &Path) -> Result<()> {
        self.outward.insert(link.to_owned());
        self.add_link(link)
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
