//! The store paths, and the segments that they lie in.

use std::collections::BTreeSet;

use super::bad;
use crate::bundle::BadBundle;
use crate::bundle::manifest::{Closure, Manifest};
use crate::bundle::segment::MAX_RAW;

/// Checks that each path is there once, behind those that it refers to.
pub(super) fn ensure_ordered(closure: &Closure) -> Result<(), BadBundle> {
    let mut seen = BTreeSet::new();
    for (index, path) in closure.paths.iter().enumerate() {
        if !seen.insert(&path.path) {
            return bad(format!("{} is listed twice", path.path));
        }
        let ascending = path.references.windows(2).all(|pair| pair[0] < pair[1]);
        let backwards = path
            .references
            .last()
            .is_none_or(|&last| last as usize <= index);
        if !(ascending && backwards) {
            return bad(format!("the references of {} are not in order", path.path));
        }
        let printable = |text: &String| !text.contains(|c: char| c.is_control() || c == ' ');
        if !path.signatures.iter().chain(&path.ca).all(printable) {
            return bad(format!(
                "the signatures or ca of {} are malformed",
                path.path
            ));
        }
    }
    Ok(())
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
        if layout.place(index) != (path.segment as usize, path.offset) {
            return bad(format!(
                "{} does not start where the manifest says",
                path.path
            ));
        }
    }
    Ok(())
}
