//! NAR, Nix's archive of one store path (its thesis, section 5.2, and `archive.cc`).
//!
//! [`parse`] streams: a NAR is never whole in memory.

pub mod parse;

/// The string that every NAR starts with.
pub const MAGIC: &[u8] = b"nix-archive-1";

/// Appends one string in the framing of NARs, export streams and the worker protocol: its length as
/// 8 little-endian bytes, its bytes, and zeros up to a multiple of 8.
pub fn push_string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
    out.resize(out.len() + padding(bytes.len() as u64), 0);
}

/// The number of zeros behind a string of `length` bytes.
pub fn padding(length: u64) -> usize {
    ((8 - length % 8) % 8) as usize
}
