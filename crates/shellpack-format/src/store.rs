//! What a Nix store is made of, as types: paths, hashes, NARs, derivations, the framing of exports.
//!
//! Nothing here reads a store or starts a process.

pub mod derivation;
pub mod export;
pub mod hash;
pub mod nar;
pub mod path_info;
pub mod registration;
pub mod store_path;
pub mod version;
