//! The rules for a manifest beyond the types of its fields (`bundle-format.md`,
//! section 4.3).

use std::collections::BTreeSet;

use serde::Deserialize;

use super::parse::shortened;
use super::{
    Manifest, NEEDS_ANSWERS, NEEDS_DELTA, NEEDS_FLAKE, NEEDS_NO_EVAL, NEEDS_REPLAY, RelativePath,
};
use crate::bundle::{BadBundle, FORMAT};
use crate::store::store_path::StorePath;

mod closure;
mod delta;
mod pins;
mod project;
mod shells;

/// The needs that this crate knows.
const KNOWN_NEEDS: [&str; 5] = [
    NEEDS_REPLAY,
    NEEDS_ANSWERS,
    NEEDS_NO_EVAL,
    NEEDS_FLAKE,
    NEEDS_DELTA,
];

/// The store paths of a bundle.
type Paths<'a> = BTreeSet<&'a StorePath>;

/// The fields that come before all others.
#[derive(Deserialize)]
pub(super) struct Head {
    format: u64,
    #[serde(default)]
    needs: Vec<String>,
}

/// Refuses newer formats, and unknown needs by name. This comes first, since the rest of a newer
/// manifest may look different.
pub(super) fn ensure_readable(head: Head) -> Result<(), BadBundle> {
    if head.format == 0 {
        return bad("there is no format 0");
    }
    if head.format > u64::from(FORMAT) {
        return Err(BadBundle::NewerFormat { found: head.format });
    }
    match head
        .needs
        .into_iter()
        .find(|need| !KNOWN_NEEDS.contains(&need.as_str()))
    {
        Some(need) => Err(BadBundle::UnknownNeed(shortened(&need))),
        None => Ok(()),
    }
}

/// Checks every rule that later code relies on.
pub(super) fn ensure_consistent(manifest: &Manifest) -> Result<(), BadBundle> {
    closure::ensure_ordered(&manifest.closure)?;
    delta::ensure_delta(manifest)?;
    closure::ensure_segments(manifest)?;
    delta::ensure_prefixes(manifest)?;
    project::ensure_project(&manifest.project)?;
    let paths = manifest.closure.paths.iter();
    let paths: Paths<'_> = paths.map(|path| &path.path).collect();
    shells::ensure_shells(manifest, &paths)?;
    ensure_inside(manifest.tools.all(), manifest, &paths)?;
    pins::ensure_pins(&manifest.pins, &paths)?;
    let answers = manifest.answers.as_ref();
    if let Some(fault) = answers.and_then(|answers| answers.fault(&manifest.project)) {
        return bad(fault);
    }
    ensure_needs(manifest)
}

/// Checks that the needs are those of what the manifest has.
fn ensure_needs(manifest: &Manifest) -> Result<(), BadBundle> {
    let is_replayed = manifest.pins.iter().any(|pin| pin.arguments.is_some());
    let is_answered = manifest.answers.is_some();
    let is_flake = manifest.shells.iter().any(|shell| shell.flake.is_some());
    for (need, is_there, what) in [
        (NEEDS_REPLAY, is_replayed, "pins"),
        (NEEDS_ANSWERS, is_answered, "answers"),
        (NEEDS_FLAKE, is_flake, "shells"),
        (NEEDS_DELTA, manifest.delta.is_some(), "delta"),
    ] {
        if is_there != manifest.needs.iter().any(|stated| stated == need) {
            return bad(format!("its {what} and its needs contradict each other"));
        }
    }
    if manifest.is_no_eval() && (is_answered || !manifest.pins.is_empty()) {
        return bad("it has pins or answers although its shells are not evaluated");
    }
    Ok(())
}

/// Checks that files are in carried store paths.
fn ensure_inside<'a>(
    files: impl IntoIterator<Item = &'a String>,
    manifest: &Manifest,
    paths: &Paths<'_>,
) -> Result<(), BadBundle> {
    for file in files {
        let inside = manifest.closure.store.containing(file);
        if !inside.is_some_and(|(path, rest)| paths.contains(&path) && is_plain_rest(rest)) {
            return bad(format!("{file} is not in a store path of the bundle"));
        }
    }
    Ok(())
}

/// Whether the text behind a store path is empty, or a path that stays below it.
fn is_plain_rest(rest: &str) -> bool {
    let below = rest.strip_prefix('/');
    let plain = |below| RelativePath::parse(below).is_ok() && !rest.contains(char::is_control);
    rest.is_empty() || below.is_some_and(plain)
}

fn bad<T>(what: impl Into<String>) -> Result<T, BadBundle> {
    Err(BadBundle::Manifest(shortened(&what.into())))
}
