//! How far a project extends.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The innermost directory that contains all shell files.
pub(super) fn top(files: &[&Path]) -> Result<PathBuf> {
    let mut dirs = files.iter().filter_map(|file| file.parent());
    let first = dirs.next().unwrap_or(Path::new("/"));
    let holds_all = |dir: &&Path| files.iter().all(|file| file.starts_with(dir));
    let top = first.ancestors().find(holds_all).unwrap_or(first);
    // Shells that share only the root of the file system are not one project.
    if top.parent().is_none() && top != first {
        let limit = limit(first);
        let outside = files.iter().find(|file| !file.starts_with(&limit));
        return Err(Error::OutsideProject {
            file: outside.unwrap_or(&first).to_path_buf(),
            limit,
        });
    }
    Ok(top.to_owned())
}

/// The outermost directory that the project may extend to: the top of its git repository, else the
/// home directory, else the directory below a top-level one.
pub(super) fn limit(dir: &Path) -> PathBuf {
    if let Some(git) = repository(dir) {
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

/// The directory that has all of the project of a shell file: its git repository, or its directory.
pub(in crate::create) fn whole_of(file: &Path) -> PathBuf {
    let directory = file.parent().unwrap_or(file);
    repository(directory).unwrap_or(directory).to_owned()
}

/// The top of the git repository that a directory is in.
pub(in crate::create) fn repository(dir: &Path) -> Option<&Path> {
    dir.ancestors().find(|dir| dir.join(".git").exists())
}
