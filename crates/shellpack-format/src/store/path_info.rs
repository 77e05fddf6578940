//! The information that a store has about its paths.

use serde::{Deserialize, Serialize};

use super::hash::Digest;
use super::store_path::{StoreDir, StorePath};

/// The information that a store has about a valid path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathInfo {
    /// The path.
    pub path: StorePath,
    /// SHA-256 of its NAR.
    pub nar_hash: Digest,
    /// Size of its NAR in bytes.
    pub nar_size: u64,
    /// The store paths that it refers to, sorted; may include itself.
    pub references: Vec<StorePath>,
    /// The derivation that it was built from, if the store knows it.
    pub deriver: Option<StorePath>,
    /// Nix's assertion that the path follows from its contents: `fixed:r:sha256:…`, `text:…`.
    pub ca: Option<String>,
    /// Signatures, `key:base64`, sorted.
    pub signatures: Vec<String>,
}

impl PathInfo {
    /// The text that a signature of a store path covers, as Nix defines it: the path, the hash and the
    /// size of its NAR, and its references. It does not cover the deriver.
    pub fn fingerprint(&self, store: &StoreDir) -> String {
        let full = |path: &StorePath| store.join(path).display().to_string();
        let references: Vec<_> = self.references.iter().map(full).collect();
        format!(
            "1;{};sha256:{};{};{}",
            full(&self.path),
            self.nar_hash.nix32(),
            self.nar_size,
            references.join(",")
        )
    }
}
