//! A segment: one zstd frame and a check of its bytes (`bundle-format.md`, section 5.2).
//!
//! The frame is decoded by any zstd with its default limits. Behind it stands a skippable
//! frame with the SHA-256 of the frame's bytes: zstd ignores some bits of a frame, so the
//! content alone cannot show that every bit arrived. What is *trusted* is the content,
//! which the manifest's NAR hashes vouch for.

use std::io;

use sha2::{Digest as _, Sha256};
use zstd::zstd_safe::zstd_sys::ZSTD_EndDirective as EndDirective;
use zstd::zstd_safe::{self, CCtx, CParameter, DCtx, InBuffer, OutBuffer, ResetDirective};

use crate::nix::hash::Digest;

/// The most raw bytes in a segment. It is the largest window that `zstd -d` accepts without
/// an option, and a segment is its own window.
pub const MAX_RAW: u64 = 1 << WINDOW_LOG;
const WINDOW_LOG: u32 = 27;

/// The skippable frame's magic number and content size, little-endian.
const CHECK_HEAD: [u8; 8] = [0x50, 0x2a, 0x4d, 0x18, 32, 0, 0, 0];
/// The skippable frame's size.
pub const CHECK_SIZE: u64 = (CHECK_HEAD.len() + 32) as u64;

/// The most bytes that a member for this much raw content may have: zstd's own bound and
/// the check.
pub fn max_member_size(raw: u64) -> u64 {
    zstd_safe::compress_bound(usize::try_from(raw).unwrap_or(usize::MAX)) as u64 + CHECK_SIZE
}

/// Compresses segments, reusing its tables and its window.
pub struct Compressor(CCtx<'static>);

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compressor")
    }
}

impl Compressor {
    /// A compressor at a zstd level (1 to 22).
    pub fn new(level: i32) -> io::Result<Self> {
        let mut context = CCtx::create();
        let parameters = [
            CParameter::CompressionLevel(level),
            CParameter::WindowLog(WINDOW_LOG),
            // Alike files lie far apart in a closure: without this, level 3 makes it 9 % larger.
            CParameter::EnableLongDistanceMatching(true),
            CParameter::ChecksumFlag(true),
            CParameter::ContentSizeFlag(true),
        ];
        for parameter in parameters {
            context.set_parameter(parameter).map_err(zstd_error)?;
        }
        Ok(Self(context))
    }

    /// Begins a segment of exactly this many raw bytes.
    pub fn begin(&mut self, raw_size: u64) -> io::Result<Frame<'_>> {
        self.0
            .reset(ResetDirective::SessionOnly)
            .map_err(zstd_error)?;
        self.0
            .set_pledged_src_size(Some(raw_size))
            .map_err(zstd_error)?;
        // Only what is written to it takes memory, which is usually a third.
        let bound = usize::try_from(max_member_size(raw_size)).map_err(io::Error::other)?;
        Ok(Frame {
            context: &mut self.0,
            out: Vec::with_capacity(bound),
        })
    }
}

/// A segment that is being compressed.
pub struct Frame<'a> {
    context: &'a mut CCtx<'static>,
    out: Vec<u8>,
}

impl std::fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame")
            .field("compressed", &self.out.len())
            .finish_non_exhaustive()
    }
}

impl Frame<'_> {
    /// Takes the next raw bytes.
    pub fn write(&mut self, raw: &[u8]) -> io::Result<()> {
        let mut input = InBuffer::around(raw);
        while input.pos < raw.len() {
            self.step(&mut input, EndDirective::ZSTD_e_continue)?;
        }
        Ok(())
    }

    /// The member's content: the frame and its check.
    pub fn finish(mut self) -> io::Result<Vec<u8>> {
        while self.step(&mut InBuffer::around(&[]), EndDirective::ZSTD_e_end)? > 0 {}
        let digest = Sha256::digest(&self.out);
        self.out.extend_from_slice(&CHECK_HEAD);
        self.out.extend_from_slice(&digest);
        Ok(self.out)
    }

    fn step(&mut self, input: &mut InBuffer<'_>, directive: EndDirective) -> io::Result<usize> {
        let at = self.out.len();
        let mut output = OutBuffer::around_pos(&mut self.out, at);
        self.context
            .compress_stream2(&mut output, input, directive)
            .map_err(zstd_error)
    }
}

fn zstd_error(code: usize) -> io::Error {
    io::Error::other(zstd_safe::get_error_name(code))
}

/// Why a member is no segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSegment(String);

/// Decodes a segment whose raw size the manifest states. Not one byte more than that is
/// ever decoded.
pub fn decode(member: &[u8], raw_size: u64) -> Result<Vec<u8>, BadSegment> {
    let bad = |reason: &str| BadSegment(reason.to_owned());
    let (frame, check) = member
        .len()
        .checked_sub(CHECK_HEAD.len() + 32)
        .map(|at| member.split_at(at))
        .ok_or_else(|| bad("it is too short"))?;
    if check[..CHECK_HEAD.len()] != CHECK_HEAD {
        return Err(bad("its check is malformed"));
    }
    if check[CHECK_HEAD.len()..] != *Digest::of(frame).bytes() {
        return Err(bad("its bytes do not match their check"));
    }
    if zstd_safe::get_frame_content_size(frame).ok().flatten() != Some(raw_size) {
        return Err(bad("its size is not the one that the manifest states"));
    }
    ensure_usual_frame(frame)?;
    let mut raw = Vec::with_capacity(
        usize::try_from(raw_size).map_err(|_| bad("it is too large for this machine"))?,
    );
    let mut context = DCtx::create();
    let mut input = InBuffer::around(frame);
    let mut output = OutBuffer::around(&mut raw);
    let fail = |code| BadSegment(format!("zstd: {}", zstd_safe::get_error_name(code)));
    // Decoding straight into the result: without this zstd keeps a second window beside it.
    context
        .set_parameter(zstd_safe::DParameter::StableOutBuffer(true))
        .map_err(fail)?;
    context
        .set_parameter(zstd_safe::DParameter::WindowLogMax(WINDOW_LOG))
        .map_err(fail)?;
    let left = context
        .decompress_stream(&mut output, &mut input)
        .map_err(fail)?;
    if left != 0 || input.pos != frame.len() {
        return Err(bad("it does not end where it should"));
    }
    if raw.len() as u64 != raw_size {
        return Err(bad("it holds less than the manifest states"));
    }
    Ok(raw)
}

/// Of the many kinds of frames only one is allowed (`bundle-format.md`, section 5.2). Others
/// would decode, but stock zstd would refuse them or would not notice damage.
fn ensure_usual_frame(frame: &[u8]) -> Result<(), BadSegment> {
    // The frame header descriptor of RFC 8878, section 3.1.1.1.1, behind the magic number.
    let descriptor = frame.get(4).copied().unwrap_or_default();
    let (checksum, single, dictionary, unknown) = (0b100, 0b10_0000, 0b11, 0b1_1000);
    let rules = [
        (descriptor & checksum != 0, "it has no checksum"),
        (descriptor & single != 0, "its window is not its content"),
        (descriptor & dictionary == 0, "it needs a dictionary"),
        (descriptor & unknown == 0, "its header has unknown bits"),
    ];
    match rules.iter().find(|(kept, _)| !kept) {
        Some((_, reason)) => Err(BadSegment((*reason).to_owned())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Vec<u8>, Vec<u8>) {
        let raw: Vec<u8> = (0..40_000u32)
            .flat_map(|n| (n * n % 251).to_le_bytes())
            .collect();
        let mut compressor = Compressor::new(3).unwrap();
        let mut frame = compressor.begin(raw.len() as u64).unwrap();
        raw.chunks(10_000)
            .for_each(|chunk| frame.write(chunk).unwrap());
        let member = frame.finish().unwrap();
        (raw, member)
    }

    #[test]
    fn what_was_compressed_comes_back() {
        let (raw, member) = sample();
        assert_eq!(decode(&member, raw.len() as u64).unwrap(), raw);
        assert_eq!(zstd::decode_all(member.as_slice()).unwrap(), raw);
        assert!(member.len() as u64 <= max_member_size(raw.len() as u64));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let (raw, member) = sample();
        for bit in 0..member.len() * 8 {
            let mut bad = member.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&bad, raw.len() as u64).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_bomb_is_cut_off() {
        let (raw, member) = sample();
        assert!(decode(&member, raw.len() as u64 - 1).is_err());
        assert!(decode(&member, raw.len() as u64 + 1).is_err());
    }

    #[test]
    fn a_second_frame_is_refused() {
        let (raw, _) = sample();
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
