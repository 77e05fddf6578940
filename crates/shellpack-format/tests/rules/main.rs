//! The rules of the format, with this crate alone: the tests of bundles that need no Nix and no disk,
//! which the program's own tests run through `verify`. `cargo mutants` needs them here.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

/// Manifests at the edge of what is allowed.
mod accepted;
/// Names, paths and keys at the edge of what is allowed.
mod edges;
/// Manifests that say what cannot be or must not be.
mod manifests;
/// tar members that the manifest does not call for.
#[path = "../../../../tests/hostile/members.rs"]
mod members;
/// The contents of store paths.
mod nars;
/// The results of a reader, and the end of a bundle.
mod reading;
/// Frames that a zstd decoder should not be given.
#[path = "../../../../tests/hostile/segments.rs"]
mod segments;
/// Bundles of synthetic data, and the faults that this crate finds in them.
#[allow(
    dead_code,
    unused_imports,
    reason = "the tests that are here do not need all of it"
)]
mod synthetic;
