//! Who made a bundle, and who lets it in.

/// Users whom Nix's daemon does not trust.
mod import;
/// What a machine demands of a bundle.
mod policy;
/// The source of a bundle, for attestations.
mod provenance;
/// Keys of Nix's.
mod signatures;
/// Keys of OpenSSH's.
mod ssh;
