//! Store paths and store directories, as types that cannot hold a bad one.
//!
//! Rules from Nix's `path.cc`: 32 characters of Nix's base 32, a dash, and a name of at
//! most 211 characters from `[0-9a-zA-Z+\-._?=]` that is not `.` or `..`, alone or before a dash.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Nix's base 32: digits and lower-case letters without `e`, `o`, `t`, `u`.
const BASE32: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// The number of characters of a hash part.
pub const HASH_CHARS: usize = 32;
/// The most characters of a name.
pub(crate) const MAX_NAME: usize = 211;
/// Far more than any store directory in use; a hostile one must not make every path long.
const MAX_DIR: usize = 200;

/// The endings of what Nix makes beside a path: its lock (`pathlocks.cc`), the root of a build in a
/// sandbox, the result of `--check`, and an output whose references are rewritten (`build/`). Nix
/// opens the lock through a symlink, and deletes whatever else is in its way.
const USED_BY_NIX: [&str; 4] = [LOCK, ".chroot", ".check", ".tmp"];
/// The ending of the lock of a path.
pub const LOCK: &str = ".lock";

/// The part of a store path after the store directory: `<hash>-<name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StorePath(String);

/// The reason why a text is not a store path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{}' is not a store path: {reason}", text.escape_debug())]
pub struct BadStorePath {
    text: String,
    reason: &'static str,
}

impl StorePath {
    /// Parses a base name such as `…-hello-2.12`.
    pub fn from_base_name(text: &str) -> Result<Self, BadStorePath> {
        let bad = |reason| BadStorePath {
            text: text.to_owned(),
            reason,
        };
        let (hash, name) = text
            .split_at_checked(HASH_CHARS)
            .ok_or_else(|| bad("its hash part is too short"))?;
        if !hash.bytes().all(is_hash_byte) {
            return Err(bad("its hash part is not in Nix's base 32"));
        }
        let name = name
            .strip_prefix('-')
            .ok_or_else(|| bad("there is no dash after the hash part"))?;
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(bad("its name is empty or too long"));
        }
        // Nix allows a leading dot, but no name that is or begins like `.` or `..`.
        let dots = matches!(name, "." | "..") || name.starts_with(".-") || name.starts_with("..-");
        if dots || !name.bytes().all(is_name_byte) {
            return Err(bad("its name has a character that Nix does not allow"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The whole `<hash>-<name>`.
    pub fn base_name(&self) -> &str {
        &self.0
    }

    /// The part after the hash: `hello-2.12`.
    pub fn name(&self) -> &str {
        &self.0[HASH_CHARS + 1..]
    }

    /// The part that no two valid paths have in common.
    pub fn hash_part(&self) -> &str {
        &self.0[..HASH_CHARS]
    }

    /// Whether Nix gives such a name to a file or directory of its own, beside the path whose name
    /// is the part before the ending.
    pub fn is_used_by_nix(&self) -> bool {
        USED_BY_NIX.iter().any(|ending| self.0.ends_with(ending))
    }

    /// Whether this is a derivation's file.
    pub fn is_derivation(&self) -> bool {
        self.0.ends_with(".drv")
    }
}

/// The hash part of a base name, if it has one and a dash behind it.
pub fn hash_part(base: &str) -> Option<&str> {
    let (hash, rest) = base.split_at_checked(HASH_CHARS)?;
    let is_hash = hash.bytes().all(is_hash_byte);
    (is_hash && rest.starts_with('-')).then_some(hash)
}

/// The hash part of a store path, alone: 32 characters of Nix's base 32.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HashPart([u8; HASH_CHARS]);

impl HashPart {
    /// Parses exactly a hash part.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = <[u8; HASH_CHARS]>::try_from(text.as_bytes()).ok()?;
        bytes
            .iter()
            .all(|&byte| is_hash_byte(byte))
            .then_some(Self(bytes))
    }

    /// Its characters.
    pub fn as_bytes(&self) -> &[u8; HASH_CHARS] {
        &self.0
    }
}

impl fmt::Display for HashPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|&byte| write!(f, "{}", char::from(byte)))
    }
}

impl fmt::Debug for HashPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HashPart({self})")
    }
}

/// A hash part as bits: five for each character, the first character first.
pub(crate) fn hash_bits(part: &str) -> [u8; HASH_CHARS * 5 / 8] {
    let mut bits = [0; HASH_CHARS * 5 / 8];
    for (at, byte) in part.bytes().take(HASH_CHARS).enumerate() {
        let digit = BASE32.iter().position(|digit| *digit == byte);
        let value = digit.unwrap_or_default();
        for bit in (0..5).filter(|bit| value >> (4 - bit) & 1 == 1) {
            bits[(at * 5 + bit) / 8] |= 0x80 >> ((at * 5 + bit) % 8);
        }
    }
    bits
}

/// The hash part of these bits.
pub(crate) fn hash_chars(bits: &[u8; HASH_CHARS * 5 / 8]) -> String {
    let is_set = |bit: usize| bits[bit / 8] & (0x80 >> (bit % 8)) != 0;
    let value = |at: usize| {
        (0..5).fold(0, |value, bit| {
            value << 1 | usize::from(is_set(at * 5 + bit))
        })
    };
    (0..HASH_CHARS)
        .map(|at| char::from(BASE32[value(at)]))
        .collect()
}

/// Whether a byte can be in a hash part.
pub const fn is_hash_byte(byte: u8) -> bool {
    IS_HASH_BYTE[byte as usize]
}

/// [`is_hash_byte`] as a table: whole NARs are searched for hash parts.
const IS_HASH_BYTE: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < BASE32.len() {
        table[BASE32[at] as usize] = true;
        at += 1;
    }
    table
};

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-._?=".contains(&byte)
}

impl fmt::Display for StorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for StorePath {
    type Error = BadStorePath;

    fn try_from(text: String) -> Result<Self, BadStorePath> {
        Self::from_base_name(&text)
    }
}

impl From<StorePath> for String {
    fn from(path: StorePath) -> Self {
        path.0
    }
}

/// The directory that holds store paths, `/nix/store` nearly everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StoreDir(String);

impl StoreDir {
    /// Parses an absolute path without `.`, `..`, empty components or a slash at its end.
    pub fn parse(text: &str) -> Result<Self, BadStorePath> {
        let rest = text.strip_prefix('/').unwrap_or_default();
        let plain = |part: &str| {
            !part.is_empty() && part != "." && part != ".." && !part.contains(char::is_control)
        };
        if text.len() <= MAX_DIR && rest.split('/').all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadStorePath {
                text: text.to_owned(),
                reason: "it is not a plain absolute directory",
            })
        }
    }

    /// The directory as text, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory as a path.
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }

    /// The full text of a store path in this store, as Nix prints it.
    pub fn print(&self, path: &StorePath) -> String {
        format!("{}/{}", self.0, path.base_name())
    }

    /// The file name of a store path.
    pub fn join(&self, path: &StorePath) -> PathBuf {
        self.as_path().join(path.base_name())
    }

    /// Parses the full text of a store path, with nothing behind its name.
    pub fn parse_path(&self, text: &str) -> Result<StorePath, BadStorePath> {
        match self.split(text) {
            Some((base, "")) => StorePath::from_base_name(base),
            _ => Err(BadStorePath {
                text: text.to_owned(),
                reason: "it is not directly in the store",
            }),
        }
    }

    /// The store path that contains a file, and the rest behind it: `/bin/hello`, or nothing.
    pub fn containing<'a>(&self, file: &'a str) -> Option<(StorePath, &'a str)> {
        let (base, rest) = self.split(file)?;
        Some((StorePath::from_base_name(base).ok()?, rest))
    }

    /// The base names of everything in a text that looks like a store path. A character behind a path
    /// may also be one of a name: the full stop of a sentence, the `?` of a url. So these may be too
    /// long, and [`hash_part`] tells which path is meant.
    pub fn named_in<'a>(&self, text: &'a str) -> impl Iterator<Item = &'a str> {
        let places = text.match_indices(&self.0);
        places.filter_map(|(at, dir)| {
            let rest = text[at + dir.len()..].strip_prefix('/')?;
            let end = rest.bytes().position(|byte| !is_name_byte(byte));
            let base = &rest[..end.unwrap_or(rest.len())];
            hash_part(base).map(|_| base)
        })
    }

    fn split<'a>(&self, text: &'a str) -> Option<(&'a str, &'a str)> {
        let inside = text.strip_prefix(&self.0)?.strip_prefix('/')?;
        Some(inside.split_at(inside.find('/').unwrap_or(inside.len())))
    }
}

impl TryFrom<String> for StoreDir {
    type Error = BadStorePath;

    fn try_from(text: String) -> Result<Self, BadStorePath> {
        Self::parse(&text)
    }
}

impl From<StoreDir> for String {
    fn from(dir: StoreDir) -> Self {
        dir.0
    }
}

impl fmt::Display for StoreDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Nix's base 32 of some bytes: least significant digit last, no padding.
pub fn base32(bytes: &[u8]) -> String {
    let digits = (bytes.len() * 8).div_ceil(5);
    (0..digits)
        .rev()
        .map(|digit| {
            let bit = digit * 5;
            let (byte, shift) = (bit / 8, bit % 8);
            let low = u16::from(bytes[byte]) >> shift;
            let high = bytes
                .get(byte + 1)
                .map_or(0, |&next| u16::from(next) << (8 - shift));
            char::from(BASE32[usize::from((low | high) & 31)])
        })
        .collect()
}

/// Bytes from Nix's base 32; `None` where a digit is none or does not fit.
pub fn base32_decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![0u8; text.len() * 5 / 8];
    for (digit, character) in text.bytes().rev().enumerate() {
        let value = u16::try_from(BASE32.iter().position(|&known| known == character)?).ok()?;
        let (byte, shift) = (digit * 5 / 8, digit * 5 % 8);
        let [low, high] = (value << shift).to_le_bytes();
        *bytes.get_mut(byte)? |= low;
        match bytes.get_mut(byte + 1) {
            Some(next) => *next |= high,
            None if high == 0 => {}
            None => return None,
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0123456789abcdfghijklmnpqrsvwxyz";

    #[test]
    fn good_names_are_parsed() {
        let path = StorePath::from_base_name(&format!("{HASH}-hello-2.12?=_+")).unwrap();
        assert_eq!(path.name(), "hello-2.12?=_+");
        assert!(!path.is_derivation());
    }

    #[test]
    fn bad_names_are_refused() {
        let long = format!("{HASH}-{}", "x".repeat(212));
        for bad in [
            "",
            "short",
            &HASH.replace('0', "e"),
            HASH,
            &format!("{HASH}-"),
            &format!("{HASH}-."),
            &format!("{HASH}-..-x"),
            &format!("{HASH}-a/b"),
            &format!("{HASH}-a\n"),
            &long,
        ] {
            assert!(StorePath::from_base_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_in_a_store_path_is_split() {
        let store = StoreDir::parse("/nix/store").unwrap();
        let file = format!("/nix/store/{HASH}-x/bin/y");
        let (path, rest) = store.containing(&file).unwrap();
        assert_eq!((path.name(), rest), ("x", "/bin/y"));
        assert!(store.parse_path(&file).is_err());
        assert!(store.containing("/nix/storex/y").is_none());
    }

    #[test]
    fn bad_store_directories_are_refused() {
        for bad in ["", "nix", "/", "/nix/", "/nix/../x", "/nix//store", "/a\nb"] {
            assert!(StoreDir::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn base32_is_the_one_that_nix_prints() {
        // `nix-hash --type sha1 --to-base32 da39a3ee5e6b4b0d3255bfef95601890afd80709`
        let empty_sha1 = data_encoding::HEXLOWER
            .decode(b"da39a3ee5e6b4b0d3255bfef95601890afd80709")
            .unwrap();
        assert_eq!(base32(&empty_sha1), "143xibwh31h9bvxzalr0sjvbbvpa6ffs");
        assert_eq!(
            base32_decode("143xibwh31h9bvxzalr0sjvbbvpa6ffs").unwrap(),
            empty_sha1
        );
        assert_eq!(base32_decode("e"), None);
    }

    #[test]
    fn store_paths_are_found_in_a_text() {
        let hash = "0".repeat(32);
        let store = StoreDir::parse("/nix/store").unwrap();
        let text = format!(
            "x=/nix/store/{hash}-a/bin:/nix/store/{hash}-b. /nix/store/{hash} /nix/store/short-c"
        );
        let found: Vec<_> = store.named_in(&text).collect();
        assert_eq!(found, [format!("{hash}-a"), format!("{hash}-b.")]);
        assert_eq!(hash_part(found[1]), Some(hash.as_str()));
    }
}
