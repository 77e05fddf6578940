//! The kept inputs of the fuzzers (`fuzz/corpus`), and mutations of them. Each target's promises are in
//! `fuzz/entries.rs`.

use std::fs;
use std::path::Path;
use std::process::Command;

use entries::{ENTRIES, Entry};

#[path = "../../fuzz/entries.rs"]
mod entries;

/// How many mutations of each kind are tried. A fuzzer that sees what they cover finds more, but takes
/// a nightly Rust.
const MUTATIONS: u64 = 300;

/// Numbers that look random, and are the same each time (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap()
    }
}

fn corpus(kind: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(kind);
    let mut files: Vec<_> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Flips, cuts, repeats or joins what is there.
fn mutated(inputs: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = inputs[numbers.below(inputs.len())].clone();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        match numbers.below(6) {
            0 => bytes.truncate(at),
            1 => {
                let other = &inputs[numbers.below(inputs.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[numbers.below(other.len())..]);
            }
            2 => {
                let part = bytes[at..bytes.len().min(at + numbers.below(40))].to_vec();
                bytes.splice(at..at, part);
            }
            3 => {
                let values = [0, 1, 0x7f, 0x80, 0xff, b'\n', b'"', b'/'];
                let value = values[numbers.below(values.len())];
                bytes.splice(at..bytes.len().min(at + 1), [value]);
            }
            _ if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            _ => {}
        }
    }
    bytes
}

/// A repair syncs by starting its own program once more, which a test is not.
fn parity(bytes: &[u8]) {
    entries::parity_for(bytes, |bundle, output| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shellpack"));
        let command = command.args(["-q", "repair", "-o"]).args([output, bundle]);
        let code = command.output().unwrap().status.code();
        assert!(matches!(code, Some(0 | 1)), "{code:?}");
        output.exists()
    });
}

#[test]
fn kept_inputs_and_their_mutations_break_no_promise() {
    for (kind, entry) in ENTRIES {
        let (entry, mutations): (Entry, _) = match kind {
            "parity" => (parity, MUTATIONS / 5),
            _ => (entry, MUTATIONS),
        };
        let inputs = corpus(kind);
        assert!(!inputs.is_empty(), "{kind} has no inputs");
        for input in &inputs {
            entry(input);
        }
        let mut numbers = Numbers(0x5eed);
        for _ in 0..mutations {
            entry(&mutated(&inputs, &mut numbers));
        }
    }
}

/// So that no target is forgotten.
#[test]
fn each_kind_has_a_fuzz_target() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let files = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = files.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    let kinds: Vec<_> = ENTRIES
        .iter()
        .map(|(kind, _)| format!("{kind}.rs"))
        .collect();
    assert_eq!(names, kinds);
}
