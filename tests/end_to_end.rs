//! Shells on real Nix, from one machine to another that has no network.

/// Each fixture shell arrives and works.
mod shells;
