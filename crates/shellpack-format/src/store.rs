//! The parts of a Nix store as types: paths, hashes, NARs, derivations, the framing of exports.
//!
//! Nothing here reads a store.

pub mod content_address;
pub mod derivation;
pub mod export;
pub mod hash;
pub mod key;
pub mod nar;
pub mod nar_check;
pub mod package_name;
pub mod path_info;
pub mod registration;
pub mod store_path;
pub mod version;
