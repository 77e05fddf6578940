//! The results of a reader, however the bytes arrive, and the end of a bundle.

use std::io::{self, Read};

use shellpack_format::bundle::extent::{Extent, measure};
use shellpack_format::bundle::member::BLOCK;
use shellpack_format::bundle::reader::{Input, Piped, ReadError, Reader};
use shellpack_format::bundle::{BadBundle, segment};
use shellpack_format::store::hash::Digest;

use crate::synthetic::{Bundle, Members, fault, faults};

/// Gives a few bytes at a time, and now and then an interruption, as pipes do.
struct Short<'a>(&'a [u8], usize);

impl Read for Short<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        if self.1.is_multiple_of(5) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let n = buffer.len().min(1 + self.1 % 97);
        self.0.read(&mut buffer[..n])
    }
}

/// A reader behind the project files.
fn reader(bundle: &Bundle, bytes: Vec<u8>) -> Reader<Box<dyn Input>> {
    let reader = Reader::open(Piped(io::Cursor::new(bytes))).unwrap();
    let mut reader = reader.through(|input| Box::new(input) as Box<dyn Input>);
    for file in &bundle.manifest.project.files {
        reader.project_file(file, |_| Ok(())).unwrap();
    }
    reader
}

#[test]
fn a_bundle_comes_back_from_short_reads() {
    let bundle = Bundle::sample();
    let bytes = bundle.bytes();
    let mut reader = Reader::open(Piped(Short(&bytes, 0))).unwrap();
    let text = bundle.manifest.to_bytes().unwrap();
    assert_eq!(*reader.manifest(), bundle.manifest);
    assert_eq!(reader.manifest_bytes(), text);
    assert_eq!(reader.manifest_digest(), Digest::of(&text));
    let head = BLOCK + text.len().next_multiple_of(BLOCK) + BLOCK + 4096;
    assert_eq!(reader.head_size(), head as u64);
    let mut contents = Vec::new();
    for file in &bundle.manifest.project.files {
        let sink = |chunk: &[u8]| io::Write::write_all(&mut contents, chunk);
        reader.project_file(file, sink).unwrap();
    }
    assert_eq!(contents, bundle.contents.concat());
    let mut stream = Vec::new();
    for (index, &size) in bundle.manifest.closure.segments.iter().enumerate() {
        let mut member = Vec::new();
        let mut found = reader.segment(index).unwrap();
        found.content.read_to_end(&mut member).unwrap();
        assert_eq!(found.size, member.len() as u64);
        stream.extend(segment::decode(&[], &member, size).unwrap());
    }
    reader.finish().unwrap();
    assert_eq!(stream, bundle.stream());
}

/// Also through another input.
#[test]
fn segments_can_be_passed_over() {
    let bundle = Bundle::sample();
    let mut reader = reader(&bundle, bundle.bytes());
    reader.skip_segment(0).unwrap();
    let mut member = Vec::new();
    let mut found = reader.segment(1).unwrap();
    found.content.read_to_end(&mut member).unwrap();
    assert_eq!(
        segment::decode(&[], &member, 900).unwrap(),
        bundle.raw_segments()[1]
    );
    reader.skip_segment(2).unwrap();
    reader.finish().unwrap();
}

#[test]
fn the_end_of_the_input_is_told_by_the_member() {
    let bundle = Bundle::sample();
    let bytes = bundle.bytes();
    let end = Members::of(&bytes).end_of("closure/0001.zst");
    for cut in [end - 1, end + 1] {
        for skip in [false, true] {
            let mut reader = reader(&bundle, bytes[..cut].to_vec());
            reader.skip_segment(0).unwrap();
            let outcome = if skip {
                reader.skip_segment(1)
            } else {
                reader.segment(1).map(drop)
            };
            let said = outcome.unwrap_err().to_string();
            assert_eq!(said, "it is cut short: it ends within closure/0001.zst");
        }
    }
    for length in (1..bytes.len()).step_by(101) {
        let found = faults(&bytes[..length]);
        assert!(
            matches!(found.as_slice(), [BadBundle::Truncated { .. }]),
            "{length}"
        );
    }
    assert!(matches!(faults(b"").as_slice(), [BadBundle::NotABundle]));
}

#[test]
fn nothing_comes_after_the_end() {
    let bytes = [&Bundle::minimal().bytes()[..], &[0]].concat();
    assert_eq!(fault(&bytes), "there are bytes after its end");
    // The input is another one, which is asked in its own way.
    let bundle = Bundle::minimal();
    let mut reader = reader(&bundle, bytes);
    reader.skip_segment(0).unwrap();
    let said = reader.finish().unwrap_err().to_string();
    assert_eq!(said, "there are bytes after its end");
}

#[test]
fn a_project_file_has_its_digest() {
    let mut members = Members::of(&Bundle::sample().bytes());
    members.get("shell/run").content[2] ^= 1;
    assert_eq!(fault(&members.bytes()), "the project file run is damaged");
}

/// Its failure is not the bundle's.
#[test]
fn a_sink_that_fails_is_told() {
    let bytes = Bundle::minimal().bytes();
    let mut reader = Reader::open(Piped(bytes.as_slice())).unwrap();
    let file = reader.manifest().project.files[0].clone();
    let outcome = reader.project_file(&file, |_| Err(io::Error::other("full")));
    assert!(matches!(outcome, Err(ReadError::Io(error)) if error.to_string() == "full"));
}

/// Fails once, and has ended then.
struct Failing(bool);

impl Read for Failing {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.0) {
            return Err(io::Error::other("gone"));
        }
        Ok(0)
    }
}

/// Only an interruption is tried again.
#[test]
fn an_input_that_fails_is_told() {
    let outcome = Reader::open(Piped(Failing(true)));
    assert!(matches!(outcome, Err(ReadError::Io(error)) if error.to_string() == "gone"));
}

/// The result of `measure` for a file with these bytes.
fn measured(bytes: &[u8]) -> Extent {
    let reader = Reader::open(Piped(bytes)).unwrap();
    let size = reader.manifest_bytes().len() as u64;
    let read = |at: u64, block: &mut [u8; BLOCK]| {
        let at = usize::try_from(at).unwrap();
        let found = bytes.get(at..at + BLOCK);
        Ok(found.map(|found| block.copy_from_slice(found)).is_some())
    };
    measure(0, reader.manifest(), size, read).unwrap()
}

#[test]
fn the_end_follows_from_the_headers() {
    let bytes = Bundle::sample().bytes();
    let members = Members::of(&bytes);
    let starts = ["closure/0000.zst", "closure/0001.zst", "closure/0002.zst"].map(|name| {
        let size = members.0[members.index(name)].content.len();
        (members.end_of(name) - size - BLOCK) as u64
    });
    let end = bytes.len() as u64;
    let segments = starts.to_vec();
    assert_eq!(measured(&bytes), Extent::Exactly { end, segments });
    let cut = usize::try_from(starts[2]).unwrap() + 1;
    let least = starts[2] + BLOCK as u64;
    assert_eq!(measured(&bytes[..cut]), Extent::AtLeast(least));
    let mut bad = bytes;
    bad[usize::try_from(starts[1]).unwrap()] ^= 1;
    let member = "closure/0001.zst".to_owned();
    let at = starts[1];
    assert_eq!(measured(&bad), Extent::Misplaced { member, at });
}

/// The bound is zstd's own, and the check's.
#[test]
fn a_segment_is_not_larger_than_its_content_allows() {
    let most = segment::max_member_size(900);
    for (size, is_misplaced) in [(most, false), (most + 1, true)] {
        let mut members = Members::of(&Bundle::sample().bytes());
        let content = vec![0; usize::try_from(size).unwrap()];
        members.replace("closure/0001.zst", content);
        let found = measured(&members.bytes());
        assert_eq!(matches!(found, Extent::Misplaced { .. }), is_misplaced);
    }
}
