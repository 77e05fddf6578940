//! The user's own nixpkgs configuration and overlays, frozen into the store if an evaluation uses
//! them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::nix::Nix;
use crate::nix::environment::Environment;
use crate::nix::evaluate::{Evaluation, Recorded};
use crate::nix::search_path::{self, Frozen};
use crate::nix::user_config::{OVERLAYS, UserConfig};
use shellpack_format::bundle::manifest::NIXPKGS_CONFIG;

/// The places of the configuration's files, without those that the shell file is in: there, the
/// configuration is the project itself.
pub(super) fn places(user: &UserConfig, shell_file: &Path) -> Vec<PathBuf> {
    let mut places = user.places();
    places.retain(|place| !shell_file.starts_with(place));
    places
}

/// An evaluation, and how to find out which configuration it used.
pub(super) struct Seen<'a> {
    pub(super) nix: &'a Nix,
    pub(super) plain: &'a Evaluation,
    pub(super) events: &'a [Recorded],
    /// Whether the shell belongs to a flake, so that no user's configuration is used on any
    /// machine.
    pub(super) is_flake: bool,
    pub(super) shell_file: &'a Path,
    /// The variables of the evaluation.
    pub(super) environment: &'a Environment,
    pub(super) scratch: &'a Path,
}

impl Seen<'_> {
    /// The configuration, if it was used: its file, and the files beside it that it reads.
    pub(super) fn freeze_config(&self, user: &UserConfig) -> Result<Option<Frozen>> {
        let Some(file) = user.config.as_ref().filter(|file| self.was_used(file)) else {
            return Ok(None);
        };
        let real = fs::canonicalize(file).map_err(Error::io("find", file))?;
        let (Some(dir), Some(name)) = (real.parent(), real.file_name()) else {
            return Ok(None);
        };
        let source = self.stage("nixpkgs-config", dir, self.read_beside(&real))?;
        let mut frozen = self.frozen(NIXPKGS_CONFIG, "nixpkgs-config", &source.join(name))?;
        frozen.source = file.display().to_string();
        Ok(Some(frozen))
    }

    /// Overlays in the home directory, if they were used: a file and the files beside it that it
    /// reads; or the whole of a directory, because nixpkgs lists it.
    pub(super) fn freeze_overlays(&self, user: &UserConfig) -> Result<Option<Frozen>> {
        let Some(place) = user.overlays.as_ref().filter(|place| self.was_used(place)) else {
            return Ok(None);
        };
        let real = fs::canonicalize(place).map_err(Error::io("find", place))?;
        let source = if real.is_dir() {
            let mut files = BTreeSet::new();
            list_files(&real, &mut files)?;
            self.stage(OVERLAYS, &real, files)?
        } else {
            let (Some(dir), Some(name)) = (real.parent(), real.file_name()) else {
                return Ok(None);
            };
            let staged = self.stage(OVERLAYS, dir, self.read_beside(&real))?;
            staged.join(name)
        };
        let mut frozen = self.frozen(OVERLAYS, OVERLAYS, &source)?;
        frozen.source = place.display().to_string();
        Ok(Some(frozen))
    }

    /// Whether the log names files at this place. Nix resolves symlinks, which home directories are
    /// often full of.
    fn was_used(&self, place: &Path) -> bool {
        let mut places = vec![place.to_owned()];
        let below = fs::read_dir(place).into_iter().flatten().flatten();
        places.extend(below.map(|entry| entry.path()));
        let real: Vec<_> = places
            .iter()
            .filter_map(|place| fs::canonicalize(place).ok())
            .collect();
        places.extend(real);
        let evaluated = &self.plain.evaluated;
        evaluated
            .iter()
            .any(|file| places.iter().any(|place| file.starts_with(place)))
    }

    /// The files that evaluation read below the directory of a configuration file. If the project
    /// is in the same directory, only the file itself.
    fn read_beside(&self, file: &Path) -> BTreeSet<PathBuf> {
        let dir = file.parent().unwrap_or(file);
        if self.shell_file.starts_with(dir) {
            return BTreeSet::from([file.to_owned()]);
        }
        let read = self.events.iter().filter_map(|event| match event {
            Recorded::Read { path, .. } => Some(path),
            _ => None,
        });
        let files = self.plain.evaluated.iter().chain(read);
        let below = files.filter(|file| file.starts_with(dir) && file.is_file());
        below.cloned().collect()
    }

    /// Copies files to a directory that holds nothing else. Symlinks become the files that they
    /// lead to.
    fn stage(&self, name: &str, dir: &Path, files: BTreeSet<PathBuf>) -> Result<PathBuf> {
        let stage = self.scratch.join("frozen").join(name);
        for file in files {
            let Ok(below) = file.strip_prefix(dir) else {
                continue;
            };
            let target = stage.join(below);
            let parent = target.parent().unwrap_or(&stage);
            fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
            fs::copy(&file, &target).map_err(Error::io("copy", &file))?;
        }
        Ok(stage)
    }

    /// Copies a stage into the store, and names a file or directory of it.
    fn frozen(&self, name: &str, stage: &str, file: &Path) -> Result<Frozen> {
        let root = self.scratch.join("frozen").join(stage);
        let frozen = search_path::freeze(self.nix, stage.to_owned(), root.display().to_string())?;
        let path = match file.strip_prefix(&root) {
            Ok(rest) if !rest.as_os_str().is_empty() => {
                format!("{}/{}", frozen.path, rest.display())
            }
            _ => frozen.path.clone(),
        };
        let name = name.to_owned();
        Ok(Frozen {
            name,
            path,
            ..frozen
        })
    }
}

/// Lists every file below a directory, follows symlinks, and leaves out `.git`.
fn list_files(dir: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let path = entry.map_err(Error::io("list", dir))?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != ".git") {
            list_files(&path, files)?;
        } else if path.is_file() {
            files.insert(path);
        }
    }
    Ok(())
}
