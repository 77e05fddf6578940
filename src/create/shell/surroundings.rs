//! The surroundings of an evaluation: the search path and the user's configuration, frozen into the
//! store if evaluation uses them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::environment::{self, Values};
use super::reach::Reach;
use super::user_config::Seen;
use crate::error::Result;
use crate::nix::Nix;
use crate::nix::evaluate::{Recorded, Request};
use crate::nix::expression::utf8;
use crate::nix::search_path::{self, Frozen, PathEntry};
use crate::nix::user_config::{OVERLAYS, UserConfig};
use crate::redact;
use shellpack_format::bundle::manifest::{NIXPKGS_CONFIG, nix_path};

/// The parts of the machine, rather than of the project, that evaluation uses, frozen into the
/// store.
#[derive(Debug, Clone, Default)]
pub(in crate::create) struct Surroundings {
    /// The entries of `NIX_PATH`, in the user's order: several may have one name.
    pub(in crate::create) search_path: Vec<Frozen>,
    /// The user's nixpkgs configuration.
    pub(in crate::create) nixpkgs_config: Option<Frozen>,
    /// Sources that variables put in the place of pinned ones. The name is the variable's.
    pub(in crate::create) overrides: Vec<Frozen>,
    /// Whether evaluation looks for such a configuration, even if there is none.
    pub(in crate::create) takes_user_config: bool,
}

impl Surroundings {
    /// Copies everything that an evaluation used from the machine into the store.
    pub(super) fn freeze(
        seen: &Seen<'_>,
        entries: &[PathEntry],
        user: &UserConfig,
    ) -> Result<Self> {
        let mut placed = freeze(seen, entries, user)?;
        freeze_unseen(seen, entries, &mut placed)?;
        let mut search_path: Vec<_> = placed.into_values().collect();
        if !search_path.iter().any(|known| known.name == OVERLAYS) {
            search_path.extend(seen.freeze_overlays(user)?);
        }
        Ok(Self {
            nixpkgs_config: seen.freeze_config(user)?,
            overrides: freeze_overrides(seen)?,
            takes_user_config: seen.is_flake || takes_user_config(seen.events),
            search_path,
        })
    }

    /// All frozen sources.
    pub(super) fn frozen(&self) -> impl Iterator<Item = &Frozen> {
        let look_ups = self.search_path.iter().chain(&self.nixpkgs_config);
        look_ups.chain(&self.overrides)
    }

    /// The places of all frozen sources, before and after: as they are named, and without symlinks.
    pub(super) fn moved(&self) -> impl Iterator<Item = (String, String)> {
        self.frozen().flat_map(|frozen| {
            let real = std::fs::canonicalize(&frozen.source).ok();
            let real = real.and_then(|real| real.to_str().map(str::to_owned));
            let places = [Some(frozen.source.clone()), real];
            let places = places.into_iter().flatten();
            places.map(|place| (place, frozen.path.clone()))
        })
    }

    /// Lines that tell the user what is frozen.
    pub(super) fn frozen_lines(&self) -> Vec<String> {
        let look_ups = self.search_path.iter().map(|frozen| {
            format!(
                "<{}> is frozen: {} as {}",
                frozen.name,
                redact::text(&frozen.source),
                frozen.store_path
            )
        });
        let config = self.nixpkgs_config.iter().map(|frozen| {
            format!(
                "your nixpkgs configuration is used, and frozen: {}",
                frozen.source
            )
        });
        let overrides = self.overrides.iter().map(|frozen| {
            format!(
                "{} overrides a pinned source, and is frozen: {} as {}",
                frozen.name, frozen.source, frozen.store_path
            )
        });
        look_ups.chain(config).chain(overrides).collect()
    }

    /// The request in these surroundings.
    pub(super) fn applied_to<'a>(&self, request: &Request<'a>) -> Request<'a> {
        let mut request = request.clone();
        if !self.search_path.is_empty() {
            let entries = self.search_path.iter();
            let entries = entries.map(|entry| (entry.name.as_str(), entry.path.as_str()));
            request.include = &[];
            request.nix_path = Some(nix_path(entries));
        }
        if let Some(file) = &self.nixpkgs_config {
            request.nixpkgs_config = Some(file.path.clone());
        }
        request.environment = request.environment.with_all(self.override_variables());
        request
    }

    /// The variables that name the frozen overrides.
    pub(super) fn override_variables(&self) -> Values {
        let overrides = self.overrides.iter();
        let variables = overrides.map(|frozen| (frozen.name.clone(), frozen.path.clone()));
        variables.collect()
    }

    /// Whether a file was frozen, so that the shell has it in the store instead.
    pub(super) fn has(&self, nix: &Nix, file: &Path) -> bool {
        let file = BTreeSet::from([file.to_owned()]);
        !self.frozen_files(nix, &file).is_empty()
    }

    /// The paths of files after the source that they are in was frozen.
    pub(super) fn frozen_files(&self, nix: &Nix, files: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for frozen in self.frozen() {
            let (from, to) = if let Some(directory) = &frozen.part_of {
                (directory.clone(), nix.store.join(&frozen.store_path))
            } else if let Ok(real) = std::fs::canonicalize(&frozen.source) {
                (real, PathBuf::from(&frozen.path))
            } else {
                continue;
            };
            let below = files
                .iter()
                .filter_map(|file| file.strip_prefix(&from).ok());
            found.extend(below.map(|rest| to.join(rest)));
        }
        found.retain(|file| file.exists());
        found
    }
}

/// Whether nixpkgs looked for a configuration or overlays by itself, because the project did not
/// pass any.
fn takes_user_config(events: &[Recorded]) -> bool {
    events.iter().any(|event| match event {
        Recorded::Environment { name, .. } => name == NIXPKGS_CONFIG,
        Recorded::Search { name, .. } => name == OVERLAYS,
        _ => false,
    })
}

/// Frozen entries by their place in the search path. One without prefix may have several names.
type Placed = BTreeMap<(usize, String), Frozen>;

fn freeze(seen: &Seen<'_>, entries: &[PathEntry], user: &UserConfig) -> Result<Placed> {
    let mut answers = BTreeMap::new();
    for event in seen.events {
        // `<nix/…>` are files built into Nix.
        if let Recorded::Lookup { name, path, .. } = event
            && let Some(answer) = search_path::resolve(entries, (name, path), &seen.nix.options)
        {
            answers.insert((answer.place, answer.name), answer.source);
        }
    }
    let reach = Reach::new(seen, answers.values(), user.places().concat());
    let mut placed = Placed::new();
    for ((place, name), source) in answers.clone() {
        let mut frozen = reach.freeze(name.clone(), source)?;
        let entry = &entries[place].path;
        if search_path::is_url(entry) {
            frozen.source.clone_from(entry);
        }
        placed.insert((place, name), frozen);
    }
    Ok(placed)
}

/// The beginnings of variables by which npins and niv take a local source instead of the
/// pinned one.
const OVERRIDES: [&str; 2] = ["NPINS_OVERRIDE_", "NIV_OVERRIDE_"];

/// Freezes the sources that variables name in the place of pinned ones.
fn freeze_overrides(seen: &Seen<'_>) -> Result<Vec<Frozen>> {
    let read = environment::read(seen.events).into_iter();
    let named = read.filter(|name| OVERRIDES.iter().any(|prefix| name.starts_with(prefix)));
    let set = named.filter_map(|name| {
        let value = seen
            .environment
            .get(&name)
            .filter(|value| !value.is_empty())?;
        // Both tools take a relative one as below PWD.
        let directory = seen.environment.get("PWD").unwrap_or("/");
        let path = Path::new(directory).join(value);
        path.exists().then_some((name, path))
    });
    set.map(|(name, path)| search_path::freeze(seen.nix, name, utf8(&path)?.to_owned()))
        .collect()
}

/// Freezes entries whose look-up the recorder did not see. Nix's log names their files.
fn freeze_unseen(seen: &Seen<'_>, entries: &[PathEntry], placed: &mut Placed) -> Result<()> {
    let named = entries.iter().enumerate();
    for (place, entry) in named.filter(|(_, entry)| !entry.prefix.is_empty()) {
        let Ok(real) = std::fs::canonicalize(&entry.path) else {
            continue;
        };
        let evaluated = &seen.plain.evaluated;
        let was_used = evaluated
            .iter()
            .any(|file| file.starts_with(&real) || file.starts_with(&entry.path));
        // The project's files are evaluated anyway.
        if !was_used || seen.shell_file.starts_with(&real) {
            continue;
        }
        let name = entry.prefix.clone();
        if let Entry::Vacant(vacant) = placed.entry((place, name.clone())) {
            vacant.insert(search_path::freeze(seen.nix, name, entry.path.clone())?);
        }
    }
    Ok(())
}
