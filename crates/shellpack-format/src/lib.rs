//! The shellpack bundle format: reading and writing `.shellpack` files.
//!
//! A bundle carries a nix-shell to a machine with no network, in one file. This crate is the twin of
//! `bundle-format.md`, whose sections its modules name. It is pure: bytes come from a `Read` and go
//! to a `Write`. It starts no process, opens no file, and knows no clock.
//!
//! * [`bundle`]: the manifest, the tar members, the compressed segments, signatures, volumes.
//! * [`store`]: what a bundle says of a Nix store: store paths, hashes, NARs, derivations, and the
//!   framing of `nix-store --export`.

pub mod bundle;
pub mod store;
