//! Which of the target's paths is most alike one that is carried.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::Candidate;
use super::known::Known;
use crate::error::{Error, Result};
use crate::report::Report;
use crate::tree::dump::Dump;
use shellpack_format::bundle::manifest::{Closure, Manifest};
use shellpack_format::store::package_name::PackageName;
use shellpack_format::store::store_path::StorePath;

/// The least NAR for which another base than one of its name is looked for: smaller ones have little to
/// gain.
const WORTH_READING: u64 = 128 << 10;
/// The most paths whose contents are compared with each other.
const MOST_SAMPLED: usize = 200;
/// How much of each of several places of a NAR is read for comparing it.
const SAMPLE: u64 = 1 << 20;
const SAMPLES: u64 = 4;
/// A sample is cut into pieces by its contents, of this many bytes on average.
const PIECE_MASK: u64 = (1 << 11) - 1;
/// The share of common pieces from which on one is worth being a base of the other, as one in so many.
const WORTH_SHARING: usize = 10;

/// The name of a package and of its output: the version does not matter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kin {
    package: String,
    output: String,
}

impl Kin {
    fn of(path: &StorePath) -> Self {
        let name = PackageName::of(path.name());
        Self {
            package: name.package.to_owned(),
            output: name.output.to_owned(),
        }
    }

    /// Without the digits of the package's name, which often is of another package's version:
    /// `python3.12-requests`.
    fn loosely(&self) -> Self {
        let package = self.package.chars();
        Self {
            package: package
                .filter(|c| !c.is_ascii_digit() && *c != '.')
                .collect(),
            output: self.output.clone(),
        }
    }
}

/// The paths of the target that could be bases: kin of what is carried, and, for large paths that have
/// none, all that have no successor.
pub(super) fn candidates(
    manifest: &Manifest,
    presumed: &[bool],
    known: &Known,
) -> BTreeSet<StorePath> {
    let paths = manifest.closure.paths.iter();
    let carried = paths.zip(presumed).filter(|(_, presumed)| !**presumed);
    let kin: BTreeSet<_> = carried
        .clone()
        .map(|(path, _)| Kin::of(&path.path).loosely())
        .collect();
    let mut found: BTreeSet<_> = known
        .paths()
        .map(|(path, _)| path)
        .filter(|path| kin.contains(&Kin::of(path).loosely()))
        .cloned()
        .collect();
    let known_kin: BTreeSet<_> = found.iter().map(|path| Kin::of(path).loosely()).collect();
    let is_alone = |path: &StorePath| !known_kin.contains(&Kin::of(path).loosely());
    let alone = carried
        .filter(|(path, _)| path.nar_size >= WORTH_READING && is_alone(&path.path))
        .map(|(path, _)| path.nar_size);
    let alone: Vec<_> = alone.collect();
    if !alone.is_empty() {
        let still_there: BTreeSet<_> = manifest.closure.paths.iter().map(|it| &it.path).collect();
        let others = known.paths().filter(|(path, size)| {
            *size >= WORTH_READING
                && !path.is_derivation()
                && !found.contains(*path)
                && !still_there.contains(*path)
        });
        let mut others: Vec<_> = others.collect();
        others.sort_by_key(|(_, size)| unlikeness(*size, &alone));
        let others: Vec<_> = others.iter().take(MOST_SAMPLED).collect();
        found.extend(others.into_iter().map(|(path, _)| (*path).clone()));
    }
    found
}

/// How far a size is from the nearest of these, in thousandths of that one: a renamed package has about
/// the size that it had.
fn unlikeness(size: u64, wanted: &[u64]) -> u64 {
    let share = |wanted: &u64| size.abs_diff(*wanted).saturating_mul(1000) / (*wanted).max(1);
    wanted.iter().map(share).min().unwrap_or(u64::MAX)
}

/// The base of each carried path that has one, by the path's index.
pub(super) fn choose(
    manifest: &Manifest,
    presumed: &[bool],
    there: &BTreeMap<StorePath, Candidate>,
    report: &Report,
) -> Result<BTreeMap<usize, StorePath>> {
    let by_kin = Families::of(there.values());
    let paths = manifest.closure.paths.iter().enumerate();
    let mut chosen = BTreeMap::new();
    let mut alone = Vec::new();
    for (index, path) in paths.filter(|(index, _)| !presumed[*index]) {
        match by_kin.nearest(&path.path, path.nar_size) {
            Some(base) => drop(chosen.insert(index, base.clone())),
            None if path.nar_size >= WORTH_READING => alone.push(index),
            None => {}
        }
    }
    let used: BTreeSet<_> = chosen.values().cloned().collect();
    let free = there.values().filter(|it| !used.contains(&it.info.path));
    let free: Vec<_> = free
        .filter(|it| it.info.nar_size >= WORTH_READING)
        .collect();
    if alone.is_empty() || free.is_empty() {
        return Ok(chosen);
    }
    let mut samples = Vec::new();
    for candidate in free.iter().take(MOST_SAMPLED) {
        samples.push((sample(&candidate.place, report)?, *candidate));
    }
    let store = &manifest.closure.store;
    for index in alone.into_iter().take(MOST_SAMPLED) {
        let own = sample(&store.join(&manifest.closure.paths[index].path), report)?;
        let shared = |pieces: &BTreeSet<u64>| pieces.intersection(&own).count();
        let best = samples.iter().max_by_key(|(pieces, _)| shared(pieces));
        let best = best.filter(|(pieces, _)| shared(pieces) * WORTH_SHARING > own.len());
        chosen.extend(best.map(|(_, base)| (index, base.info.path.clone())));
    }
    Ok(chosen)
}

/// The path that took the place of each of these, which bases name.
pub(super) fn successors<'a>(
    closure: &'a Closure,
    chosen: &BTreeMap<usize, StorePath>,
    named: &BTreeSet<&StorePath>,
) -> BTreeMap<StorePath, &'a StorePath> {
    let mut successors: BTreeMap<StorePath, &StorePath> = BTreeMap::new();
    // A path of the base's whole name comes first.
    for exactly in [true, false] {
        for (&index, base) in chosen {
            let new = &closure.paths[index].path;
            if !exactly || new.name() == base.name() {
                successors.entry(base.clone()).or_insert(new);
            }
        }
    }
    let mut by_name: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for path in &closure.paths {
        by_name
            .entry(path.path.name())
            .or_default()
            .push(&path.path);
    }
    for old in named {
        if let Some([new]) = by_name.get(old.name()).map(Vec::as_slice) {
            successors.entry((*old).clone()).or_insert(new);
        }
    }
    successors
}

/// Candidates by their names.
struct Families<'a> {
    exact: BTreeMap<&'a str, Vec<&'a Candidate>>,
    kin: BTreeMap<Kin, Vec<&'a Candidate>>,
    loose: BTreeMap<Kin, Vec<&'a Candidate>>,
}

impl<'a> Families<'a> {
    fn of(candidates: impl Iterator<Item = &'a Candidate>) -> Self {
        let mut families = Self {
            exact: BTreeMap::new(),
            kin: BTreeMap::new(),
            loose: BTreeMap::new(),
        };
        for candidate in candidates {
            let path = &candidate.info.path;
            let kin = Kin::of(path);
            let exact = families.exact.entry(path.name()).or_default();
            exact.push(candidate);
            families
                .loose
                .entry(kin.loosely())
                .or_default()
                .push(candidate);
            families.kin.entry(kin).or_default().push(candidate);
        }
        families
    }

    /// The nearest by name, and of those the nearest by size.
    fn nearest(&self, path: &StorePath, size: u64) -> Option<&'a StorePath> {
        let kin = Kin::of(path);
        let families = [
            self.exact.get(path.name()),
            self.kin.get(&kin),
            self.loose.get(&kin.loosely()),
        ];
        let family = families.into_iter().flatten().next()?;
        let nearest = family
            .iter()
            .min_by_key(|it| it.info.nar_size.abs_diff(size));
        nearest.map(|it| &it.info.path)
    }
}

/// Digests of pieces of a NAR, from a few places of it. Equal contents are cut into equal pieces,
/// wherever they are.
fn sample(place: &Path, report: &Report) -> Result<BTreeSet<u64>> {
    let dump = Dump::of(place)?;
    let mut pieces = BTreeSet::new();
    for number in 0..SAMPLES {
        report.ensure_not_interrupted()?;
        let mut bytes = Vec::new();
        let mut reader = dump.reader(dump.size() / SAMPLES * number).take(SAMPLE);
        reader
            .read_to_end(&mut bytes)
            .map_err(Error::io("read", place))?;
        add_pieces(&bytes, &mut pieces);
    }
    Ok(pieces)
}

fn add_pieces(bytes: &[u8], pieces: &mut BTreeSet<u64>) {
    let mut rolling = 0_u64;
    let mut start = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        // Each byte is shifted out after 64 others: a hash of the bytes before a place alone.
        let mixed = (u64::from(byte) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        rolling = (rolling << 1).wrapping_add(mixed);
        if (rolling >> 32) & PIECE_MASK == 0 {
            let digest = Sha256::digest(&bytes[start..=at]);
            let first = digest.first_chunk().copied().unwrap_or_default();
            pieces.insert(u64::from_le_bytes(first));
            start = at + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_depend_on_where_they_are() {
        let mut state = 7_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let old: Vec<u8> = (0..300_000).map(|_| noise()).collect();
        let new = [&[1; 777], &old[..]].concat();
        let (mut of_old, mut of_new) = (BTreeSet::new(), BTreeSet::new());
        add_pieces(&old, &mut of_old);
        add_pieces(&new, &mut of_new);
        let shared = of_old.intersection(&of_new).count();
        assert!(
            of_old.len() > 50 && shared + 2 >= of_old.len(),
            "{shared} of {}",
            of_old.len()
        );
    }
}
