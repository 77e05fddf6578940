//! The store paths of a bundle, and how they are cut into segments.

use serde::{Deserialize, Serialize};

use crate::bundle::layout::FramedSize;
use crate::store::hash::Digest;
use crate::store::path_info::PathInfo;
use crate::store::store_path::{StoreDir, StorePath};

/// The store paths and how they are cut into segments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Closure {
    /// The store directory that the paths are for.
    pub store: StoreDir,
    /// Raw size of each segment in bytes.
    pub segments: Vec<u64>,
    /// The paths, in the order of the export stream: references before referrers.
    pub paths: Vec<ClosurePath>,
}

/// One store path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ClosurePath {
    /// The path.
    pub path: StorePath,
    /// SHA-256 of its NAR.
    pub nar_hash: Digest,
    /// Size of its NAR in bytes.
    pub nar_size: u64,
    /// Indices into [`Closure::paths`] of the paths that it refers to, ascending. None is greater
    /// than its own; it is equal if the path refers to itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<u32>,
    /// The derivation that it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deriver: Option<StorePath>,
    /// Nix's assertion that the path follows from its contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Nix's signatures, `key:base64`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<String>,
    /// Whether it is not carried: the target of an update has it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub presumed: bool,
    /// The segment in which its framed NAR starts, if it is carried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<u32>,
    /// Its offset in the raw segment, if it is carried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

impl Closure {
    /// The path with this index, in Nix's own terms.
    pub fn path_info(&self, index: usize) -> PathInfo {
        let path = &self.paths[index];
        let mut references: Vec<_> = path
            .references
            .iter()
            .map(|&index| self.paths[index as usize].path.clone())
            .collect();
        references.sort();
        PathInfo {
            path: path.path.clone(),
            nar_hash: path.nar_hash,
            nar_size: path.nar_size,
            references,
            deriver: path.deriver.clone(),
            ca: path.ca.clone(),
            signatures: path.signatures.clone(),
        }
    }

    /// The size of a path's NAR with its framing in the stream, which is nothing if the path is not
    /// carried. Only lengths are added up: a hostile
    /// manifest can state far more references than fit memory once they are written out.
    pub fn framed_size(&self, index: usize) -> FramedSize {
        let path = &self.paths[index];
        if path.presumed {
            return FramedSize::NOTHING;
        }
        let references = path
            .references
            .iter()
            .map(|&reference| &self.paths[reference as usize].path);
        FramedSize::of(
            path.nar_size,
            &self.store,
            &path.path,
            references,
            path.deriver.as_ref(),
        )
    }

    /// The sum of all NAR sizes, in bytes.
    pub fn nar_bytes(&self) -> u64 {
        self.paths.iter().map(|path| path.nar_size).sum()
    }
}
