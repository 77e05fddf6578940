//! Frames that a decoder should not be given. Each is sealed with the right check, so that it
//! reaches the decoder's own rules.

use zstd::zstd_safe::{self, CParameter, FrameFormat};

use shellpack_format::bundle::segment;

use crate::synthetic::{Bundle, Members, fault, sealed};

const WRONG_SIZE: &str = "its size is not the one that the manifest states";

fn frame(raw: &[u8], parameters: &[CParameter]) -> Vec<u8> {
    let mut compressor = zstd::bulk::Compressor::new(1).unwrap();
    let usual = [
        CParameter::ChecksumFlag(true),
        CParameter::ContentSizeFlag(true),
    ];
    for &parameter in usual.iter().chain(parameters) {
        compressor.set_parameter(parameter).unwrap();
    }
    compressor.compress(raw).unwrap()
}

/// The message of `verify` for a bundle whose only segment is made of these frames.
fn said_of(frames: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let mut bundle = Bundle::sample();
    bundle.cut(&[]);
    let mut members = Members::of(&bundle.bytes());
    members.replace("closure/0000.zst", sealed(&frames(&bundle.stream())));
    let said = fault(&members.bytes());
    let reason = said.strip_prefix("the segment closure/0000.zst is damaged: ");
    reason.unwrap_or(&said).to_owned()
}

#[test]
fn a_second_frame_is_refused() {
    let frames = |raw: &[u8]| [frame(raw, &[]), frame(b"", &[])].concat();
    assert_eq!(said_of(frames), "it does not end where it should");
}

#[test]
fn content_in_two_frames_is_refused() {
    let halves = |raw: &[u8]| {
        let (one, two) = raw.split_at(raw.len() / 2);
        [frame(one, &[]), frame(two, &[])].concat()
    };
    assert_eq!(said_of(halves), WRONG_SIZE);
}

#[test]
fn a_skippable_frame_before_the_content_is_refused() {
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
    let frames = |raw: &[u8]| [skippable.as_slice(), &frame(raw, &[])].concat();
    assert_eq!(said_of(frames), WRONG_SIZE);
}

#[test]
fn a_bomb_is_refused_by_the_size_that_it_states() {
    let bomb = |_: &[u8]| frame(&vec![0; 64 << 20], &[]);
    assert_eq!(said_of(bomb), WRONG_SIZE);
}

/// One frame's blocks behind the header of a frame of the right size.
fn behind_an_honest_header(raw: &[u8], mut frame_of_other: Vec<u8>) -> Vec<u8> {
    let honest = frame(raw, &[]);
    let (ours, theirs) = (header_size(&frame_of_other), header_size(&honest));
    let honest = honest[..theirs].iter().copied();
    frame_of_other.splice(..ours, honest).for_each(drop);
    frame_of_other
}

/// RFC 8878, 3.1.1.1: magic number, descriptor, window, dictionary, content size.
fn header_size(frame: &[u8]) -> usize {
    let descriptor = frame[4];
    let single = usize::from(descriptor >> 5 & 1);
    let content = [single, 2, 4, 8][usize::from(descriptor >> 6)];
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    4 + 1 + (1 - single) + dictionary + content
}

#[test]
fn a_bomb_that_lies_about_its_size_is_cut_off() {
    let bomb = |raw: &[u8]| behind_an_honest_header(raw, frame(&vec![0; 64 << 20], &[]));
    assert_eq!(said_of(bomb), "zstd: Destination buffer is too small");
}

#[test]
fn a_frame_that_holds_less_than_it_states_is_refused() {
    let short = |raw: &[u8]| behind_an_honest_header(raw, frame(&raw[100..], &[]));
    assert_eq!(said_of(short), "zstd: Data corruption detected");
}

#[test]
fn a_frame_that_needs_a_dictionary_is_refused() {
    let frames = |raw: &[u8]| {
        let mut frame = frame(raw, &[]);
        // The descriptor announces an identifier of one byte, which follows it.
        frame[4] |= 1;
        frame.insert(5, 77);
        frame
    };
    assert_eq!(said_of(frames), "it needs a dictionary");
}

#[test]
fn a_frame_with_bits_that_mean_nothing_is_refused() {
    // zstd says that one must be zero, and that decoders ignore the other.
    for (bit, because) in [
        (0b1000, WRONG_SIZE),
        (0b1_0000, "its header has unknown bits"),
    ] {
        let frames = |raw: &[u8]| {
            let mut frame = frame(raw, &[]);
            frame[4] |= bit;
            frame
        };
        assert_eq!(said_of(frames), because);
    }
}

#[test]
fn a_frame_without_a_checksum_is_refused() {
    let frames = |raw: &[u8]| frame(raw, &[CParameter::ChecksumFlag(false)]);
    assert_eq!(said_of(frames), "it has no checksum");
}

#[test]
fn a_frame_that_does_not_state_its_size_is_refused() {
    let frames = |raw: &[u8]| frame(raw, &[CParameter::ContentSizeFlag(false)]);
    assert_eq!(said_of(frames), WRONG_SIZE);
}

#[test]
fn a_frame_without_a_magic_number_is_refused() {
    let frames = |raw: &[u8]| frame(raw, &[CParameter::Format(FrameFormat::Magicless)]);
    assert_eq!(said_of(frames), WRONG_SIZE);
}

#[test]
fn another_compression_is_refused() {
    let gzip = |raw: &[u8]| [b"\x1f\x8b\x08\0".as_slice(), raw].concat();
    assert_eq!(said_of(gzip), WRONG_SIZE);
}

#[test]
fn a_cut_frame_is_refused() {
    let cut = |raw: &[u8]| {
        let whole = frame(raw, &[]);
        whole[..whole.len() - 9].to_vec()
    };
    assert_eq!(said_of(cut), "it does not end where it should");
}

/// `zstd -d` refuses larger windows without an option, so the line for recovery would fail.
#[test]
fn a_window_that_stock_zstd_refuses_is_refused() {
    let frames = |raw: &[u8]| with_window(frame(raw, &[]), 28);
    assert_eq!(said_of(frames), "its window is not its content");
}

/// The frame, but its header states this window instead of "as large as my content".
fn with_window(mut frame: Vec<u8>, log: u8) -> Vec<u8> {
    let size = zstd_safe::get_frame_content_size(&frame).unwrap().unwrap();
    let mut head = frame[..4].to_vec();
    head.extend([0b1100_0100, (log - 10) << 3]);
    head.extend(size.to_le_bytes());
    let end = header_size(&frame);
    frame.splice(..end, head).for_each(drop);
    frame
}

#[test]
fn a_segment_without_its_check_is_refused() {
    let mut bundle = Bundle::sample();
    bundle.cut(&[]);
    let mut members = Members::of(&bundle.bytes());
    for (content, because) in [
        (frame(&bundle.stream(), &[]), "its check is malformed"),
        (b"short".to_vec(), "it is too short"),
    ] {
        members.replace("closure/0000.zst", content);
        let said = fault(&members.bytes());
        assert_eq!(
            said,
            format!("the segment closure/0000.zst is damaged: {because}")
        );
    }
}

const HEADER: &str =
    "the tar header of closure/0000.zst is damaged, or closure/0000.zst is not in its place";

/// More than zstd could ever need for the stated content.
#[test]
fn a_member_that_is_too_large_for_its_content_is_not_read() {
    let bundle = Bundle::sample();
    let most = segment::max_member_size(bundle.manifest.closure.segments[0]);
    let mut members = Members::of(&bundle.bytes());
    members.replace(
        "closure/0000.zst",
        vec![0; usize::try_from(most).unwrap() + 1],
    );
    assert_eq!(fault(&members.bytes()), HEADER);
}

#[test]
fn a_header_that_claims_exabytes_costs_nothing() {
    for size in [1 << 40, 1 << 60, u64::MAX] {
        let mut members = Members::of(&Bundle::sample().bytes());
        members.edit_header("closure/0000.zst", |header| header.set_size(size));
        assert_eq!(fault(&members.bytes()), HEADER);
    }
}
