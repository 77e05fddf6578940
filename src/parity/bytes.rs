//! The numbers and digests that a parity file is made of (`bundle-format.md`, section 11.2).

use sha2::{Digest as _, Sha256};

use shellpack_format::store::hash::Digest;

/// The size in bytes of the part of a head before the table.
pub(super) const FIXED: usize = 184;
/// How many bytes of a block's digest are kept. It guards against accidents; an attacker can write
/// another parity file.
pub(super) const BLOCK_DIGEST: usize = 16;

/// The digest of a block.
pub(super) type BlockDigest = [u8; BLOCK_DIGEST];

/// The digest of a block.
pub(super) fn digest_of(block: &[u8]) -> BlockDigest {
    array(&Sha256::digest(block), 0)
}

/// The number of 32 bits at this place, little-endian.
pub(super) fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

/// The number of 64 bits at this place, little-endian.
pub(super) fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

/// The digest at this place.
pub(super) fn digest(bytes: &[u8], at: usize) -> Digest {
    array::<32>(bytes, at).into()
}

/// Reads an array. Callers pass constants within bytes whose number they have checked.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}
