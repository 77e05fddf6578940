//! The store paths, and the segments that they lie in.

use std::collections::BTreeMap;

use super::bad;
use crate::bundle::BadBundle;
use crate::bundle::manifest::{Closure, Manifest};
use crate::bundle::segment::MAX_RAW;
use crate::store::content_address::ContentAddress;

/// Checks that each path is there once, behind those that it refers to. Nor has another path its hash
/// part: no two paths of Nix have one in common, except if their maker chose it, so that one of them
/// is taken for the lock of the other.
pub(super) fn ensure_ordered(closure: &Closure) -> Result<(), BadBundle> {
    let mut seen = BTreeMap::new();
    for (index, path) in closure.paths.iter().enumerate() {
        match seen.insert(path.path.hash_part(), &path.path) {
            Some(other) if *other == path.path => {
                return bad(format!("{other} is listed twice"));
            }
            Some(other) => {
                return bad(format!("{other} and {} have one hash part", path.path));
            }
            None => {}
        }
        let ascending = path.references.windows(2).all(|pair| pair[0] < pair[1]);
        let backwards = path
            .references
            .last()
            .is_none_or(|&last| last as usize <= index);
        if !(ascending && backwards) {
            return bad(format!("the references of {} are not in order", path.path));
        }
        let has_form = |ca: &String| ContentAddress::parse(ca).is_some();
        if !(path.ca.iter().all(has_form) && path.signatures.iter().all(|one| is_signature(one))) {
            return bad(format!(
                "the signatures or ca of {} are malformed",
                path.path
            ));
        }
    }
    Ok(())
}

/// Whether this is a key's name and base64. Nix cannot read the entry of a path that has others.
fn is_signature(text: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let Some((name, digits)) = text.split_once(':') else {
        return false;
    };
    let digits = digits.trim_end_matches('=');
    let is_name = !name.is_empty() && !name.contains(|c: char| c.is_control() || c == ' ');
    is_name && !digits.is_empty() && digits.chars().all(is_digit)
}

/// Checks that the segments are as large as the paths need, and that each path starts where it says.
pub(super) fn ensure_segments(manifest: &Manifest) -> Result<(), BadBundle> {
    let closure = &manifest.closure;
    if closure
        .segments
        .iter()
        .any(|&size| size == 0 || size > MAX_RAW)
    {
        return bad(format!("a segment is empty or larger than {MAX_RAW} bytes"));
    }
    let mut stream: u64 = crate::store::export::END.len() as u64;
    for index in 0..closure.paths.len() {
        let framed = closure.framed_size(index).total();
        stream = match framed.and_then(|framed| stream.checked_add(framed)) {
            Some(sum) => sum,
            None => return bad("its sizes are too large"),
        };
    }
    // A segment is at most 2^27 bytes, so this sum overflows only with 2^37 segments.
    if closure.segments.iter().sum::<u64>() != stream {
        return bad("the segments' sizes do not add up to the store paths'");
    }
    let layout = manifest.layout();
    for (index, path) in closure.paths.iter().enumerate() {
        let (segment, offset) = layout.place(index);
        let stated = path.segment.zip(path.offset);
        if stated.is_some_and(|(at, from)| (at as usize, from) != (segment, offset)) {
            return bad(format!(
                "{} does not start where the manifest says",
                path.path
            ));
        }
    }
    Ok(())
}
