//! The store paths that an update presumes, and the prefixes of its segments (`bundle-format.md`,
//! section 15).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::BundleName;
use crate::store::hash::Digest;
use crate::store::store_path::{HashPart, StorePath};

/// The need of a bundle that leaves out store paths which its target has.
pub const NEEDS_DELTA: &str = "delta";

/// The most bytes of all pieces of a base, as a multiple of its bytes: no update makes a reader read its
/// store without an end.
pub(super) const MOST_TIMES_READ: u64 = 4;

/// How an update differs from a bundle that has everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Delta {
    /// Bundles that bring what is presumed. Information for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<Origin>,
    /// The hash parts that are replaced in the NAR of each base before it serves as prefix, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replace: Vec<Replacement>,
    /// Store paths of the target whose contents the prefixes are made of, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<Base>,
    /// The prefixes of segments, ascending by segment. A segment without one has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<Prefix>,
}

/// A bundle that brings what an update presumes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// Its name.
    pub name: BundleName,
    /// Its manifest digest.
    pub digest: Digest,
}

/// The hash part of a store path, and the one that is put in its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Replacement {
    /// The hash part that is looked for.
    pub from: HashPart,
    /// The one that takes its place.
    pub to: HashPart,
}

/// A store path whose contents prefixes are made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Base {
    /// The path.
    pub path: StorePath,
    /// SHA-256 of its NAR.
    pub nar_hash: Digest,
    /// Size of its NAR in bytes.
    pub nar_size: u64,
}

/// The bytes that a segment is compressed with: the pieces, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prefix {
    /// The segment.
    pub segment: u32,
    /// The pieces, at least one.
    pub pieces: Vec<Piece>,
}

/// A part of the NAR of a base, after everything was replaced in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u32, u64, u64)", into = "(u32, u64, u64)")]
pub struct Piece {
    /// Which base: an index into [`Delta::bases`].
    pub base: u32,
    /// Where it begins in the NAR.
    pub offset: u64,
    /// Its size in bytes.
    pub size: u64,
}

impl Delta {
    /// The pieces of a segment's prefix; none if it has no prefix.
    pub fn pieces(&self, segment: usize) -> &[Piece] {
        let found = self
            .prefixes
            .binary_search_by_key(&segment, |prefix| prefix.segment as usize);
        found.map_or(&[], |at| &self.prefixes[at].pieces)
    }
}

impl From<(u32, u64, u64)> for Piece {
    fn from((base, offset, size): (u32, u64, u64)) -> Self {
        Self { base, offset, size }
    }
}

impl From<Piece> for (u32, u64, u64) {
    fn from(piece: Piece) -> Self {
        (piece.base, piece.offset, piece.size)
    }
}

impl TryFrom<String> for Replacement {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let both = text.split_once(' ');
        let parsed = both.and_then(|(from, to)| {
            Some(Self {
                from: HashPart::parse(from)?,
                to: HashPart::parse(to)?,
            })
        });
        parsed.ok_or_else(|| format!("'{}' is not two hash parts", text.escape_debug()))
    }
}

impl From<Replacement> for String {
    fn from(replacement: Replacement) -> Self {
        replacement.to_string()
    }
}

impl fmt::Display for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.from, self.to)
    }
}
