//! What a store knows of its paths.

use serde::{Deserialize, Serialize};

use super::hash::Digest;
use super::store_path::StorePath;

/// What a store knows of a valid path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathInfo {
    /// The path.
    pub path: StorePath,
    /// SHA-256 of its NAR.
    pub nar_hash: Digest,
    /// Size of its NAR in bytes.
    pub nar_size: u64,
    /// Store paths that it refers to, sorted; itself, too, where it does.
    pub references: Vec<StorePath>,
    /// The derivation that it was built from, where the store knows.
    pub deriver: Option<StorePath>,
    /// Nix's assertion that the path follows from its contents: `fixed:r:sha256:…`, `text:…`.
    pub ca: Option<String>,
    /// Signatures, `key:base64`, sorted.
    pub signatures: Vec<String>,
}
