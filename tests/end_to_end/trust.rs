//! Who made a bundle, and who lets it in.

/// Users whom Nix's daemon does not trust.
mod import;
/// What a machine demands of a bundle.
mod policy;
/// The source of a bundle, for attestations.
mod provenance;
/// Nix keys.
mod signatures;
/// SSH keys.
mod ssh;
