//! The user's own nixpkgs configuration and overlays, frozen into the store where they take
//! part in an evaluation.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::nix::Nix;
use crate::nix::evaluate::{Evaluation, Recorded};
use crate::nix::search_path::{self, Frozen};
use crate::nix::user_config::{OVERLAYS, UserConfig};
use shellpack_format::bundle::manifest::NIXPKGS_CONFIG;

/// Where the configuration's files are; a configuration that *is* the project's has none.
pub(super) fn places(user: &UserConfig, shell_file: &Path) -> Vec<PathBuf> {
    let mut places = user.places();
    places.retain(|place| !shell_file.starts_with(place));
    places
}

/// What an evaluation read.
pub(super) struct Seen<'a> {
    pub(super) nix: &'a Nix,
    pub(super) plain: &'a Evaluation,
    pub(super) events: &'a [Recorded],
    /// Whether nobody's configuration is to take part, wherever it is evaluated.
    pub(super) is_flake: bool,
    pub(super) shell_file: &'a Path,
    pub(super) scratch: &'a Path,
}

impl Seen<'_> {
    /// The configuration, if it takes part: its file, and what it reads beside it.
    pub(super) fn freeze_config(&self, user: &UserConfig) -> Result<Option<Frozen>> {
        let Some(file) = user.config.as_ref().filter(|file| self.took_part(file)) else {
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

    /// Overlays in the home directory, if they take part: a file and what it reads beside it,
    /// or all of a directory, whose listing is what nixpkgs goes by.
    pub(super) fn freeze_overlays(&self, user: &UserConfig) -> Result<Option<Frozen>> {
        let Some(place) = user.overlays.as_ref().filter(|place| self.took_part(place)) else {
            return Ok(None);
        };
        let real = fs::canonicalize(place).map_err(Error::io("find", place))?;
        let source = if real.is_dir() {
            let mut files = BTreeSet::new();
            list(&real, &mut files)?;
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

    /// Nix names files by where symlinks lead, and home directories are often full of them.
    fn took_part(&self, place: &Path) -> bool {
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

    /// What was read below the directory of a file that takes part: the file alone where the
    /// project lies there as well.
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

    /// Copies files to where only they are. Symlinks become what they lead to.
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

    /// A file or directory of a stage, brought into the store with the whole stage.
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

/// Every file below a directory, through symlinks, without version control's own.
fn list(dir: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let path = entry.map_err(Error::io("list", dir))?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != ".git") {
            list(&path, files)?;
        } else if path.is_file() {
            files.insert(path);
        }
    }
    Ok(())
}
