//! Files that open themselves, or say so. What each field may be is in the unit tests of
//! `bundle/executable.rs`; here are whole files, as `verify` reads them.

use shellpack_format::bundle::executable::{self, Header};
use shellpack_format::bundle::reader::{Piped, Reader};
use shellpack_format::store::hash::Digest;

use crate::synthetic::{Bundle, fault, faults};

const PROGRAM: &[u8] = b"a program";
const SCRIPT: &str = "exit\n";

/// A file that would open itself, if the script did anything.
fn executable(program: &[u8], bundle: &[u8]) -> Vec<u8> {
    let header = Header::new(program.len() as u64, Digest::of(program), "x86_64-linux").unwrap();
    let mut bytes = header.to_bytes(SCRIPT).unwrap();
    bytes.extend(program);
    executable::write_padding(&mut bytes, program.len() as u64).unwrap();
    bytes.extend(bundle);
    bytes
}

/// This file with another text in its header, and the header's own digest made right.
fn with(old: &str, new: &str) -> Vec<u8> {
    let bytes = executable(PROGRAM, &Bundle::sample().bytes());
    let end = bytes.iter().position(|&byte| byte == 0).unwrap();
    let text = std::str::from_utf8(&bytes[..end]).unwrap();
    let sealed = text.split_once("# sha256:").unwrap().0.replace(old, new);
    let line = format!("# sha256:{}\n", Digest::of(sealed.as_bytes()).hex());
    let mut header = (sealed + &line).into_bytes();
    header.resize(16384, 0);
    [&header, &bytes[16384..]].concat()
}

#[test]
fn a_sound_one_is_sound() {
    let bundle = Bundle::sample().bytes();
    for size in [1, 511, 512, 513, 300_000] {
        let bytes = executable(&vec![7; size], &bundle);
        assert!(faults(&bytes).is_empty(), "{size}");
        let reader = Reader::open(Piped(bytes.as_slice())).unwrap();
        assert_eq!(reader.start(), (bytes.len() - bundle.len()) as u64);
    }
    assert!(faults(&with("exit", "exit")).is_empty());
}

#[test]
fn a_header_that_leads_elsewhere_is_refused() {
    let digits = "9".repeat(30);
    for (old, new, expected) in [
        (
            "program_at=16384",
            "program_at=512",
            "bundle_at is not valid",
        ),
        (
            "program_at=16384",
            &format!("program_at={digits}"),
            "program_at is not valid",
        ),
        (
            "program_size=9",
            "program_size=8",
            "the program in it is damaged",
        ),
        (
            "program_size=9",
            "program_size=10",
            "the program in it is damaged",
        ),
        (
            "program_size=9",
            "program_size=0",
            "program_size is not valid",
        ),
        (
            "program_size=9",
            "program_size=900",
            "bundle_at is not valid",
        ),
        (
            "program_size=9",
            &format!("program_size={digits}"),
            "program_size is not valid",
        ),
        ("bundle_at=16896", "bundle_at=0", "bundle_at is not valid"),
        (
            "bundle_at=16896",
            &format!("bundle_at={digits}"),
            "bundle_at is not valid",
        ),
        (
            "bundle_at=16896",
            "bundle_at=18446744073709551615",
            "bundle_at is not valid",
        ),
    ] {
        let said = fault(&with(old, new));
        assert!(said.ends_with(expected), "{new}: {said}");
    }
    let more = with("program_size=9\n", "program_size=600\n");
    let more = fault(&more);
    assert!(more.ends_with("bundle_at is not valid"), "{more}");
    // A program as long as it says would end behind the file.
    let long = with("program_size=9\n", "program_size=100000000\n");
    let long = String::from_utf8_lossy(&long).replace("bundle_at=16896", "bundle_at=100016896");
    assert!(!faults(long.as_bytes()).is_empty());
}

#[test]
fn a_bundle_in_a_bundle_is_refused() {
    let inner = executable(PROGRAM, &Bundle::sample().bytes());
    let twice = executable(PROGRAM, &inner);
    let expected =
        "the tar header of manifest.toml is damaged, or manifest.toml is not in its place";
    assert_eq!(fault(&twice), expected);
    assert_eq!(fault(&executable(PROGRAM, &[0; 2048])), expected);
}

#[test]
fn it_ends_with_the_bundle() {
    let bytes = executable(PROGRAM, &Bundle::sample().bytes());
    assert_eq!(
        fault(&[&bytes[..], b"x"].concat()),
        "there are bytes after its end"
    );
    for (size, within) in [
        (40, "its header"),
        (511, "its header"),
        (16383, "its header"),
        (16384, "its program"),
        (16895, "its program"),
        (16896, "manifest.toml"),
        (17000, "manifest.toml"),
    ] {
        let said = fault(&bytes[..size]);
        assert_eq!(said, format!("it is cut short: it ends within {within}"));
    }
}

#[test]
fn every_length_and_each_flipped_bit_is_refused() {
    let bytes = executable(PROGRAM, &Bundle::sample().bytes());
    let end = bytes.iter().position(|&byte| byte == 0).unwrap();
    let places = (0..end).chain([end, 16383]).chain(16384..16896);
    for at in places.step_by(7) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        let read = Reader::open(Piped(flipped.as_slice()));
        assert!(read.is_err(), "byte {at}");
    }
    for size in (0..bytes.len()).step_by(97) {
        assert!(!faults(&bytes[..size]).is_empty(), "{size} bytes");
    }
}
