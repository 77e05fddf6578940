//! Bundles that were damaged, and bundles that were made to do harm.

/// Damage: every bit, every length, and a few thousand mutations.
mod damage;
/// Headers and programs before the bundle in a file that opens itself.
mod executables;
/// What the fuzzers read, without a fuzzer.
mod fuzzed;
/// What the store has already: locks, other paths, roots.
mod in_the_store;
/// Lists of store paths that are not what they say.
mod inventories;
/// Little memory, few open files, and bundles that want much of either.
mod limits;
/// Texts that would like to be lines of shellpack's own.
mod lines;
/// A manifest that says what cannot be or must not be.
mod manifests;
/// Directories that change while a bundle is read.
mod meanwhile;
/// tar members that the manifest does not call for.
mod members;
/// NARs that are none, although their hash is right.
mod nars;
/// Project files that other programs run.
mod obeyed;
/// Bundles for another system or store are refused before anything is written.
mod one_way_in;
/// `open` refuses such bundles on a real Nix.
mod opened;
/// Every route refuses the same bundles, in the same words.
mod routes;
/// Frames that a zstd decoder should not be given.
mod segments;
/// Volumes that are cut short, damaged, missing, or of another bundle.
mod volumes;
/// Words in a bundle that a terminal or a shell could act on.
mod words;
