//! The project's files: what evaluation read, and what derivations copy.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::shell::is_project_file;
use crate::bundle::manifest::{self, EntryPath, FileKind, ProjectFile};
use crate::error::{Error, Result};
use crate::nix::evaluate::{Evaluation, Recorded, utf8};

mod gather;

use gather::Gathered;

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
    let mut gathered = Gathered::below(limit(shell_file));
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
        gathered.add_named(path)?;
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
    let files = entries(&gathered, &root)?;
    Ok(Project {
        root,
        entries: manifest::Project { directory, files },
        copied,
    })
}

/// What is left of a project that nobody evaluates: the shell file, whose directory is entered,
/// and what the user names, which a `shellHook` may read.
pub(super) fn without_evaluation(shell_file: &Path, extra: &[PathBuf]) -> Result<Project> {
    collect(shell_file, &Evaluation::default(), &[], extra)
}

/// Every directory whose content the next evaluation will see: copied according to Nix's
/// log, or copied or listed according to the recorder.
fn copied(evaluation: &Evaluation) -> impl Iterator<Item = &PathBuf> {
    let recorded = evaluation.events.iter().filter_map(|event| match event {
        Recorded::Copy { path, .. } => Some(path),
        Recorded::Read { reader, path, .. } if reader == "readDir" => Some(path),
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

/// Reads everything below the root into the manifest's form, with the directories on the way.
fn entries(gathered: &Gathered, root: &Path) -> Result<Vec<ProjectFile>> {
    let mut files = BTreeMap::new();
    for path in gathered.paths() {
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
