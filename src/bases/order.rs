//! The order of bundles that follow each other.

use shellpack_format::bundle::manifest::Manifest;
use shellpack_format::store::hash::Digest;

/// Bundles so that each update comes behind those that it was made from, and otherwise as they are.
pub(crate) fn in_order<T>(
    mut bundles: Vec<T>,
    about: impl Fn(&T) -> (&Manifest, Digest),
) -> Vec<T> {
    let mut ordered = Vec::with_capacity(bundles.len());
    while !bundles.is_empty() {
        let waits_for = |bundle: &T, other: &T| {
            let (manifest, own) = about(bundle);
            let digest = about(other).1;
            let from = manifest.delta.iter().flat_map(|delta| &delta.from);
            digest != own && from.into_iter().any(|origin| origin.digest == digest)
        };
        let is_next = |bundle: &T| !bundles.iter().any(|other| waits_for(bundle, other));
        // Honest bundles cannot wait for each other in a circle: each has the other's digest in it.
        let next = bundles.iter().position(is_next).unwrap_or(0);
        ordered.push(bundles.remove(next));
    }
    ordered
}
