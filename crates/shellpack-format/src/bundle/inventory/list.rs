//! The list of an inventory: names, sizes, hash parts and hashes, each together, so that names and sizes
//! compress well (`bundle-format.md`, section 16.3).

use std::ops::RangeInclusive;

use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer};

use super::Held;
use crate::store::hash::Digest;
use crate::store::store_path::{HASH_CHARS, MAX_NAME, StorePath, hash_bits, hash_chars};

/// The bytes of a hash part, of which each character is five bits.
const HASH_BYTES: usize = HASH_CHARS * 5 / 8;
const NAR_HASH_BYTES: usize = 32;
/// The most bytes of a size: 63 bits, of which a byte has seven.
const SIZE_BYTES: usize = 9;
/// The largest window: a decoder has no more memory than this beside the list.
const WINDOW_LOG: u32 = 23;

/// The order of the list.
pub(super) fn key(path: &StorePath) -> (&str, &str) {
    (path.name(), path.hash_part())
}

/// The bytes that a list of so many paths can have.
pub(super) fn sizes(paths: u64) -> RangeInclusive<u64> {
    // The shortest name with its end, and the shortest size.
    let least = 2 + 1 + HASH_BYTES + NAR_HASH_BYTES;
    let most = MAX_NAME + 1 + SIZE_BYTES + HASH_BYTES + NAR_HASH_BYTES;
    paths.saturating_mul(least as u64)..=paths.saturating_mul(most as u64)
}

/// Writes the list of these paths, which are in order.
pub(super) fn encode(paths: &[&Held]) -> Vec<u8> {
    let mut raw = Vec::new();
    for held in paths {
        raw.extend_from_slice(held.path.name().as_bytes());
        raw.push(b'\n');
    }
    for held in paths {
        push_size(held.nar_size.min(i64::MAX.unsigned_abs()), &mut raw);
    }
    for held in paths {
        raw.extend_from_slice(&hash_bits(held.path.hash_part()));
    }
    for held in paths {
        raw.extend_from_slice(held.nar_hash.bytes());
    }
    raw
}

/// Decodes a body that is exactly one frame of zstd with so many bytes in it. Memory is taken as bytes
/// come, and not for what the head says.
pub(super) fn decompress(body: &[u8], raw_size: u64) -> Option<Vec<u8>> {
    let raw_size = usize::try_from(raw_size).ok()?;
    let mut context = DCtx::try_create()?;
    let window = DParameter::WindowLogMax(WINDOW_LOG);
    context.set_parameter(window).ok()?;
    let mut input = InBuffer::around(body);
    let mut raw = Vec::new();
    let mut room = vec![0; DCtx::out_size()];
    loop {
        let mut output = OutBuffer::around(room.as_mut_slice());
        let before = input.pos();
        let left = context.decompress_stream(&mut output, &mut input).ok()?;
        let decoded = output.as_slice();
        if raw.len() + decoded.len() > raw_size {
            return None;
        }
        raw.extend_from_slice(decoded);
        if left == 0 {
            let is_whole = input.pos() == body.len() && raw.len() == raw_size;
            return is_whole.then_some(raw);
        }
        if decoded.is_empty() && input.pos() == before {
            return None;
        }
    }
}

/// Reads a list of so many paths; `None` unless it is exactly that, in order.
pub(super) fn decode(raw: &[u8], count: usize) -> Option<Vec<Held>> {
    // Each has 20 and 32 bytes at the end, so no count takes more memory than the list has bytes.
    let hashes = count.checked_mul(HASH_BYTES + NAR_HASH_BYTES)?;
    let (mut rest, hashes) = raw.split_at_checked(raw.len().checked_sub(hashes)?)?;
    let (parts, nar_hashes) = hashes.split_at_checked(count * HASH_BYTES)?;
    let mut names = Vec::with_capacity(count);
    for _ in 0..count {
        let end = rest.iter().take(MAX_NAME + 1).position(|&it| it == b'\n')?;
        names.push(std::str::from_utf8(&rest[..end]).ok()?);
        rest = &rest[end + 1..];
    }
    let mut paths: Vec<Held> = Vec::with_capacity(count);
    let parts = parts.chunks_exact(HASH_BYTES);
    let nar_hashes = nar_hashes.chunks_exact(NAR_HASH_BYTES);
    for ((name, part), nar_hash) in names.into_iter().zip(parts).zip(nar_hashes) {
        let nar_size = take_size(&mut rest)?;
        let base = format!("{}-{name}", hash_chars(part.try_into().ok()?));
        let path = StorePath::from_base_name(&base).ok()?;
        if paths
            .last()
            .is_some_and(|last| key(&last.path) >= key(&path))
        {
            return None;
        }
        paths.push(Held {
            path,
            nar_hash: Digest::from(<[u8; NAR_HASH_BYTES]>::try_from(nar_hash).ok()?),
            nar_size,
        });
    }
    rest.is_empty().then_some(paths)
}

/// LEB128: seven bits in a byte, the lowest first.
fn push_size(mut size: u64, out: &mut Vec<u8>) {
    loop {
        let low = size.to_le_bytes()[0] & 0x7f;
        size >>= 7;
        if size == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

fn take_size(rest: &mut &[u8]) -> Option<u64> {
    let mut size = 0_u64;
    for at in 0..SIZE_BYTES {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        size |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            // One form for each number.
            return (byte != 0 || at == 0).then_some(size);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_one_form() {
        for size in [0, 1, 127, 128, 300, 1 << 40, i64::MAX.unsigned_abs()] {
            let mut bytes = Vec::new();
            push_size(size, &mut bytes);
            let mut rest = &bytes[..];
            assert_eq!((take_size(&mut rest), rest.len()), (Some(size), 0));
        }
        for bad in [&[0x80, 0][..], &[0xff; 9], &[0x80], &[]] {
            assert_eq!(take_size(&mut &bad[..]), None, "{bad:?}");
        }
    }

    #[test]
    fn a_body_is_one_frame() {
        let frame = zstd::bulk::compress(b"abc", 1).unwrap();
        assert_eq!(decompress(&frame, 3), Some(b"abc".to_vec()));
        let skippable = b"\x50\x2a\x4d\x18\x01\0\0\0x";
        for bad in [
            [&frame[..], b"x"].concat(),
            [&frame[..], &frame].concat(),
            [&frame[..], skippable].concat(),
            [skippable, &frame[..]].concat(),
            frame[..frame.len() - 1].to_vec(),
            Vec::new(),
        ] {
            assert_eq!(decompress(&bad, 3), None, "{bad:?}");
        }
    }
}
