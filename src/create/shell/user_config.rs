//! The user's own nixpkgs configuration and overlays, frozen into the store if an evaluation uses
//! them.

use std::fs;
use std::path::{Path, PathBuf};

use super::names_of_builtins::PackageSets;
use crate::create::project;
use crate::error::{BadSource, Result};
use crate::nix::environment::Environment;
use crate::nix::evaluate::{Evaluation, Recorded};
use crate::nix::expression::utf8;
use crate::nix::search_path::{self, Frozen};
use crate::nix::user_config::{OVERLAYS, UserConfig};
use crate::nix::{self, Nix};
use shellpack_format::bundle::manifest::NIXPKGS_CONFIG;

mod stage;

use stage::Stage;

/// The places of the configuration's files, without those that are of the project: the shell file is
/// there, or a symlink leads into the project.
pub(super) fn places(user: &UserConfig, shell_file: &Path) -> Vec<PathBuf> {
    let [named, mut real] = user.places();
    let project = project::whole_of(shell_file);
    real.retain(|place| !place.starts_with(&project));
    let mut places = [named, real].concat();
    places.retain(|place| !shell_file.starts_with(place));
    places
}

/// Files of the project must not read the configuration by themselves: only what nixpkgs reads is
/// frozen, and the target has another one, or none.
pub(super) fn ensure_not_read(
    events: &[Recorded],
    foreign: &[PathBuf],
    configuration: &[PathBuf],
) -> Result<()> {
    let mut package_sets = PackageSets::default();
    let mut is_own = |from: &Path| {
        let is_foreign = is_below(from, foreign) && !from.starts_with(nix::store_directory());
        !is_foreign && !package_sets.have(from)
    };
    for event in events {
        if let Some((from, file)) = event.contents_read()
            && is_below(file, configuration)
            && is_own(from)
        {
            return Err(BadSource::UserConfig {
                from: from.to_owned(),
                file: file.to_owned(),
            }
            .into());
        }
    }
    Ok(())
}

fn is_below(file: &Path, places: &[PathBuf]) -> bool {
    places.iter().any(|place| file.starts_with(place))
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
    /// Directories whose files are not the project's.
    pub(super) foreign: &'a [PathBuf],
    /// Those of them that are of the user's nixpkgs configuration.
    pub(super) configuration: &'a [PathBuf],
    /// The variables of the evaluation.
    pub(super) environment: &'a Environment,
    pub(super) scratch: &'a Path,
}

impl Seen<'_> {
    /// The configuration, if it was used: its file, and the files that it reads.
    pub(super) fn freeze_config(&self, user: &UserConfig) -> Result<Option<Frozen>> {
        self.freeze_used(user.config.as_ref(), NIXPKGS_CONFIG, "nixpkgs-config", user)
    }

    /// Overlays in the home directory, if they were used: a file and the files that it reads; or the
    /// whole of a directory, because nixpkgs lists it, and the files that those in it read.
    pub(super) fn freeze_overlays(&self, user: &UserConfig) -> Result<Option<Frozen>> {
        self.freeze_used(user.overlays.as_ref(), OVERLAYS, OVERLAYS, user)
    }

    fn freeze_used(
        &self,
        place: Option<&PathBuf>,
        name: &str,
        store_name: &str,
        user: &UserConfig,
    ) -> Result<Option<Frozen>> {
        let Some(place) = place.filter(|place| self.was_used(place)) else {
            return Ok(None);
        };
        let stage = Stage::of(self, place, user)?;
        let directory = self.scratch.join("frozen").join(store_name);
        stage.write(&directory)?;
        let root = utf8(&directory)?.to_owned();
        let frozen = search_path::freeze(self.nix, store_name.to_owned(), root)?;
        Ok(Some(Frozen {
            name: name.to_owned(),
            path: match stage.rest() {
                Some(rest) => utf8(&Path::new(&frozen.path).join(rest))?.to_owned(),
                None => frozen.path,
            },
            source: place.to_string_lossy().into_owned(),
            part_of: Some(stage.directory),
            ..frozen
        }))
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
}

/// A path without symlinks.
pub(super) fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
