//! The head of a section: the layout, the bundle that it belongs to, and the digest of every block
//! (`bundle-format.md`, section 11.2). There is one before the section's parity and a copy behind
//! it. Each digest stands alone, so a damaged head is useful as far as it is sound.

use super::Geometry;
use super::bytes::{BLOCK_DIGEST, BlockDigest, FIXED, digest, long, number};
use super::geometry::Section;
use shellpack_format::store::hash::Digest;

/// The first bytes of every copy of a head.
pub(super) const MAGIC: &[u8; 16] = b"shellpack parity";
/// The version of parity files that this program writes and reads.
const VERSION: u32 = 1;
/// The offset of the digest of everything before it.
const SEAL: usize = FIXED - 32;
/// The bundle that a parity file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The digest of the whole bundle.
    pub(crate) bundle: Digest,
    /// The digest of its manifest.
    pub(crate) manifest: Digest,
}

/// The part of a head that comes before the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fixed {
    pub(super) geometry: Geometry,
    pub(super) identity: Identity,
    pub(super) section: u64,
    pub(super) table: Digest,
}

/// The reason why some bytes are not such a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotFixed {
    /// They are damaged, or something else.
    Damaged,
    /// They have a newer version, or a layout that this program does not accept.
    Unknown,
}

impl Fixed {
    /// A section's head, given the digests of its blocks.
    pub(super) fn new(
        geometry: &Geometry,
        identity: Identity,
        section: Section,
        table: &[u8],
    ) -> Self {
        Self {
            geometry: *geometry,
            identity,
            section: section.number,
            table: Digest::of(table),
        }
    }

    /// The bytes in the file.
    pub(super) fn to_bytes(self) -> [u8; FIXED] {
        let layout = self.geometry;
        let mut bytes = Vec::with_capacity(FIXED);
        bytes.extend(MAGIC);
        for number in [VERSION, layout.block, layout.rows, layout.parity] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(layout.size.to_le_bytes());
        bytes.extend(layout.width.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.section.to_le_bytes());
        for digest in [self.identity.bundle, self.identity.manifest, self.table] {
            bytes.extend(digest.bytes());
        }
        bytes.extend(Digest::of(&bytes).bytes());
        let mut fixed = [0; FIXED];
        fixed.copy_from_slice(&bytes);
        fixed
    }

    /// Reads it from a file.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, NotFixed> {
        let (Some(sealed), Some(seal)) = (bytes.get(..SEAL), bytes.get(SEAL..FIXED)) else {
            return Err(NotFixed::Damaged);
        };
        if !sealed.starts_with(MAGIC) || Digest::of(sealed).bytes() != seal {
            return Err(NotFixed::Damaged);
        }
        let geometry = Geometry {
            block: number(sealed, 20),
            rows: number(sealed, 24),
            parity: number(sealed, 28),
            size: long(sealed, 32),
            width: number(sealed, 40),
        };
        let is_known = number(sealed, 16) == VERSION && number(sealed, 44) == 0;
        let geometry = geometry.checked().filter(|_| is_known);
        Ok(Self {
            geometry: geometry.ok_or(NotFixed::Unknown)?,
            section: long(sealed, 48),
            identity: Identity {
                bundle: digest(sealed, 56),
                manifest: digest(sealed, 88),
            },
            table: digest(sealed, 120),
        })
    }
}

/// The remains of a section's two tables.
#[derive(Debug, Clone)]
pub(super) struct Table {
    entries: Vec<u8>,
    /// The other copy, if neither is sound.
    other: Option<Vec<u8>>,
    /// Whether both copies are sound.
    pub(super) is_whole: bool,
}

impl Table {
    /// The digests that can be trusted, from two copies of a head as far as they could be read. If
    /// neither is sound, both are kept: a block that matches either one is good.
    pub(super) fn of(copies: [&[u8]; 2], expected: impl Fn(&Fixed) -> bool) -> Self {
        let is_sound = |copy: &[u8]| {
            let fixed = Fixed::parse(copy).ok().filter(|fixed| expected(fixed));
            let table = copy.get(FIXED..).unwrap_or_default();
            fixed.is_some_and(|fixed| Digest::of(table) == fixed.table)
        };
        let table = |copy: &[u8]| copy.get(FIXED..).unwrap_or_default().to_owned();
        let [first, second] = copies;
        let (is_first, is_second) = (is_sound(first), is_sound(second));
        Self {
            entries: table(if is_first || !is_second {
                first
            } else {
                second
            }),
            other: (!is_first && !is_second).then(|| table(second)),
            is_whole: is_first && is_second,
        }
    }

    /// Whether this is the digest of the block with this index. A damaged digest matches no block.
    pub(super) fn has(&self, index: usize, digest: BlockDigest) -> bool {
        let copies = [Some(&self.entries), self.other.as_ref()];
        let at = index.saturating_mul(BLOCK_DIGEST);
        copies
            .into_iter()
            .flatten()
            .any(|copy| copy.get(at..at.saturating_add(BLOCK_DIGEST)) == Some(&digest))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Share;
    use super::*;

    fn head() -> Fixed {
        let geometry = Geometry::of_bundle(5 << 30, Share::USUAL);
        let identity = Identity {
            bundle: Digest::of(b"bundle"),
            manifest: Digest::of(b"manifest"),
        };
        Fixed::new(&geometry, identity, geometry.section(3), b"table")
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        assert_eq!(Fixed::parse(&head().to_bytes()), Ok(head()));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = head().to_bytes();
        for bit in 0..FIXED * 8 {
            let mut bytes = good;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Fixed::parse(&bytes), Err(NotFixed::Damaged));
        }
        for length in 0..FIXED {
            assert_eq!(Fixed::parse(&good[..length]), Err(NotFixed::Damaged));
        }
    }

    #[test]
    fn a_newer_version_is_unknown() {
        let mut bytes = head().to_bytes();
        bytes[16] = 2;
        let seal = Digest::of(&bytes[..SEAL]);
        bytes[SEAL..].copy_from_slice(seal.bytes());
        assert_eq!(Fixed::parse(&bytes), Err(NotFixed::Unknown));
    }
}
