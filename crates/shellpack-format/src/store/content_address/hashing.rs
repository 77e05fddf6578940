//! The hash of a claim, made while the NAR goes by.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::{Algorithm, ContentAddress, Method};
use crate::store::hash::Digest;
use crate::store::nar::parse::NarEvent;
use crate::store::path_info::PathInfo;

/// Checks the contents of a path against its claim.
#[derive(Debug, Clone)]
pub(in crate::store) struct Hashing {
    expected: Vec<u8>,
    of: Of,
}

/// The bytes that are hashed.
#[derive(Debug, Clone)]
enum Of {
    /// The NAR.
    Nar(Hasher),
    /// The NAR of a path that refers to itself.
    Without(WithoutItself),
    /// The contents of the only file.
    File(Hasher),
    /// The contents of a file that is none.
    Nothing,
}

/// The NAR with zeros in the place of the path's own hash part, and then the places: so the hash can
/// be known before the path is (`HashModuloSink` in Nix's `references.cc`).
#[derive(Debug, Clone)]
struct WithoutItself {
    own: Vec<u8>,
    hasher: Hasher,
    /// Bytes that may be the beginning of the hash part.
    kept: Vec<u8>,
    /// The offset of the kept bytes.
    at: u64,
    places: Vec<u64>,
}

#[derive(Debug, Clone)]
enum Hasher {
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hashing {
    /// For a path with this claim; `None` if the claim is of a kind that is not checked.
    pub(in crate::store) fn new(claim: &ContentAddress, info: &PathInfo) -> Option<Self> {
        let hasher = match claim.algorithm {
            Algorithm::Md5 => Hasher::Md5(Md5::new()),
            Algorithm::Sha1 => Hasher::Sha1(Sha1::new()),
            Algorithm::Sha256 => Hasher::Sha256(Sha256::new()),
            Algorithm::Sha512 => Hasher::Sha512(Sha512::new()),
            Algorithm::Blake3 => return None,
        };
        let of = match claim.method {
            Method::Text | Method::Flat => Of::File(hasher),
            Method::Recursive if info.references.contains(&info.path) => {
                Of::Without(WithoutItself {
                    own: info.path.hash_part().as_bytes().to_vec(),
                    hasher,
                    kept: Vec::new(),
                    at: 0,
                    places: Vec::new(),
                })
            }
            Method::Recursive => Of::Nar(hasher),
            Method::Git => return None,
        };
        let expected = claim.hash.clone();
        Some(Self { expected, of })
    }

    /// Whether it is true if the NAR has this hash, so that nothing needs to be hashed twice.
    pub(in crate::store) fn is_of(&self, nar: &Digest) -> bool {
        matches!(self.of, Of::Nar(Hasher::Sha256(_))) && self.expected == nar.bytes()
    }

    /// Takes bytes of the NAR.
    pub(in crate::store) fn bytes(&mut self, bytes: &[u8]) {
        match &mut self.of {
            Of::Nar(hasher) => hasher.update(bytes),
            Of::Without(without) => without.update(bytes),
            Of::File(_) | Of::Nothing => {}
        }
    }

    /// Takes a part of the NAR.
    pub(in crate::store) fn event(&mut self, event: &NarEvent<'_>) {
        match (&mut self.of, event) {
            (Of::File(hasher), NarEvent::Contents(bytes)) => hasher.update(bytes),
            (Of::File(_), NarEvent::Directory | NarEvent::Symlink(_)) => self.of = Of::Nothing,
            _ => {}
        }
    }

    /// Whether the contents have the claimed hash.
    pub(in crate::store) fn holds(self) -> bool {
        let found = match self.of {
            Of::Nar(hasher) | Of::File(hasher) => hasher.finish(),
            Of::Without(without) => without.finish(),
            Of::Nothing => return false,
        };
        found == self.expected
    }
}

impl WithoutItself {
    fn update(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
        let mut from = 0;
        while let Some(found) = position(&self.kept[from..], &self.own) {
            let place = from + found;
            from = place + self.own.len();
            self.kept[place..from].fill(0);
            self.places.push(self.at + place as u64);
        }
        let done = (self.kept.len() + 1).saturating_sub(self.own.len());
        self.hasher.update(&self.kept[..done]);
        self.kept.drain(..done);
        self.at += done as u64;
    }

    fn finish(mut self) -> Vec<u8> {
        self.hasher.update(&self.kept);
        for place in self.places {
            self.hasher.update(format!("|{place}").as_bytes());
        }
        self.hasher.finish()
    }
}

fn position(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    let first = sought.first()?;
    let mut from = 0;
    loop {
        let at = from + bytes[from..].iter().position(|byte| byte == first)?;
        if bytes[at..].starts_with(sought) {
            return Some(at);
        }
        from = at + 1;
    }
}

impl Hasher {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Md5(hasher) => hasher.finalize().to_vec(),
            Self::Sha1(hasher) => hasher.finalize().to_vec(),
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
            Self::Sha512(hasher) => hasher.finalize().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wherever the slices are cut.
    #[test]
    fn the_own_hash_part_is_left_out() {
        let own = "0123456789abcdfghijklmnpqrsvwxyz";
        let text = format!("ab{own}cd{own}{own}");
        let zeros = "\0".repeat(32);
        let expected = Sha256::digest(format!("ab{zeros}cd{zeros}{zeros}|2|36|68"));
        for step in 1..=text.len() {
            let mut without = WithoutItself {
                own: own.into(),
                hasher: Hasher::Sha256(Sha256::new()),
                kept: Vec::new(),
                at: 0,
                places: Vec::new(),
            };
            for slice in text.as_bytes().chunks(step) {
                without.update(slice);
            }
            assert_eq!(without.finish(), expected.to_vec(), "slices of {step}");
        }
    }
}
