//! The store paths that an update presumes, and its prefixes (`bundle-format.md`, section 15.2).

use std::collections::BTreeMap;

use super::bad;
use crate::bundle::BadBundle;
use crate::bundle::manifest::delta::MOST_TIMES_READ;
use crate::bundle::manifest::{Base, Closure, Manifest, Prefix};
use crate::bundle::segment::MAX_RAW;

/// Checks which paths are carried, what is replaced, and the bases.
pub(super) fn ensure_delta(manifest: &Manifest) -> Result<(), BadBundle> {
    let closure = &manifest.closure;
    ensure_presumed(closure, manifest.delta.is_some())?;
    let Some(delta) = &manifest.delta else {
        return Ok(());
    };
    let replaced = delta.replace.windows(2);
    if !replaced.into_iter().all(|pair| pair[0].from < pair[1].from) {
        return bad("the hash parts to replace are not in order");
    }
    ensure_bases(&delta.bases, closure)
}

/// Checks that a path has a place in the stream or is presumed, and that what is presumed is complete:
/// a store that has a path has its references, too.
fn ensure_presumed(closure: &Closure, is_update: bool) -> Result<(), BadBundle> {
    for path in &closure.paths {
        let places = (path.segment.is_some(), path.offset.is_some());
        let is_placed = if path.presumed {
            places == (false, false) && is_update
        } else {
            places == (true, true)
        };
        if !is_placed {
            return bad(format!("{} is neither carried nor presumed", path.path));
        }
        let mut references = path.references.iter();
        let carried = references.find(|&&index| !closure.paths[index as usize].presumed);
        if let (true, Some(&index)) = (path.presumed, carried) {
            let carried = &closure.paths[index as usize].path;
            return bad(format!(
                "{} is presumed, but not {carried}, to which it refers",
                path.path
            ));
        }
    }
    Ok(())
}

/// Checks that the bases are paths of the target: those that the closure has, too, are presumed there.
fn ensure_bases(bases: &[Base], closure: &Closure) -> Result<(), BadBundle> {
    if !bases.windows(2).all(|pair| pair[0].path < pair[1].path) {
        return bad("the bases are not in order");
    }
    let paths = closure.paths.iter();
    let paths: BTreeMap<_, _> = paths.map(|path| (path.path.hash_part(), path)).collect();
    for base in bases {
        let Some(path) = paths.get(base.path.hash_part()) else {
            continue;
        };
        let is_it = (&path.path, path.nar_hash, path.nar_size)
            == (&base.path, base.nar_hash, base.nar_size);
        if !(is_it && path.presumed) {
            return bad(format!("the base {} is not what is presumed", base.path));
        }
    }
    Ok(())
}

/// Checks that the prefixes fit their segments, lie in their bases, and do not read them over and over. The
/// segments were checked before.
pub(super) fn ensure_prefixes(manifest: &Manifest) -> Result<(), BadBundle> {
    let Some(delta) = &manifest.delta else {
        return Ok(());
    };
    let in_order = |pair: &[Prefix]| pair[0].segment < pair[1].segment;
    if !delta.prefixes.windows(2).all(in_order) {
        return bad("the prefixes are not in order");
    }
    let layout = manifest.layout();
    let mut read = vec![0_u64; delta.bases.len()];
    for prefix in &delta.prefixes {
        let segment = prefix.segment as usize;
        let Some(raw) = manifest.closure.segments.get(segment) else {
            return bad("there is a prefix without a segment");
        };
        for piece in &prefix.pieces {
            let base = delta.bases.get(piece.base as usize);
            let end = piece.offset.checked_add(piece.size);
            let is_inside = base
                .zip(end)
                .is_some_and(|(base, end)| end <= base.nar_size);
            if piece.size == 0 || !is_inside {
                return bad("a piece of a prefix is empty, or not in its base");
            }
            let read = &mut read[piece.base as usize];
            *read = read.saturating_add(piece.size);
        }
        let size = manifest.prefix_size(&layout, segment);
        if size == 0 || size.saturating_add(*raw) > MAX_RAW {
            return bad(format!(
                "a prefix is empty, or has more than {MAX_RAW} bytes with its segment"
            ));
        }
    }
    for (base, read) in delta.bases.iter().zip(read) {
        if read > base.nar_size.saturating_mul(MOST_TIMES_READ) {
            return bad(format!(
                "its prefixes have much more of {} than there is",
                base.path
            ));
        }
    }
    Ok(())
}
