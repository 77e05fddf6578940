//! Replaces hash parts of store paths in a stream of bytes (`bundle-format.md`, section 15.3).
//!
//! After a rebuild of everything, most contents are the same but for the hashes of other store paths in
//! them. With those replaced, the old contents are a prefix from which the new ones differ in nothing.

use std::collections::HashMap;

use super::manifest::Replacement;
use crate::store::store_path::{HASH_CHARS, HashPart, is_hash_byte};

/// A hash part as bytes.
type Hash = [u8; HASH_CHARS];

/// Pairs of hash parts. All of them are replaced at once, so hash parts may take each other's places.
#[derive(Debug, Clone, Default)]
pub struct Replacements(HashMap<Hash, Hash>);

impl Replacements {
    /// The replacements of an update.
    pub fn new<'a>(all: impl IntoIterator<Item = &'a Replacement>) -> Self {
        let bytes = |part: &HashPart| *part.as_bytes();
        let all = all.into_iter();
        Self(all.map(|one| (bytes(&one.from), bytes(&one.to))).collect())
    }

    /// Begins a stream.
    pub fn begin(&self) -> Rebase<'_> {
        Rebase {
            replacements: self,
            held: Vec::new(),
        }
    }
}

/// A stream in which hash parts are being replaced.
#[derive(Debug)]
pub struct Rebase<'a> {
    replacements: &'a Replacements,
    /// The last bytes, which could be the beginning of a hash part: fewer than it has.
    held: Vec<u8>,
}

impl Rebase<'_> {
    /// Takes the next bytes and appends to `out` all that are decided. The last 31 bytes may be kept
    /// until more come.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.replacements.0.is_empty() {
            return out.extend_from_slice(bytes);
        }
        let start = out.len();
        out.append(&mut self.held);
        out.extend_from_slice(bytes);
        let undecided = self.replace(&mut out[start..]);
        self.held = out.split_off(start + undecided);
    }

    /// Appends the bytes that were kept: the stream is over.
    pub fn finish(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.held);
    }

    /// Replaces from left to right. Returns from where on more bytes are needed to decide.
    fn replace(&self, bytes: &mut [u8]) -> usize {
        let mut at = 0;
        while let Some(window) = bytes.get_mut(at..at + HASH_CHARS) {
            // Behind a byte that is in no hash part, nothing of this window can begin one.
            if let Some(last) = window.iter().rposition(|&byte| !is_hash_byte(byte)) {
                at += last + 1;
                continue;
            }
            let found = <&Hash>::try_from(&*window).ok();
            match found.and_then(|hash| self.replacements.0.get(hash)) {
                Some(to) => {
                    window.copy_from_slice(to);
                    at += HASH_CHARS;
                }
                None => at += 1,
            }
        }
        at.min(bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0123456789abcdfghijklmnpqrsvwxyz";
    const B: &str = "zyxwvsrqpnmlkjihgfdcba9876543210";
    const C: &str = "00000000000000000000000000000000";

    fn replacements(pairs: &[(&str, &str)]) -> Replacements {
        let part = |text| HashPart::parse(text).unwrap();
        let all: Vec<_> = pairs
            .iter()
            .map(|(from, to)| Replacement {
                from: part(from),
                to: part(to),
            })
            .collect();
        Replacements::new(&all)
    }

    fn rebased(replacements: &Replacements, text: &str, step: usize) -> String {
        let mut out = Vec::new();
        let mut rebase = replacements.begin();
        for bytes in text.as_bytes().chunks(step) {
            rebase.push(bytes, &mut out);
        }
        rebase.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn hash_parts_take_each_others_places_wherever_the_stream_is_cut() {
        let cycle = replacements(&[(A, B), (B, C), (C, A)]);
        let text = format!(
            "/nix/store/{A}-x {B}{A}{C} 0{A}z {} end {}",
            &A[1..],
            &C[1..]
        );
        let wanted = format!(
            "/nix/store/{B}-x {C}{B}{A} 0{B}z {} end {}",
            &A[1..],
            &C[1..]
        );
        for step in 1..text.len() {
            assert_eq!(rebased(&cycle, &text, step), wanted, "{step}");
        }
    }

    #[test]
    fn the_leftmost_is_replaced_where_two_overlap() {
        let zeros = replacements(&[(C, A)]);
        let text = "0".repeat(70);
        for step in [1, 5, 32, 33, 70] {
            assert_eq!(rebased(&zeros, &text, step), format!("{A}{A}000000"));
        }
    }

    #[test]
    fn without_replacements_a_stream_stays_as_it_is() {
        assert_eq!(rebased(&Replacements::default(), A, 3), A);
    }
}
