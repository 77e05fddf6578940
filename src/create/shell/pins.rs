//! Pins: sources that evaluation fetched or looked up. The project pins them, or else the bundle
//! does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Surroundings;
use crate::error::{BadSource, Error, Result};
use crate::nix::Nix;
use crate::nix::evaluate::Recorded;
use crate::nix::search_path::Frozen;
use shellpack_format::bundle::manifest::Pin;
use shellpack_format::store::hash::Digest;

mod fetch;

use fetch::Fetch;

/// The pins of `<…>` look-ups, of the user's configuration, and of overrides by variables. They are
/// frozen, because no project pins them.
pub(super) fn of_surroundings(surroundings: &Surroundings) -> Vec<Pin> {
    let pin = |fetcher: String, entry: &Frozen| Pin {
        fetcher,
        // The source is left out: it would put a user name into the bundle.
        url: String::new(),
        hash: None,
        rev: None,
        store_path: entry.store_path.clone(),
        frozen: true,
        arguments: None,
        attributes: None,
        flake: None,
    };
    let look_ups = surroundings.search_path.iter();
    let look_ups = look_ups.map(|entry| pin(format!("<{}>", entry.name), entry));
    let config = surroundings.nixpkgs_config.iter();
    let config = config.map(|entry| pin(entry.name.clone(), entry));
    let overrides = surroundings.overrides.iter();
    let overrides = overrides.map(|entry| pin(entry.name.clone(), entry));
    look_ups.chain(config).chain(overrides).collect()
}

/// The pins of fetchers, each source once. If `is_replayed`, every pin includes the answer for its
/// fetcher.
pub(super) fn of_fetches(
    nix: &Nix,
    events: &[Recorded],
    project: &Path,
    is_replayed: bool,
) -> Result<Vec<Pin>> {
    let fetches: Vec<_> = events.iter().filter_map(Fetch::of).collect();
    let mut pins: Vec<_> = fetches
        .iter()
        .map(|fetch| fetch.pin(nix, project, is_replayed))
        .collect::<Result<_>>()?;
    pins.sort();
    pins.dedup();
    Ok(pins)
}

/// The pins of several shells, each source once.
pub(super) fn of_all<'a>(pins: impl Iterator<Item = &'a Vec<Pin>>) -> Vec<Pin> {
    let pins: BTreeSet<_> = pins.flatten().cloned().collect();
    pins.into_iter().collect()
}

/// Whether an event is a fetch whose result Nix by itself would not find in the store.
pub(super) fn needs_an_answer(event: &Recorded) -> bool {
    Fetch::of(event).is_some_and(|fetch| !fetch.is_found_by_nix())
}

/// Fails if two shells got different results from the same fetch: shells are evaluated one after
/// the other, and an unpinned source may change in between, but the target has one answer for each
/// fetch.
pub(super) fn ensure_unambiguous(pins: &[Pin]) -> Result<()> {
    let mut answers: BTreeMap<(&str, &Digest), &Pin> = BTreeMap::new();
    for pin in pins {
        let Some(arguments) = &pin.arguments else {
            continue;
        };
        let known = answers.entry((&pin.fetcher, arguments)).or_insert(pin);
        if (&known.store_path, &known.flake) != (&pin.store_path, &pin.flake) {
            return Err(BadSource::Changed {
                fetcher: pin.fetcher.clone(),
                url: pin.url.clone(),
                contents: format!("{}\n{}", known.store_path, pin.store_path),
            }
            .into());
        }
    }
    Ok(())
}

/// Fails at the first source that the project does not pin.
pub(super) fn ensure_locked(nix: &Nix, events: &[Recorded], search_path: &[Frozen]) -> Result<()> {
    if let Some(fetch) = events
        .iter()
        .filter_map(Fetch::of)
        .find(|fetch| !fetch.is_pinned())
    {
        return Err(fetch.unpinned(nix)?);
    }
    for event in events {
        if let Recorded::Lookup { name, from, path } = event
            && let Some(entry) = search_path.iter().find(|entry| {
                is_below(name, &entry.name) && Path::new(path).starts_with(&entry.path)
            })
        {
            return Err(unpinned_look_up(nix, from, entry));
        }
    }
    Ok(())
}

fn is_below(name: &str, entry: &str) -> bool {
    let rest = name.strip_prefix(entry);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn unpinned_look_up(nix: &Nix, from: &str, entry: &Frozen) -> Error {
    // Channels and tarballs of nixpkgs name their revision.
    let file = nix.store.join(&entry.store_path).join(".git-revision");
    let rev = std::fs::read_to_string(file).unwrap_or_default();
    let rev = Some(rev.trim()).filter(|rev| !rev.is_empty());
    BadSource::Unpinned {
        from: from.to_owned(),
        fetcher: format!("<{}>", entry.name),
        url: entry.source.clone(),
        pinned: format!(
            "  builtins.fetchTarball {{\n    url = \"https://github.com/NixOS/nixpkgs/archive/{}.tar.gz\";\n    sha256 = \"…\";\n  }}",
            rev.unwrap_or("…")
        ),
    }
    .into()
}
