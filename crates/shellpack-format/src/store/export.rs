//! The framing of `nix-store --export` (`export-import.cc`), without the NARs themselves.
//!
//! A stream has, for every path, a 1, the NAR and a trailer, and ends with a 0. All integers are 8
//! little-endian bytes; strings are framed as in a NAR.

use super::nar::push_string;
use super::path_info::PathInfo;
use super::store_path::StoreDir;

/// The 1 before each NAR.
pub const NEXT: [u8; 8] = 1u64.to_le_bytes();
/// The 0 after the last trailer.
pub const END: [u8; 8] = 0u64.to_le_bytes();

/// `NIXE`, from Nix's `export-import.cc`.
const TRAILER_MAGIC: u64 = 0x4558_494e;

/// The trailer after a path's NAR: magic number, store path, references, deriver, and a 0 in the
/// place of the signature that old versions of Nix wrote.
pub fn trailer(info: &PathInfo, store: &StoreDir) -> Vec<u8> {
    let mut out = TRAILER_MAGIC.to_le_bytes().to_vec();
    push_string(&mut out, store.print(&info.path).as_bytes());
    out.extend_from_slice(&(info.references.len() as u64).to_le_bytes());
    for reference in &info.references {
        push_string(&mut out, store.print(reference).as_bytes());
    }
    let deriver = info
        .deriver
        .as_ref()
        .map(|deriver| store.print(deriver))
        .unwrap_or_default();
    push_string(&mut out, deriver.as_bytes());
    out.extend_from_slice(&0u64.to_le_bytes());
    out
}

/// The size of a trailer in bytes, from the lengths of the paths in it.
pub(crate) fn trailer_size(
    path: usize,
    references: impl Iterator<Item = usize>,
    deriver: usize,
) -> u64 {
    let string = |length: usize| 8 + (length as u64).next_multiple_of(8);
    let (magic, count, no_signature) = (8, 8, 8);
    let fixed = magic + string(path) + count + string(deriver) + no_signature;
    fixed + references.map(string).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::hash::Digest;
    use crate::store::store_path::StorePath;

    #[test]
    fn the_size_is_known_without_the_trailer() {
        let store = StoreDir::parse("/nix/store").unwrap();
        let path =
            |name: &str| StorePath::from_base_name(&format!("{}-{name}", "0".repeat(32))).unwrap();
        let info = PathInfo {
            path: path("hello-2.12"),
            nar_hash: Digest::of(b""),
            nar_size: 7,
            references: vec![path("a"), path("glibc-2.37")],
            deriver: Some(path("hello-2.12.drv")),
            ca: None,
            signatures: Vec::new(),
        };
        let length = |path: &StorePath| store.print(path).len();
        let size = trailer_size(
            length(&info.path),
            info.references.iter().map(length),
            info.deriver.as_ref().map_or(0, length),
        );
        assert_eq!(size, trailer(&info, &store).len() as u64);
    }
}
