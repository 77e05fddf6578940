//! A store's record of a valid path.

use shellpack_format::store::hash::Digest;
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::{StorePath, base32_decode};

/// The contents that a store has registered for a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registered {
    /// The hash of its NAR; `None` if it is not a SHA-256, as very old stores have them.
    pub nar_hash: Option<Digest>,
    /// The size of its NAR; 0 if the store does not know it.
    nar_size: u64,
    references: Vec<StorePath>,
}

impl Registered {
    /// From the texts of Nix's database.
    pub(super) fn new(hash: &str, nar_size: u64, mut references: Vec<StorePath>) -> Self {
        references.sort();
        Self {
            nar_hash: sha256(hash),
            nar_size,
            references,
        }
    }

    /// Whether these are the contents that another store has.
    pub(crate) fn has_contents_of(&self, info: &PathInfo) -> bool {
        self.has_contents(info.nar_hash, info.nar_size)
    }

    /// Whether a NAR of this hash and size is that of the contents, as far as the store knows its own.
    pub(crate) fn has_contents(&self, nar_hash: Digest, nar_size: u64) -> bool {
        let is_size = self.nar_size == 0 || self.nar_size == nar_size;
        is_size && self.nar_hash.is_none_or(|hash| hash == nar_hash)
    }

    /// Whether these are the references that another store has.
    pub(crate) fn has_references_of(&self, info: &PathInfo) -> bool {
        self.references == info.references
    }
}

/// The NAR of a valid path, as its store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    /// The path.
    pub path: StorePath,
    /// The hash of its NAR; `None` if it is not a SHA-256.
    pub nar_hash: Option<Digest>,
    /// The size of its NAR; 0 if the store does not know it.
    pub nar_size: u64,
}

impl Content {
    /// From the texts of Nix's database.
    pub(super) fn new(path: StorePath, hash: &str, nar_size: u64) -> Self {
        Self {
            path,
            nar_hash: sha256(hash),
            nar_size,
        }
    }
}

impl From<PathInfo> for Content {
    fn from(info: PathInfo) -> Self {
        Self {
            path: info.path,
            nar_hash: Some(info.nar_hash),
            nar_size: info.nar_size,
        }
    }
}

fn sha256(hash: &str) -> Option<Digest> {
    hash.strip_prefix("sha256:").and_then(digest)
}

fn digest(digits: &str) -> Option<Digest> {
    let in_base32 = || {
        let bytes: [u8; 32] = base32_decode(digits)?.try_into().ok()?;
        Some(bytes.into())
    };
    Digest::from_hex(digits).ok().or_else(in_base32)
}

impl From<PathInfo> for Registered {
    fn from(info: PathInfo) -> Self {
        Self {
            nar_hash: Some(info.nar_hash),
            nar_size: info.nar_size,
            references: info.references,
        }
    }
}
