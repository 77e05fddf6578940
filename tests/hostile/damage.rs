//! Damage: whatever bit, byte or half of a bundle is not as it was written, `verify` says so,
//! and nothing panics.

use std::collections::HashSet;
use std::mem::discriminant;

use shellpack_format::bundle::BadBundle;

use crate::synthetic::{Bundle, Members, Tree, Unnamed, fault, faults, faults_of, segment};

/// Damages each byte in turn, in each of these ways.
fn is_refused_with_any_byte_changed(bundle: &[u8], masks: impl Fn(usize) -> Vec<u8> + Sync) {
    let half = bundle.len() / 2;
    std::thread::scope(|scope| {
        for places in [0..half, half..bundle.len()] {
            scope.spawn(|| {
                let file = Unnamed::holding(bundle);
                for place in places {
                    for mask in masks(place) {
                        file.set(place, bundle[place] ^ mask);
                        assert_ne!(faults_of(&file, 1).len(), 0, "byte {place} ^ {mask}");
                    }
                    file.set(place, bundle[place]);
                }
                assert_eq!(faults_of(&file, 1).len(), 0);
            });
        }
    });
}

#[test]
fn every_flipped_bit_is_refused() {
    let every_bit = |_| (0..8).map(|bit| 1u8 << bit).collect();
    is_refused_with_any_byte_changed(&Bundle::minimal().bytes(), every_bit);
}

/// Not even in a segment that no path needs.
#[test]
fn a_flipped_bit_is_refused_where_there_is_no_store_path() {
    let empty = Bundle::new(&[("shell.nix", Tree::file("{ }"))], &[]);
    is_refused_with_any_byte_changed(&empty.bytes(), |place| vec![1 << (place % 8)]);
}

/// The same where there is more of everything, with one bit of each byte: all of them would
/// take a minute.
#[test]
fn a_flipped_bit_in_any_byte_is_refused() {
    let one_bit = |place| vec![1u8 << (place % 8)];
    is_refused_with_any_byte_changed(&Bundle::sample().bytes(), one_bit);
}

#[test]
fn a_bundle_cut_anywhere_is_cut_short() {
    let bytes = Bundle::sample().bytes();
    let file = Unnamed::holding(&bytes);
    for length in (1..bytes.len()).rev() {
        file.cut(length);
        let faults = faults_of(&file, 1);
        assert!(
            matches!(faults.as_slice(), [BadBundle::Truncated { .. }]),
            "{length} bytes: {faults:?}"
        );
    }
}

#[test]
fn an_empty_file_is_no_bundle() {
    assert!(matches!(faults(b"").as_slice(), [BadBundle::NotABundle]));
}

#[test]
fn appended_bytes_are_refused() {
    let bytes = Bundle::sample().bytes();
    for appended in [&[0][..], &[0; 512], &[0; 10240], b"x", &bytes] {
        let longer = [bytes.as_slice(), appended].concat();
        assert_eq!(fault(&longer), "there are bytes after its end");
    }
}

/// All of them, not only the first.
#[test]
fn every_damaged_part_is_named() {
    let mut members = Members::of(&Bundle::sample().bytes());
    let files = ["shell/run", "shell/shell.nix"];
    let segments = ["closure/0000.zst", "closure/0002.zst"];
    for name in files.into_iter().chain(segments) {
        members.get(name).content[2] ^= 1;
    }
    let found = faults(&members.bytes());
    let mut said: Vec<_> = found.iter().map(ToString::to_string).collect();
    said.sort();
    assert_eq!(
        said,
        [
            "the project file run is damaged",
            "the project file shell.nix is damaged",
            "the segment closure/0000.zst is damaged: its bytes do not match their check",
            "the segment closure/0002.zst is damaged: its bytes do not match their check",
        ]
    );
}

/// However the threads share the work: what goes on in a segment that is damaged is passed
/// over, and no thread waits for it.
#[test]
fn damaged_segments_are_found_with_any_number_of_jobs() {
    let mut bundle = Bundle::sample();
    bundle.cut(&[100, 900, 1300, 1310, 2500, 3100]);
    let bytes = bundle.bytes();
    for damaged in 0u32..1 << 7 {
        let mut members = Members::of(&bytes);
        for segment in (0..7).filter(|segment| damaged >> segment & 1 == 1) {
            members.get(&format!("closure/{segment:04}.zst")).content[9] ^= 4;
        }
        let file = Unnamed::holding(&members.bytes());
        for threads in [1, 2, 5] {
            let found = faults_of(&file, threads);
            let setting = format!("{damaged:b}, {threads} threads: {found:?}");
            let segment = |fault: &BadBundle| matches!(fault, BadBundle::Segment { .. });
            assert!(found.iter().all(segment), "{setting}");
            assert_eq!(found.len(), damaged.count_ones() as usize, "{setting}");
        }
    }
}

/// A swap keeps every segment's own check right.
#[test]
fn swapped_segments_are_found_by_their_contents() {
    let mut bundle = Bundle::sample();
    bundle.cut(&[1000, 2000, 3000]);
    let mut members = Members::of(&bundle.bytes());
    let [one, two] = ["closure/0001.zst", "closure/0002.zst"];
    let contents = [one, two].map(|name| members.get(name).content.clone());
    let [first, second] = contents;
    members.replace(one, second);
    members.replace(two, first);
    assert_eq!(
        fault(&members.bytes()),
        format!(
            "the store path {:032}-libgreet-1.0 is damaged: \
             its contents do not have the hash that the manifest states",
            3
        )
    );
}

#[test]
fn each_store_path_that_differs_is_named() {
    let mut bundle = Bundle::sample();
    for nar in [1, 3] {
        let contents = bundle.nars[nar].len() - 30;
        bundle.nars[nar][contents] ^= 0x20;
    }
    // The NARs are packed as they are now; the manifest describes the old ones.
    let found = faults(&bundle.bytes());
    let mut said: Vec<_> = found.iter().map(ToString::to_string).collect();
    said.sort();
    let because = "is damaged: its contents do not have the hash that the manifest states";
    let paths = [3, 1].map(|nar| bundle.manifest.closure.paths[nar].path.clone());
    let expected = paths.map(|path| format!("the store path {path} {because}"));
    assert_eq!(said, expected);
}

/// The message of `verify` where the stream is not the one that the manifest describes.
fn said_of_stream(edit: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bundle = Bundle::sample();
    bundle.cut(&[]);
    let mut stream = bundle.stream();
    edit(&mut stream);
    let mut members = Members::of(&bundle.bytes());
    members.replace("closure/0000.zst", segment(&stream));
    fault(&members.bytes())
}

/// The record around a NAR is covered by no hash, and `nix-store --import` would believe it.
#[test]
fn a_record_with_another_name_is_refused() {
    let name = format!("{:032}-bash", 1);
    let rename = |stream: &mut Vec<u8>| {
        let mut places = stream.windows(name.len());
        let at = places.position(|part| part == name.as_bytes()).unwrap();
        stream[at + 33..at + 37].copy_from_slice(b"evil");
    };
    assert_eq!(
        said_of_stream(rename),
        format!(
            "the store path {name} is damaged: \
             its framing is not the one that the manifest calls for"
        )
    );
}

#[test]
fn a_stream_that_goes_on_is_refused() {
    let go_on = |stream: &mut Vec<u8>| {
        let end = stream.len() - 8;
        stream[end] = 1;
    };
    assert_eq!(
        said_of_stream(go_on),
        "the segment closure/0000.zst is damaged: the stream's end mark is wrong"
    );
}

/// The same few thousand mutations on every run: a fuzzer that fits in the test suite.
#[test]
fn no_mutation_panics_or_passes() {
    let golden = Bundle::sample().bytes();
    let mut random = Random(0x5eed);
    let mut seen = HashSet::new();
    for round in 0..2000 {
        let mut bytes = golden.clone();
        for _ in 0..=random.below(4) {
            mutate(&mut bytes, &mut random);
        }
        let found = faults(&bytes);
        assert!(bytes == golden || !found.is_empty(), "round {round}");
        seen.extend(found.iter().map(discriminant));
    }
    assert!(
        seen.len() >= 7,
        "the mutations do not reach far: {}",
        seen.len()
    );
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let (from, length) = (random.below(bytes.len()), 1 + random.below(700));
    let range = from..bytes.len().min(from + length);
    match random.below(6) {
        0 => bytes[from] = random.next().to_le_bytes()[0],
        1 => drop(bytes.drain(range)),
        2 => bytes.splice(from..from, vec![0; length]).for_each(drop),
        3 => bytes[range].fill(0xff),
        4 => {
            let copy = bytes[range].to_vec();
            let to = random.below(bytes.len() - copy.len());
            bytes[to..to + copy.len()].copy_from_slice(&copy);
        }
        _ => bytes.truncate(from.max(1)),
    }
}

/// xorshift64*: the same numbers everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 11).unwrap() % end.max(1)
    }
}
