//! Makes a bundle an update: what its target has is left out, and the rest is compressed with what is
//! most alike there (`bundle-format.md`, section 15).
//!
//! Nothing of this changes what was proved: the manifest lists the whole closure, as the rehearsal had
//! it, and says of each path whether the update brings it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::shell::Shells;
use crate::bases::{self, Bases};
use crate::error::Result;
use crate::nix::Nix;
use crate::nix::daemon::Connection;
use crate::report::{Event, Phase, Report, count};
use shellpack_format::bundle::manifest::{Base, Closure, Delta, Manifest, Replacement};
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::{HashPart, StorePath};

/// The most paths that are compressed with a base. Each needs some 40 tokens of the manifest, which may have
/// a million of them (`bundle-format.md`, section 8).
const MOST_WITH_BASES: usize = 20_000;

mod cut;
mod known;
mod likeness;

pub(in crate::create) use known::Known;
pub(crate) use known::KnownFrom;

/// The difference between a plan and the plan of an update.
#[derive(Debug)]
pub(super) struct Update {
    /// Whether each path of the closure is left out.
    pub(super) presumed: Vec<bool>,
    /// The raw size of each segment.
    pub(super) segments: Vec<u64>,
    pub(super) delta: Delta,
    /// Where each base is here.
    places: BTreeMap<StorePath, PathBuf>,
    /// Holds the bases that are in this machine's store.
    _held: Connection,
}

impl Update {
    /// The bases, to compress with.
    pub(super) fn bases<'a>(
        &'a self,
        of: (&'a Manifest, &'a Delta),
        report: &'a Report,
    ) -> Bases<'a> {
        let place = |base: &Base| self.places.get(&base.path).cloned();
        Bases::new(of, place, report)
    }
}

/// A base that can be read on this machine.
#[derive(Debug, Clone)]
struct Candidate {
    info: PathInfo,
    place: PathBuf,
}

/// The update that a bundle with this manifest can be for a target. `None` if nothing is known of any.
pub(super) fn for_target(
    manifest: &Manifest,
    known: Known,
    shells: &Shells,
    report: &Report,
) -> Result<Option<Update>> {
    if known.is_nothing() {
        return Ok(None);
    }
    report.emit(Event::Phase(Phase::Compare));
    let nix = &shells.nix;
    known.ensure_fits(manifest, nix)?;
    known.ensure_same_contents(&manifest.closure)?;
    let presumed = presumed(&manifest.closure, &known);
    let wanted = likeness::candidates(manifest, &presumed, &known);
    let mut held = nix.connect()?;
    let scratch = shells.scratch.path().join("bases");
    let there = available(&known, &wanted, nix, &mut held, &scratch, report)?;
    let lost = wanted.len() - there.len();
    if lost > 0 {
        report.emit(Event::Note(&format!(
            "the contents of {} that the target has are not here, so that what is like them is carried whole: \
             name the bundle that has them (--base)",
            count(lost, "path")
        )));
    }
    let mut chosen = likeness::choose(manifest, &presumed, &there, report)?;
    forget_smallest(&mut chosen, &manifest.closure);
    let update = updated(manifest, presumed, &chosen, &there, known, held);
    report.emit(Event::PhaseDone);
    Ok(Some(update))
}

/// Forgets the bases of the smallest paths, if there are more than a manifest has room for.
fn forget_smallest(chosen: &mut BTreeMap<usize, StorePath>, closure: &Closure) {
    let size = |index: &usize| closure.paths[*index].nar_size;
    let mut by_size: Vec<_> = chosen.keys().copied().collect();
    by_size.sort_by_key(|index| std::cmp::Reverse(size(index)));
    for index in by_size.iter().skip(MOST_WITH_BASES) {
        chosen.remove(index);
    }
}

/// Whether each path is left out: the target has it, and all that it refers to.
fn presumed(closure: &Closure, known: &Known) -> Vec<bool> {
    let mut presumed = Vec::with_capacity(closure.paths.len());
    for path in &closure.paths {
        let is_known = known.has(&path.path, path.nar_hash);
        let index = presumed.len();
        let is_complete = path
            .references
            .iter()
            .all(|&other| other as usize == index || presumed[other as usize]);
        presumed.push(is_known && is_complete);
    }
    presumed
}

/// Those of the wanted paths whose contents are here: in the store, or in a bundle that was named.
fn available(
    known: &Known,
    wanted: &BTreeSet<StorePath>,
    nix: &Nix,
    held: &mut Connection,
    scratch: &Path,
    report: &Report,
) -> Result<BTreeMap<StorePath, Candidate>> {
    let mut there = BTreeMap::new();
    let mut elsewhere = BTreeMap::new();
    for path in wanted {
        report.ensure_not_interrupted()?;
        held.add_temp_root(path)?;
        let info = held.path_info(path)?;
        match info.filter(|info| known.has(path, info.nar_hash)) {
            Some(info) => {
                let place = nix.store.join(path);
                there.insert(path.clone(), Candidate { info, place });
            }
            None => elsewhere.extend(known.in_bundle(path).map(|at| (path.clone(), at))),
        }
    }
    for (number, bundle) in known.bundles().enumerate() {
        let of_this = elsewhere.iter().filter(|(_, (of, _))| *of == number);
        let infos: Vec<_> = of_this.map(|(_, (_, info))| info.clone()).collect();
        if infos.is_empty() {
            continue;
        }
        let paths = infos.iter().map(|info| (info.path.clone(), info.nar_hash));
        let paths = paths.collect();
        let place = |base: &Base| Some(there.get(&base.path)?.place.clone());
        let extracted = bases::extract(bundle, &paths, scratch, place, report)?;
        for place in extracted {
            let info = infos
                .iter()
                .find(|info| place.ends_with(info.path.base_name()));
            there.extend(info.map(|info| {
                let candidate = Candidate {
                    info: info.clone(),
                    place: place.clone(),
                };
                (info.path.clone(), candidate)
            }));
        }
    }
    Ok(there)
}

fn updated(
    manifest: &Manifest,
    presumed: Vec<bool>,
    chosen: &BTreeMap<usize, StorePath>,
    there: &BTreeMap<StorePath, Candidate>,
    known: Known,
    held: Connection,
) -> Update {
    let closure = &manifest.closure;
    let replace = replacements(closure, chosen, there);
    let used: BTreeSet<_> = chosen.values().collect();
    let bases: Vec<_> = used
        .iter()
        .filter_map(|path| there.get(*path))
        .map(|candidate| Base {
            path: candidate.info.path.clone(),
            nar_hash: candidate.info.nar_hash,
            nar_size: candidate.info.nar_size,
        })
        .collect();
    let (segments, prefixes) = cut::cut(closure, &presumed, chosen, &bases);
    let mut delta = Delta {
        from: known.into_origins(),
        replace,
        bases,
        prefixes,
    };
    cut::forget_unused(&mut delta);
    let places = delta.bases.iter().filter_map(|base| {
        let candidate = there.get(&base.path)?;
        Some((base.path.clone(), candidate.place.clone()))
    });
    Update {
        presumed,
        segments,
        places: places.collect(),
        delta,
        _held: held,
    }
}

/// The hash parts that stand in the bases, each with that of the path that took its place.
fn replacements(
    closure: &Closure,
    chosen: &BTreeMap<usize, StorePath>,
    there: &BTreeMap<StorePath, Candidate>,
) -> Vec<Replacement> {
    let part = |path: &StorePath| HashPart::parse(path.hash_part());
    let bases = chosen.values().filter_map(|base| there.get(base));
    let named: BTreeSet<_> = bases
        .flat_map(|base| base.info.references.iter().chain([&base.info.path]))
        .collect();
    let still_there: BTreeSet<_> = closure.paths.iter().map(|path| &path.path).collect();
    let successors = likeness::successors(closure, chosen, &named);
    let pairs = named.into_iter().filter_map(|old| {
        let new = successors.get(old).filter(|_| !still_there.contains(old))?;
        let (from, to) = (part(old)?, part(new)?);
        (from != to).then_some(Replacement { from, to })
    });
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_unstable();
    pairs.dedup_by(|a, b| a.from == b.from);
    pairs
}
