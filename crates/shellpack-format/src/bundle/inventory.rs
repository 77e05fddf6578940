//! An inventory: the store paths of a machine, so that an update can leave them out
//! (`bundle-format.md`, section 16).
//!
//! It comes from a machine that nobody here vouches for. [`parse`] takes no more memory than its limits
//! allow, whatever the file says of itself.

mod list;

use serde::{Deserialize, Serialize};

use super::manifest::Origin;
use super::signature::{self, Signatures};
use crate::store::hash::Digest;
use crate::store::store_path::{StoreDir, StorePath};

/// The first line of an inventory.
pub const BEGINNING: &str = "# shellpack inventory 1\n";
/// The part of it that all versions have in common.
const ANY_VERSION: &str = "# shellpack inventory ";
/// The most paths. A large build server has a few hundred thousand.
pub const MOST_PATHS: usize = 1_000_000;
/// The most bundles that are listed. They are information, so a writer leaves out the rest.
pub const MOST_BUNDLES: usize = 1000;
/// The most bytes of an inventory. A path takes about 60 of them.
pub const MAX_SIZE: u64 = 128 << 20;
/// The most bytes of its head: room for as many bundles with the longest names.
const MAX_HEAD: usize = 512 << 10;
/// The most bytes of its list, once that is decoded. A path takes about 85 of them.
const MAX_RAW: u64 = 256 << 20;
/// The digest line, which ends the head: a mark, `sha256:`, the digits, and the line's end.
const DIGEST_LINE: usize = 74;
/// The longest text of the head that is shown to people.
const LONGEST_TEXT: usize = 200;
/// zstd's level. A higher one takes much longer, and saves a few percent of the names.
const LEVEL: i32 = 12;

/// The store paths of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The program that wrote it.
    pub writer: String,
    /// The store directory.
    pub store: StoreDir,
    /// Nix's name of the machine's system.
    pub system: String,
    /// The version of its Nix, if it has one.
    pub nix_version: Option<String>,
    /// The bundles that are open there.
    pub bundles: Vec<Origin>,
    /// The paths, ascending by name and then by hash part.
    pub paths: Vec<Held>,
}

/// A valid store path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The path.
    pub path: StorePath,
    /// SHA-256 of its NAR.
    pub nar_hash: Digest,
    /// Size of its NAR in bytes; 0 if the store does not know it.
    pub nar_size: u64,
}

/// The reason why a file is not an inventory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadInventory {
    /// It begins in another way.
    #[error("it is not an inventory of shellpack")]
    NotAnInventory,
    /// It has a newer version.
    #[error("it is an inventory of version {0}; this shellpack reads version 1")]
    Newer(u32),
    /// It exceeds a limit.
    #[error(
        "it lists more than {MOST_PATHS} paths or {MOST_BUNDLES} bundles, or has too many bytes"
    )]
    TooMany,
    /// It was changed or cut short.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// Its head is not valid.
    #[error("it is not valid: {0}")]
    Head(String),
    /// The room for signatures is damaged.
    #[error("its signatures are damaged")]
    Signatures,
    /// A signature was not made by the key that it carries, or not over this head.
    #[error("a signature in it does not match it")]
    WrongSignature,
}

/// The signatures of an inventory, and the head that they are over.
#[derive(Debug)]
pub struct Signed<'a> {
    /// The signatures.
    pub signatures: Signatures,
    /// The head.
    pub head: &'a [u8],
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Head {
    writer: String,
    store: StoreDir,
    system: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nix_version: Option<String>,
    paths: u64,
    raw_size: u64,
    body_size: u64,
    body_digest: Digest,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    bundles: Vec<Origin>,
}

impl Inventory {
    /// The head, which a signature covers, and the body, whose digest is in the head. The room for
    /// signatures comes behind both.
    pub fn to_parts(&self) -> Result<(Vec<u8>, Vec<u8>), BadInventory> {
        let mut paths: Vec<_> = self.paths.iter().collect();
        paths.sort_unstable_by(|a, b| list::key(&a.path).cmp(&list::key(&b.path)));
        paths.dedup_by(|a, b| a.path == b.path);
        let raw = list::encode(&paths);
        if paths.len() > MOST_PATHS || raw.len() as u64 > MAX_RAW {
            return Err(BadInventory::TooMany);
        }
        let body = zstd::bulk::compress(&raw, LEVEL);
        let body = body.map_err(|error| BadInventory::Head(error.to_string()))?;
        let bundles = self.bundles.iter().take(MOST_BUNDLES);
        let head = Head {
            writer: self.writer.clone(),
            store: self.store.clone(),
            system: self.system.clone(),
            nix_version: self.nix_version.clone(),
            paths: paths.len() as u64,
            raw_size: raw.len() as u64,
            body_size: body.len() as u64,
            body_digest: Digest::of(&body),
            bundles: bundles.cloned().collect(),
        };
        let head = head.to_bytes()?;
        // A reader accepts all that is written: no fault shows up only on the other side of the gap.
        Head::parse(&head)?;
        Ok((head, body))
    }
}

impl Head {
    fn to_bytes(&self) -> Result<Vec<u8>, BadInventory> {
        let tables = toml::to_string(self);
        let tables = tables.map_err(|error| BadInventory::Head(error.to_string()))?;
        let mut head = format!("{BEGINNING}{tables}").into_bytes();
        let digest = Digest::of(&head);
        head.extend_from_slice(format!("# {digest}\n").as_bytes());
        if head.len() > MAX_HEAD {
            return Err(BadInventory::TooMany);
        }
        Ok(head)
    }

    fn parse(bytes: &[u8]) -> Result<Self, BadInventory> {
        let damaged = BadInventory::Damaged("its head does not have the digest that it states");
        let at = bytes.len().checked_sub(DIGEST_LINE);
        let Some((text, last)) = at.and_then(|at| bytes.split_at_checked(at)) else {
            return Err(damaged);
        };
        if last != format!("# {}\n", Digest::of(text)).as_bytes() {
            return Err(damaged);
        }
        let text = std::str::from_utf8(text).map_err(|_| damaged)?;
        let head: Self = toml::from_str(text).map_err(|error| {
            // It may quote any text of the head.
            let words = error.message().chars().take(LONGEST_TEXT);
            BadInventory::Head(words.collect())
        })?;
        head.ensure_possible()?;
        Ok(head)
    }

    /// Fails if the list cannot be what is said of it, before any memory is taken for that.
    fn ensure_possible(&self) -> Result<(), BadInventory> {
        let texts = [&self.writer, &self.system].into_iter();
        let mut texts = texts.chain(&self.nix_version);
        let is_plain =
            |text: &String| text.len() <= LONGEST_TEXT && !text.contains(char::is_control);
        if !texts.all(is_plain) {
            return Err(BadInventory::Head(
                "a text in it is not one line".to_owned(),
            ));
        }
        if self.paths > MOST_PATHS as u64
            || self.raw_size > MAX_RAW
            || self.body_size > MAX_SIZE
            || self.bundles.len() > MOST_BUNDLES
        {
            return Err(BadInventory::TooMany);
        }
        if !list::sizes(self.paths).contains(&self.raw_size) {
            return Err(BadInventory::Damaged(
                "its list cannot have the size that it states",
            ));
        }
        Ok(())
    }
}

/// Reads an inventory. Returns its signatures, too, and the bytes that they are over: each is sound as
/// far as its key is known.
pub fn parse(bytes: &[u8]) -> Result<(Inventory, Signed<'_>), BadInventory> {
    let (head_bytes, rest) = bytes.split_at(head_size(bytes)?);
    let head = Head::parse(head_bytes)?;
    let body_size = usize::try_from(head.body_size).unwrap_or(usize::MAX);
    let parts = rest.split_at_checked(body_size);
    let parts = parts.and_then(|(body, room)| Some((body, room.try_into().ok()?)));
    let Some((body, room)): Option<(_, &[u8; signature::SIZE])> = parts else {
        return Err(BadInventory::Damaged(
            "its size is not the one that it states",
        ));
    };
    if Digest::of(body) != head.body_digest {
        return Err(BadInventory::Damaged(
            "its list does not have the digest that it states",
        ));
    }
    let signatures = Signatures::parse(room).map_err(|_| BadInventory::Signatures)?;
    let sound = signatures.ensure_sound(head_bytes);
    sound.map_err(|_| BadInventory::WrongSignature)?;
    let raw = list::decompress(body, head.raw_size);
    let raw = raw.ok_or(BadInventory::Damaged("its list does not decode"))?;
    let paths = list::decode(&raw, usize::try_from(head.paths).unwrap_or(usize::MAX));
    let inventory = Inventory {
        writer: head.writer,
        store: head.store,
        system: head.system,
        nix_version: head.nix_version,
        bundles: head.bundles,
        paths: paths.ok_or(BadInventory::Damaged("its list is malformed"))?,
    };
    let head = head_bytes;
    Ok((inventory, Signed { signatures, head }))
}

/// Whether a file with these first bytes is an inventory, of whatever version.
pub fn is_one(start: &[u8]) -> bool {
    start.starts_with(ANY_VERSION.as_bytes())
}

/// The size of the head: it ends with the line of its digest.
fn head_size(bytes: &[u8]) -> Result<usize, BadInventory> {
    let Some(rest) = bytes.strip_prefix(ANY_VERSION.as_bytes()) else {
        return Err(BadInventory::NotAnInventory);
    };
    if !bytes.starts_with(BEGINNING.as_bytes()) {
        let line = rest.iter().take(10).take_while(|&&byte| byte != b'\n');
        let version: String = line.map(|&byte| char::from(byte)).collect();
        return match version.parse::<u32>() {
            Ok(number) if number > 1 => Err(BadInventory::Newer(number)),
            _ => Err(BadInventory::NotAnInventory),
        };
    }
    let start = &bytes[..bytes.len().min(MAX_HEAD)];
    let mark = b"\n# sha256:";
    let found = start.windows(mark.len()).position(|window| window == mark);
    // The mark has the end of the line before.
    let end = found.map(|at| at + 1 + DIGEST_LINE);
    end.filter(|&end| end <= start.len())
        .ok_or(BadInventory::Damaged("its head has no end"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::key::{KeyName, SecretKey};
    use crate::store::store_path::hash_chars;

    fn inventory(count: u32) -> Inventory {
        let held = |n: u32| {
            let digest = Digest::of(&n.to_le_bytes());
            let bits = digest.bytes()[..20].try_into().unwrap();
            let base = format!("{}-package-{}.{}", hash_chars(bits), n % 700, n % 7);
            Held {
                path: StorePath::from_base_name(&base).unwrap(),
                nar_hash: digest,
                nar_size: u64::from(n) * u64::from(n % 911) * 8,
            }
        };
        let mut paths: Vec<_> = (0..count).map(held).collect();
        paths.sort_unstable_by(|a, b| list::key(&a.path).cmp(&list::key(&b.path)));
        Inventory {
            writer: "shellpack 0.1.0".to_owned(),
            store: StoreDir::parse("/nix/store").unwrap(),
            system: "x86_64-linux".to_owned(),
            nix_version: Some("2.8.0".to_owned()),
            bundles: Vec::new(),
            paths,
        }
    }

    fn bytes(inventory: &Inventory) -> Vec<u8> {
        let (head, body) = inventory.to_parts().unwrap();
        [head, body, vec![0; signature::SIZE]].concat()
    }

    fn said(bytes: &[u8]) -> String {
        parse(bytes).unwrap_err().to_string()
    }

    #[test]
    fn an_inventory_comes_back_and_is_small() {
        for count in [0, 1, 20_000] {
            let inventory = inventory(count);
            let bytes = bytes(&inventory);
            assert_eq!(parse(&bytes).unwrap().0, inventory);
            assert!(bytes.len() < 5000 + 72 * count as usize, "{}", bytes.len());
        }
    }

    #[test]
    fn the_order_and_repetitions_do_not_matter() {
        let good = inventory(9);
        let mut mixed = good.clone();
        mixed.paths.reverse();
        mixed.paths.extend(good.paths[3..5].to_vec());
        assert_eq!(bytes(&mixed), bytes(&good));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let good = bytes(&inventory(3));
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert!(parse(&bad).is_err(), "byte {at}");
            }
            assert!(parse(&good[..at]).is_err(), "cut at {at}");
        }
        let longer = [&good[..], &[0]].concat();
        assert_eq!(
            said(&longer),
            "it is damaged: its size is not the one that it states"
        );
    }

    #[test]
    fn a_signature_is_over_the_head() {
        let key = SecretKey::from_seed(KeyName::parse("lab-1").unwrap(), &[1; 32]);
        let (head, body) = inventory(3).to_parts().unwrap();
        let signed = |text: &[u8]| {
            let mut room = Signatures::default();
            room.add(signature::Signature::by(&key, text)).unwrap();
            [&head[..], &body, &room.to_bytes()].concat()
        };
        let bytes = signed(&head);
        let (_, found) = parse(&bytes).unwrap();
        assert_eq!(
            (found.head, found.signatures.iter().count()),
            (&head[..], 1)
        );
        assert_eq!(said(&signed(&body)), "a signature in it does not match it");
    }

    #[test]
    fn another_file_and_a_newer_version_are_named() {
        for other in [
            "PK",
            "# shellpack inventory ",
            "# shellpack inventory x\n",
            "# shellpack inventory 01\n",
        ] {
            assert_eq!(
                said(other.as_bytes()),
                "it is not an inventory of shellpack"
            );
        }
        assert_eq!(
            said(b"# shellpack inventory 2\n"),
            "it is an inventory of version 2; this shellpack reads version 1"
        );
    }

    /// An inventory with another head, whose digests are right, and another list.
    fn with(change: impl FnOnce(&mut Head), raw: Option<&[u8]>) -> Vec<u8> {
        let (head, mut body) = inventory(3).to_parts().unwrap();
        let mut head = Head::parse(&head).unwrap();
        if let Some(raw) = raw {
            body = zstd::bulk::compress(raw, 1).unwrap();
            (head.raw_size, head.body_size) = (raw.len() as u64, body.len() as u64);
            head.body_digest = Digest::of(&body);
        }
        change(&mut head);
        [head.to_bytes().unwrap(), body, vec![0; signature::SIZE]].concat()
    }

    type Change = fn(&mut Head);

    #[test]
    fn a_head_that_lies_is_refused_before_memory_is_taken() {
        let too_many = BadInventory::TooMany.to_string();
        let size = "it is damaged: its list cannot have the size that it states";
        let decode = "it is damaged: its list does not decode";
        let list = "it is damaged: its list is malformed";
        let text = "it is not valid: a text in it is not one line";
        let cases: [(Change, &str); 11] = [
            (|head| head.paths = i64::MAX as u64, &too_many),
            (|head| head.paths = MOST_PATHS as u64, size),
            (|head| head.raw_size = i64::MAX as u64, &too_many),
            (|head| head.raw_size += 1, decode),
            (|head| head.raw_size -= 1, decode),
            (|head| head.paths = 2, list),
            (|head| head.paths = 0, size),
            (|head| head.body_size = i64::MAX as u64, &too_many),
            (|head| head.writer = "x\u{1b}[31m".to_owned(), text),
            (|head| head.system = "x".repeat(201), text),
            (|head| head.nix_version = Some("2\n".to_owned()), text),
        ];
        for (at, (change, expected)) in cases.into_iter().enumerate() {
            assert_eq!(said(&with(change, None)), expected, "{at}");
        }
    }

    /// 64 MB of zeros are 6 kB of zstd.
    #[test]
    fn a_list_that_grows_when_it_is_decoded_is_refused() {
        let zeros = vec![0; 64 << 20];
        assert_eq!(
            said(&with(|_| (), Some(&zeros))),
            "it is damaged: its list cannot have the size that it states"
        );
        let lie = with(|head| head.raw_size = 300, Some(&zeros));
        assert_eq!(said(&lie), "it is damaged: its list does not decode");
        let full = with(|head| head.paths = MOST_PATHS as u64, Some(&zeros));
        assert_eq!(said(&full), "it is damaged: its list is malformed");
    }

    #[test]
    fn names_are_those_of_store_paths() {
        let path = inventory(1).paths.remove(0);
        let raw = list::encode(&[&path]);
        assert!(parse(&with(|head| head.paths = 1, Some(&raw))).is_ok());
        for bad in ["x\u{1b}[31m", "..", "", "a/b", "é"] {
            let name = path.path.name().len();
            let raw = [bad.as_bytes(), &raw[name..]].concat();
            assert!(
                parse(&with(|head| head.paths = 1, Some(&raw))).is_err(),
                "{bad:?}"
            );
        }
    }
}
