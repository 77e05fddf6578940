//! An inventory: the store paths of a machine, so that an update can leave them out
//! (`bundle-format.md`, section 16).

use serde::{Deserialize, Serialize};

use super::manifest::Origin;
use super::signature::{self, Signatures};
use crate::store::hash::Digest;
use crate::store::store_path::{HASH_CHARS, StoreDir, StorePath, hash_bits, hash_chars};

/// The first line of an inventory.
pub const BEGINNING: &str = "# shellpack inventory 1\n";
/// The part of it that all versions have in common.
const ANY_VERSION: &str = "# shellpack inventory ";
/// The most bytes of an inventory: that is room for 4,000,000 paths.
pub const MAX_SIZE: u64 = 256 << 20;
/// The most bytes of its head.
const MAX_HEAD: usize = 1 << 20;
/// What is stated of a path: the hash part as bits, the hash of the NAR, and the size.
const HASH_BYTES: usize = HASH_CHARS * 5 / 8;
const NAR_HASH_BYTES: usize = 32;

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
    Newer(String),
    /// It was changed or cut short.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// Its head is not valid.
    #[error("it is not valid: {0}")]
    Head(String),
    /// The room for signatures is.
    #[error("its signatures are damaged")]
    Signatures,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Head {
    writer: String,
    store: StoreDir,
    system: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nix_version: Option<String>,
    paths: usize,
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
        paths.sort_unstable_by(|a, b| key(&a.path).cmp(&key(&b.path)));
        paths.dedup_by(|a, b| a.path == b.path);
        let raw = raw(&paths);
        let body = zstd::bulk::compress(&raw, 19);
        let body = body.map_err(|error| BadInventory::Head(error.to_string()))?;
        let head = Head {
            writer: self.writer.clone(),
            store: self.store.clone(),
            system: self.system.clone(),
            nix_version: self.nix_version.clone(),
            paths: paths.len(),
            raw_size: raw.len() as u64,
            body_size: body.len() as u64,
            body_digest: Digest::of(&body),
            bundles: self.bundles.clone(),
        };
        let tables = toml::to_string(&head);
        let tables = tables.map_err(|error| BadInventory::Head(error.to_string()))?;
        let mut head = format!("{BEGINNING}{tables}").into_bytes();
        let digest = Digest::of(&head);
        head.extend_from_slice(format!("# {digest}\n").as_bytes());
        Ok((head, body))
    }
}

/// Reads an inventory. Returns its signatures, too: each is sound as far as its key is known.
pub fn parse(bytes: &[u8]) -> Result<(Inventory, Signatures), BadInventory> {
    let size = head_size(bytes)?;
    let (head_bytes, rest) = bytes.split_at(size);
    let head = parse_head(head_bytes)?;
    let body_size = usize::try_from(head.body_size).unwrap_or(usize::MAX);
    if rest.len().checked_sub(signature::SIZE) != Some(body_size) {
        return Err(BadInventory::Damaged(
            "its size is not the one that it states",
        ));
    }
    let (body, room) = rest.split_at(body_size);
    if Digest::of(body) != head.body_digest {
        return Err(BadInventory::Damaged(
            "its list does not have the digest that it states",
        ));
    }
    let room: &[u8; signature::SIZE] = room.try_into().map_err(|_| BadInventory::Signatures)?;
    let signatures = Signatures::parse(room).map_err(|_| BadInventory::Signatures)?;
    let sound = signatures.ensure_sound(head_bytes);
    sound.map_err(|_| BadInventory::Signatures)?;
    // What a path takes at most: its name, both hashes and a number.
    let most = head
        .paths
        .saturating_mul(212 + HASH_BYTES + NAR_HASH_BYTES + 10);
    let raw_size = usize::try_from(head.raw_size).unwrap_or(usize::MAX);
    if raw_size > most || most as u64 > 8 * MAX_SIZE {
        return Err(BadInventory::Damaged("its list is larger than its paths"));
    }
    let raw = zstd::bulk::decompress(body, raw_size);
    let raw = raw.ok().filter(|raw| raw.len() == raw_size);
    let raw = raw.ok_or(BadInventory::Damaged("its list does not decode"))?;
    let paths = paths(&raw, head.paths)?;
    let inventory = Inventory {
        writer: head.writer,
        store: head.store,
        system: head.system,
        nix_version: head.nix_version,
        bundles: head.bundles,
        paths,
    };
    Ok((inventory, signatures))
}

/// The size of the head: it ends with the line of its digest.
pub fn head_size(bytes: &[u8]) -> Result<usize, BadInventory> {
    let Some(rest) = bytes.strip_prefix(ANY_VERSION.as_bytes()) else {
        return Err(BadInventory::NotAnInventory);
    };
    if !bytes.starts_with(BEGINNING.as_bytes()) {
        let version = rest.iter().take_while(|byte| byte.is_ascii_digit());
        let version = version.map(|&byte| char::from(byte)).collect();
        return Err(BadInventory::Newer(version));
    }
    let start = &bytes[..bytes.len().min(MAX_HEAD)];
    let mark = b"\n# sha256:";
    let found = start.windows(mark.len()).position(|window| window == mark);
    let end = found.map(|at| at + mark.len() + 64 + 1);
    end.filter(|&end| end <= bytes.len())
        .ok_or(BadInventory::Damaged("its head has no end"))
}

fn parse_head(bytes: &[u8]) -> Result<Head, BadInventory> {
    let damaged = BadInventory::Damaged("its head does not have the digest that it states");
    let Some((text, last)) = bytes.len().checked_sub(74).map(|at| bytes.split_at(at)) else {
        return Err(damaged);
    };
    if last != format!("# {}\n", Digest::of(text)).as_bytes() {
        return Err(damaged);
    }
    let text = std::str::from_utf8(text).map_err(|_| damaged)?;
    toml::from_str(text).map_err(|error| BadInventory::Head(error.message().to_owned()))
}

fn key(path: &StorePath) -> (&str, &str) {
    (path.name(), path.hash_part())
}

/// Names, hash parts, hashes and sizes, each together: so names and sizes compress well.
fn raw(paths: &[&Held]) -> Vec<u8> {
    let mut raw = Vec::new();
    for held in paths {
        raw.extend_from_slice(held.path.name().as_bytes());
        raw.push(b'\n');
    }
    for held in paths {
        push_size(held.nar_size, &mut raw);
    }
    for held in paths {
        raw.extend_from_slice(&hash_bits(held.path.hash_part()));
    }
    for held in paths {
        raw.extend_from_slice(held.nar_hash.bytes());
    }
    raw
}

fn paths(raw: &[u8], count: usize) -> Result<Vec<Held>, BadInventory> {
    let bad = || BadInventory::Damaged("its list is malformed");
    let mut names = Vec::with_capacity(count.min(raw.len()));
    let mut rest = raw;
    for _ in 0..count {
        let end = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or_else(bad)?;
        names.push(std::str::from_utf8(&rest[..end]).map_err(|_| bad())?);
        rest = &rest[end + 1..];
    }
    let mut sizes = Vec::with_capacity(names.len());
    for _ in 0..count {
        sizes.push(take_size(&mut rest).ok_or_else(bad)?);
    }
    let hashes = count.checked_mul(HASH_BYTES).ok_or_else(bad)?;
    let (hash_parts, nar_hashes) = rest.split_at_checked(hashes).ok_or_else(bad)?;
    if Some(nar_hashes.len()) != count.checked_mul(NAR_HASH_BYTES) {
        return Err(bad());
    }
    let hash_parts = hash_parts.chunks_exact(HASH_BYTES);
    let nar_hashes = nar_hashes.chunks_exact(NAR_HASH_BYTES);
    let mut held: Vec<Held> = Vec::with_capacity(names.len());
    for (((name, nar_size), part), nar_hash) in
        names.iter().zip(sizes).zip(hash_parts).zip(nar_hashes)
    {
        let part = <&[u8; HASH_BYTES]>::try_from(part).map_err(|_| bad())?;
        let base = format!("{}-{name}", hash_chars(part));
        let path = StorePath::from_base_name(&base).map_err(|_| bad())?;
        let nar_hash = <[u8; NAR_HASH_BYTES]>::try_from(nar_hash).map_err(|_| bad())?;
        if held
            .last()
            .is_some_and(|last| key(&last.path) >= key(&path))
        {
            return Err(bad());
        }
        held.push(Held {
            path,
            nar_hash: Digest::from(nar_hash),
            nar_size,
        });
    }
    Ok(held)
}

/// LEB128: seven bits in a byte, the lowest first.
fn push_size(mut size: u64, out: &mut Vec<u8>) {
    while size >= 0x80 {
        out.push(u8::try_from(size & 0x7f).unwrap_or_default() | 0x80);
        size >>= 7;
    }
    out.extend(u8::try_from(size));
}

fn take_size(rest: &mut &[u8]) -> Option<u64> {
    let mut size = 0_u64;
    for shift in (0..63).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        size |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            // One form for each number.
            return (byte != 0 || shift == 0).then_some(size);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory(count: u32) -> Inventory {
        let held = |n: u32| {
            let digest = Digest::of(&n.to_le_bytes());
            let bits: [u8; HASH_BYTES] = digest.bytes()[..HASH_BYTES].try_into().unwrap();
            let base = format!("{}-package-{}.{}", hash_chars(&bits), n % 700, n % 7);
            Held {
                path: StorePath::from_base_name(&base).unwrap(),
                nar_hash: digest,
                nar_size: u64::from(n) * u64::from(n % 911) * 8,
            }
        };
        let mut paths: Vec<_> = (0..count).map(held).collect();
        paths.sort_unstable_by(|a, b| key(&a.path).cmp(&key(&b.path)));
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
        let (mut head, body) = inventory.to_parts().unwrap();
        head.extend(body);
        head.extend([0; signature::SIZE]);
        head
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
    fn every_flipped_bit_and_every_cut_is_refused() {
        let good = bytes(&inventory(3));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(parse(&bad).is_err(), "byte {at}");
            assert!(parse(&good[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn another_file_and_a_newer_version_are_named() {
        let said = |bytes: &[u8]| parse(bytes).unwrap_err().to_string();
        assert_eq!(said(b"PK"), "it is not an inventory of shellpack");
        assert_eq!(
            said(b"# shellpack inventory 2\n"),
            "it is an inventory of version 2; this shellpack reads version 1"
        );
    }
}
