//! The directory where `create` was typed. nix-shell enters a shell there, wherever its file is: so the
//! `shellHook` of `nix-shell nix/shell.nix` reads its files from the directory above. Several shells in
//! several directories are entered in their own ones.

use std::fs;
use std::path::{Path, PathBuf};

use super::gather::Gathered;
use crate::error::Result;
use crate::rehearse::visit::GIT;

/// Whether a directory belongs to the project in `whole`, so that the target has it. A home directory
/// does not, whatever a repository of it has.
pub(super) fn is_of_project(here: &Path, whole: &Path) -> bool {
    let home = std::env::var_os("HOME").and_then(|home| fs::canonicalize(home).ok());
    let is_git = |part: &std::ffi::OsStr| part == GIT;
    here.starts_with(whole) && home.as_deref() != Some(here) && !here.iter().any(is_git)
}

/// Adds the directory, and returns the root of a project whose shells are in `top`.
pub(super) fn add(here: &Path, gathered: &mut Gathered, top: &Path) -> Result<PathBuf> {
    gathered.add(here)?;
    let root = gathered.root(top);
    let around = root.ancestors().find(|dir| here.starts_with(dir));
    Ok(around.unwrap_or(&root).to_owned())
}
