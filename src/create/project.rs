//! The project's files: what evaluation read, and what derivations copy.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::shell::is_project_file;
use crate::bundle::manifest::{self, EntryPath, FileKind, ProjectFile};
use crate::error::{Error, Result};
use crate::nix::evaluate::{Evaluation, Recorded, utf8};

/// The files of a project, read and digested.
#[derive(Debug, Clone)]
pub(super) struct Project {
    /// The directory that they are relative to.
    pub(super) root: PathBuf,
    /// As the manifest has them.
    pub(super) entries: manifest::Project,
    /// Directories that evaluation copies into the store as a whole.
    pub(super) copied: Vec<PathBuf>,
}

/// Gathers the files of a shell: those that its evaluation touched, and `extra` ones.
pub(super) fn collect(
    shell_file: &Path,
    evaluation: &Evaluation,
    foreign: &[PathBuf],
    extra: &[PathBuf],
) -> Result<Project> {
    let limit = limit(shell_file);
    let mut gathered = Gathered {
        limit,
        paths: BTreeSet::new(),
    };
    gathered.add(shell_file)?;
    for file in evaluation
        .evaluated
        .iter()
        .filter(|file| is_project_file(file, foreign))
    {
        gathered.add(file)?;
    }
    let in_store = |path: &Path| foreign.iter().any(|dir| path.starts_with(dir));
    for tree in evaluation.copied.iter().filter(|tree| !in_store(tree)) {
        gathered.add_tree(tree)?;
    }
    for event in &evaluation.events {
        gathered.add_event(event, &in_store)?;
    }
    for path in extra {
        gathered.add_tree(&std::path::absolute(path).map_err(Error::io("find", path))?)?;
    }
    let root = gathered.root(shell_file);
    let copied: Vec<_> = copied(evaluation)
        .filter(|tree| tree.is_dir() && !in_store(tree))
        .cloned()
        .collect();
    let directory = match root.file_name() {
        Some(name) if copied.contains(&root) => Some(utf8(Path::new(name))?.to_owned()),
        _ => None,
    };
    let files = gathered.read(&root)?;
    Ok(Project {
        root,
        entries: manifest::Project { directory, files },
        copied,
    })
}

/// Everything that evaluation copied: seen by Nix's log, or by the recorder.
fn copied(evaluation: &Evaluation) -> impl Iterator<Item = &PathBuf> {
    let recorded = evaluation.events.iter().filter_map(|event| match event {
        Recorded::Copy { path, .. } => Some(path),
        _ => None,
    });
    evaluation.copied.iter().chain(recorded)
}

/// How far up the project may reach: to the top of its git repository, else the home
/// directory, else the directory below the file system's top-level ones.
fn limit(shell_file: &Path) -> PathBuf {
    let dir = shell_file.parent().unwrap_or(shell_file);
    if let Some(git) = dir.ancestors().find(|dir| dir.join(".git").exists()) {
        return git.to_owned();
    }
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .and_then(|home| fs::canonicalize(home).ok());
    if let Some(home) = home.filter(|home| dir.starts_with(home) && home.parent().is_some()) {
        return home;
    }
    dir.ancestors()
        .filter(|dir| dir.components().count() > 2)
        .last()
        .unwrap_or(dir)
        .to_owned()
}

struct Gathered {
    limit: PathBuf,
    /// Absolute paths, none of which leads through a symlink below the limit.
    paths: BTreeSet<PathBuf>,
}

impl Gathered {
    fn add_event(&mut self, event: &Recorded, in_store: &dyn Fn(&Path) -> bool) -> Result<()> {
        match event {
            Recorded::Read { reader, path } if reader == "pathExists" => {
                // Whether something outside exists may be asked; what is not there needs no carrying.
                if path.exists() && path.starts_with(&self.limit) {
                    self.add(path)
                } else {
                    Ok(())
                }
            }
            Recorded::Read { reader, path } if reader == "readDir" => {
                self.add(path)?;
                children(path)?.iter().try_for_each(|child| self.add(child))
            }
            Recorded::Read { path, .. } => self.add(path),
            Recorded::Copy { path, result } if !in_store(path) => self.add_like(path, result),
            _ => Ok(()),
        }
    }

    /// Adds a file, or a directory without its contents; and what symlinks on the way to it
    /// lead to.
    fn add(&mut self, path: &Path) -> Result<()> {
        let outside = || Error::OutsideProject {
            file: path.to_owned(),
            limit: self.limit.clone(),
        };
        let below = path
            .strip_prefix(&self.limit)
            .map_err(|_| outside())?
            .to_owned();
        let mut at = self.limit.clone();
        let mut components = below.components();
        while let Some(component) = components.next() {
            match component {
                Component::Normal(name) => at.push(name),
                Component::ParentDir => drop(at.pop()),
                _ => {}
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
    fn add_tree(&mut self, path: &Path) -> Result<()> {
        if !fs::symlink_metadata(path)
            .map_err(Error::io("find", path))?
            .is_dir()
        {
            return if path.is_symlink() {
                self.add_link(path)
            } else {
                self.add(path)
            };
        }
        self.add(path)?;
        children(path)?
            .iter()
            .try_for_each(|child| self.add_tree(child))
    }

    /// Adds the files of a tree that are also in its copy, which a filter may have thinned.
    fn add_like(&mut self, path: &Path, copy: &Path) -> Result<()> {
        if !copy.is_dir() {
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
        let inside = path.starts_with(&self.limit);
        self.paths.insert(path.to_owned());
        if inside {
            Ok(())
        } else {
            Err(Error::OutsideProject {
                file: path.to_owned(),
                limit: self.limit.clone(),
            })
        }
    }

    /// The common ancestor of everything: the shell file's directory, unless something lies
    /// above it.
    fn root(&self, shell_file: &Path) -> PathBuf {
        let dir = shell_file.parent().unwrap_or(shell_file);
        let holds_all = |dir: &&Path| self.paths.iter().all(|path| path.starts_with(dir));
        dir.ancestors().find(holds_all).unwrap_or(dir).to_owned()
    }

    /// Reads everything below the root into the manifest's form, with the directories on
    /// the way.
    fn read(&self, root: &Path) -> Result<Vec<ProjectFile>> {
        let mut files = BTreeMap::new();
        for path in &self.paths {
            for part in path.ancestors().take_while(|part| *part != root) {
                let Ok(relative) = part.strip_prefix(root) else {
                    break;
                };
                let relative = relative
                    .to_str()
                    .and_then(|text| EntryPath::parse(text).ok());
                let relative = relative.ok_or_else(|| Error::NotUtf8(part.to_owned()))?;
                if files.contains_key(&relative) {
                    break;
                }
                files.insert(relative, read(part)?);
            }
        }
        Ok(files
            .into_iter()
            .map(|(path, kind)| ProjectFile { path, kind })
            .collect())
    }
}

fn children(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).map_err(Error::io("list", dir))?;
    entries
        .map(|entry| Ok(entry.map_err(Error::io("list", dir))?.path()))
        .collect()
}

fn read(path: &Path) -> Result<FileKind> {
    let metadata = fs::symlink_metadata(path).map_err(Error::io("read", path))?;
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_dir() {
        return Ok(FileKind::Directory { mode });
    }
    if metadata.is_symlink() {
        let target = fs::read_link(path).map_err(Error::io("read the symlink", path))?;
        return Ok(FileKind::Symlink {
            target: utf8(&target)?.to_owned(),
        });
    }
    if !metadata.is_file() {
        return Err(Error::SpecialFile(path.to_owned()));
    }
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    let mut hasher = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match std::io::Read::read(&mut file, &mut buffer).map_err(Error::io("read", path))? {
            0 => {
                return Ok(FileKind::File {
                    mode,
                    size,
                    digest: hasher.into(),
                });
            }
            n => {
                hasher.update(&buffer[..n]);
                size += n as u64;
            }
        }
    }
}
