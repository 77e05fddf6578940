//! The store paths that an update presumes: they are there, or nothing is changed.

use std::path::Path;

use crate::bases::{self, Bases};
use crate::error::{BadBase, Result, Unfit};
use crate::report::Report;
use crate::target::{Session, Target};
use shellpack_format::bundle::manifest::{Base, Closure, Delta, Manifest};
use shellpack_format::store::store_path::StorePath;

/// Fails if the store lacks a path that an update leaves out, or one that it is decoded with. `missing`
/// tells which paths of the closure the store lacks.
pub(super) fn ensure_there(
    manifest: &Manifest,
    missing: &[bool],
    (target, session): (&Target, &mut Session),
    file: &Path,
) -> Result<()> {
    let Some(delta) = &manifest.delta else {
        return Ok(());
    };
    let closure = &manifest.closure;
    let both = closure.paths.iter().zip(missing);
    let presumed = both.filter(|(path, missing)| path.presumed && **missing);
    let mut lacking: Vec<_> = presumed.map(|(path, _)| path.path.clone()).collect();
    let needed = needed_bases(manifest, delta, missing);
    lacking.extend(lacking_bases(closure, &needed, (target, session))?);
    lacking.sort_unstable();
    lacking.dedup();
    if lacking.is_empty() {
        let presumed = closure.paths.iter().filter(|path| path.presumed);
        let presumed = presumed.map(|path| &path.path);
        let needed = needed.iter().map(|base| &base.path);
        return ensure_on_disk(presumed.chain(needed), closure, target);
    }
    let from = delta.from.iter();
    Err(Unfit::LacksPresumed {
        file: file.to_owned(),
        missing: lacking
            .iter()
            .map(|path| closure.store.print(path))
            .collect(),
        from: from
            .map(|origin| (origin.name.to_string(), origin.digest.to_string()))
            .collect(),
    }
    .into())
}

/// Fails if a path that is registered is not on the disk.
fn ensure_on_disk<'a>(
    mut paths: impl Iterator<Item = &'a StorePath>,
    closure: &Closure,
    target: &Target,
) -> Result<()> {
    match paths.find(|path| !target.exists(&closure.store.join(path))) {
        None => Ok(()),
        Some(path) => {
            let path = closure.store.print(path);
            Err(BadBase::Gone { path }.into())
        }
    }
}

/// The bases of the segments that have something that is missing.
fn needed_bases<'a>(manifest: &Manifest, delta: &'a Delta, missing: &[bool]) -> Vec<&'a Base> {
    let layout = manifest.layout();
    let is_needed = |segment: usize| {
        let mut slices = layout.slices(segment);
        slices.any(|slice| missing.get(slice.index) == Some(&true))
    };
    let mut is_used = vec![false; delta.bases.len()];
    for prefix in &delta.prefixes {
        if is_needed(prefix.segment as usize) {
            for piece in &prefix.pieces {
                is_used[piece.base as usize] = true;
            }
        }
    }
    let both = delta.bases.iter().zip(is_used);
    both.filter_map(|(base, is_used)| is_used.then_some(base))
        .collect()
}

/// The bases that are not valid, or have other contents.
fn lacking_bases(
    closure: &Closure,
    bases: &[&Base],
    (target, session): (&Target, &mut Session),
) -> Result<Vec<StorePath>> {
    let paths: Vec<_> = bases.iter().map(|base| base.path.clone()).collect();
    let registered = target.registered(&closure.store, &paths, session)?;
    let both = bases.iter().zip(registered);
    let lacking = both.filter(|(base, here)| {
        let here = here.as_ref();
        !here.is_some_and(|here| here.has_contents(base.nar_hash, base.nar_size))
    });
    Ok(lacking.map(|(base, _)| base.path.clone()).collect())
}

/// The bases of an update, in the store.
pub(super) fn bases<'a>(
    manifest: &'a Manifest,
    target: &Target,
    report: &'a Report,
) -> Option<Bases<'a>> {
    let delta = manifest.delta.as_ref()?;
    let store = &manifest.closure.store;
    let place = |base: &Base| Some(target.place_of(&store.join(&base.path)));
    Some(Bases::new((manifest, delta), place, report))
}

/// Fails if the contents of anything that an update presumes are others than it says, whatever the store's
/// database says. Bases that only segments without anything missing are decoded with are not looked at.
pub(super) fn ensure_undamaged(
    manifest: &Manifest,
    missing: &[bool],
    target: &Target,
    report: &Report,
) -> Result<()> {
    let store = &manifest.closure.store;
    for path in manifest.closure.paths.iter().filter(|path| path.presumed) {
        let place = target.place_of(&store.join(&path.path));
        bases::ensure_right(&place, path.nar_hash, path.nar_size, report)?;
    }
    let Some(delta) = &manifest.delta else {
        return Ok(());
    };
    for base in needed_bases(manifest, delta, missing) {
        let place = target.place_of(&store.join(&base.path));
        bases::ensure_right(&place, base.nar_hash, base.nar_size, report)?;
    }
    Ok(())
}

/// Holds the bases of an update while it is imported.
pub(super) fn hold(manifest: &Manifest, session: &mut Session) -> Result<()> {
    let bases = manifest.delta.iter().flat_map(|delta| &delta.bases);
    for base in bases {
        session.add_temp_root(&base.path)?;
    }
    Ok(())
}
