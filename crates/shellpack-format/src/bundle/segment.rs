//! A segment: one zstd frame and a check of its bytes (`bundle-format.md`, section 5.2).
//!
//! Any zstd decodes the frame with its default limits. Behind it is a skippable frame with the
//! SHA-256 of the frame's bytes: zstd ignores some bits of a frame, so the content alone cannot show
//! that every bit arrived. The check finds damage; only the manifest's NAR hashes make the content
//! trustworthy.

use std::io;

use zstd::zstd_safe;

mod compress;
mod decode;

pub use compress::{Compressor, Frame};
pub use decode::{Decoder, Decoding, decode};

/// The most raw bytes in a segment that a reader accepts. It is the largest window that
/// `zstd -d` accepts without an option, and a segment is its own window.
pub(crate) const MAX_RAW: u64 = 1 << WINDOW_LOG;
/// The most raw bytes in a segment that a writer should make. A reader holds one raw segment for
/// each job, and with two of these it stays below 270 MB. Larger ones would make the closure of a
/// few compilers 1 % smaller.
pub const MOST_WRITTEN: u64 = 122 << 20;
const WINDOW_LOG: u32 = 27;

/// The skippable frame's magic number and content size, little-endian.
const CHECK_HEAD: [u8; 8] = [0x50, 0x2a, 0x4d, 0x18, 32, 0, 0, 0];
/// The skippable frame's size in bytes.
pub(crate) const CHECK_SIZE: u64 = (CHECK_HEAD.len() + 32) as u64;

/// The version of zstd that compresses segments. Another one may give other bytes.
pub fn zstd_version() -> &'static str {
    zstd_safe::version_string()
}

/// The most bytes that a member for this much raw content may have: zstd's own bound and
/// the check.
pub fn max_member_size(raw: u64) -> u64 {
    zstd_safe::compress_bound(usize::try_from(raw).unwrap_or(usize::MAX)) as u64 + CHECK_SIZE
}

/// The name of a segment's member: four digits, more when four do not suffice. Those of an update are
/// apart, so that nothing that takes the closure by hand takes a part of one.
pub fn member_name(is_update: bool, index: usize) -> String {
    let directory = if is_update { "delta" } else { "closure" };
    format!("{directory}/{index:04}.zst")
}

/// The reason why a member is not a segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSegment(String);

impl BadSegment {
    /// Whether the machine has too little memory for it, which says nothing of the segment.
    pub fn is_lack_of_memory(&self) -> bool {
        self.0.ends_with("not enough memory")
    }
}

fn out_of_memory() -> io::Error {
    io::ErrorKind::OutOfMemory.into()
}

fn zstd_error(code: usize) -> io::Error {
    io::Error::other(zstd_safe::get_error_name(code))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn decode(member: &[u8], raw_size: u64) -> Result<Vec<u8>, BadSegment> {
        super::decode(&[], member, raw_size)
    }

    /// Levels on both sides of the border between the two ways to compress.
    fn samples() -> Vec<(Vec<u8>, Vec<u8>)> {
        let raw: Vec<u8> = (0..40_000u32)
            .flat_map(|n| (n * n % 251).to_le_bytes())
            .collect();
        let member = |level| {
            let mut compressor = Compressor::new(level, raw.len() as u64).unwrap();
            let mut frame = compressor.begin(raw.len() as u64).unwrap();
            raw.chunks(10_000)
                .for_each(|chunk| frame.write(chunk).unwrap());
            frame.finish(&[]).unwrap()
        };
        [3, 12].map(|level| (raw.clone(), member(level))).to_vec()
    }

    #[test]
    fn what_was_compressed_comes_back() {
        for (raw, member) in samples() {
            assert_eq!(decode(&member, raw.len() as u64).unwrap(), raw);
            assert_eq!(zstd::decode_all(member.as_slice()).unwrap(), raw);
            assert!(member.len() as u64 <= max_member_size(raw.len() as u64));
        }
    }

    /// Bytes that look random, but for those who know `seed`.
    fn noise(seed: u32, size: usize) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..size).map(|_| next()).collect()
    }

    #[test]
    fn what_a_prefix_has_takes_no_room() {
        let prefix = noise(1, 3_000_000);
        let raw = [
            &noise(2, 1000),
            &prefix[500_000..2_500_000],
            &noise(3, 1000),
        ]
        .concat();
        for level in [1, 3, 12, 19] {
            let mut compressor = Compressor::new(level, raw.len() as u64).unwrap();
            let mut frame = compressor.begin_with_prefix(raw.len() as u64).unwrap();
            frame.write(&raw).unwrap();
            let member = frame.finish(&prefix).unwrap();
            assert!(member.len() < 10_000, "{level}: {}", member.len());
            let size = raw.len() as u64;
            assert_eq!(super::decode(&prefix, &member, size).unwrap(), raw);
            assert!(decode(&member, size).is_err());
            let mut other = prefix.clone();
            other[1_000_000] ^= 1;
            assert!(super::decode(&other, &member, size).is_err());
        }
    }

    #[test]
    fn a_decoder_and_a_compressor_serve_many_segments() {
        let mut compressor = Compressor::new(3, 300_000).unwrap();
        let mut decoder = Decoder::default();
        for size in [300_000_u64, 5, 0, 200_000] {
            let raw: Vec<u8> = (0..size).map(|n| (n * n % 241) as u8).collect();
            let mut frame = compressor.begin(size).unwrap();
            frame.write(&raw).unwrap();
            let member = frame.finish(&[]).unwrap();
            let mut decoding = decoder.begin(size, member.len() as u64).unwrap();
            for step in member.chunks(17) {
                decoding.feed(step).unwrap();
                assert!(raw.starts_with(decoding.raw()));
            }
            decoding.finish().unwrap();
            assert_eq!(decoding.raw(), raw);
        }
    }

    #[test]
    fn a_lack_of_memory_is_no_damage() {
        // ZSTD_error_memory_allocation, as functions of zstd return it.
        let code = 0_usize.wrapping_sub(64);
        let words = format!("zstd: {}", zstd_safe::get_error_name(code));
        assert!(BadSegment(words).is_lack_of_memory());
        assert!(!BadSegment("zstd: Data corruption detected".into()).is_lack_of_memory());
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        for (raw, member) in samples() {
            for bit in 0..member.len() * 8 {
                let mut bad = member.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                assert!(decode(&bad, raw.len() as u64).is_err(), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_bomb_is_cut_off() {
        for (raw, member) in samples() {
            assert!(decode(&member, raw.len() as u64 - 1).is_err());
            assert!(decode(&member, raw.len() as u64 + 1).is_err());
        }
    }

    #[test]
    fn a_cut_member_is_refused() {
        for (raw, member) in samples() {
            for end in 0..member.len() {
                assert!(decode(&member[..end], raw.len() as u64).is_err(), "{end}");
            }
        }
    }

    #[test]
    fn a_second_frame_is_refused() {
        let (raw, _) = samples().remove(0);
        let half = raw.len() / 2;
        let mut compressor = zstd::bulk::Compressor::new(1).unwrap();
        let mut frames = compressor.compress(&raw[..half]).unwrap();
        frames.extend(compressor.compress(&raw[half..]).unwrap());
        let digest = Sha256::digest(&frames);
        frames.extend_from_slice(&CHECK_HEAD);
        frames.extend_from_slice(&digest);
        assert!(decode(&frames, raw.len() as u64).is_err());
    }
}
