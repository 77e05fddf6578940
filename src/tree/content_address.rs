//! Nix's content addresses (`ca`): the claim that a store path follows from its contents.
//!
//! A path with such a claim needs no signature, so its importer must check the claim, as Nix itself
//! does.

use std::fs::File;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use shellpack_format::store::hash::Digest;
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::{StoreDir, base32, base32_decode};

/// A claim of a kind that is checked here. Others are left to Nix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentAddress {
    /// `text:sha256:`: a file that Nix wrote, perhaps with references.
    Text(Digest),
    /// `fixed:sha256:`: a plain file of this hash.
    Flat(Digest),
    /// `fixed:r:sha256:`: a tree whose NAR has this hash.
    Recursive(Digest),
}

impl ContentAddress {
    /// Parses a claim; `None` for other methods and algorithms.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digest = |digits| -> Option<Digest> {
            let bytes: [u8; 32] = base32_decode(digits)?.try_into().ok()?;
            Some(bytes.into())
        };
        let kind = |prefix| text.strip_prefix(prefix).and_then(digest);
        kind("text:sha256:")
            .map(Self::Text)
            .or_else(|| kind("fixed:sha256:").map(Self::Flat))
            .or_else(|| kind("fixed:r:sha256:").map(Self::Recursive))
    }

    /// Whether the claim holds for the tree at `place`, whose NAR is known to have the hash in
    /// `info`.
    pub(crate) fn holds(&self, info: &PathInfo, store: &StoreDir, place: &Path) -> Result<bool> {
        let content_is_right = match self {
            Self::Recursive(hash) => *hash == info.nar_hash,
            Self::Text(hash) | Self::Flat(hash) => {
                place.is_file() && *hash == digest_of_file(place)?
            }
        };
        Ok(content_is_right && self.path_hash(info, store) == info.path.base_name()[..32])
    }

    /// The hash part of a path with this claim (`makeFixedOutputPath` and `makeTextPath` in Nix's
    /// `store-api.cc`).
    fn path_hash(&self, info: &PathInfo, store: &StoreDir) -> String {
        let (kind, hash) = match self {
            Self::Text(hash) => ("text", *hash),
            Self::Recursive(hash) => ("source", *hash),
            Self::Flat(hash) => (
                "output:out",
                Digest::of(format!("fixed:out:sha256:{}:", hash.hex()).as_bytes()),
            ),
        };
        let mut fingerprint = kind.to_owned();
        for reference in &info.references {
            fingerprint += &format!(":{}", store.print(reference));
        }
        fingerprint += &format!(":{hash}:{store}:{}", info.path.name());
        let mut folded = [0; 20];
        for (index, byte) in Digest::of(fingerprint.as_bytes())
            .bytes()
            .iter()
            .enumerate()
        {
            folded[index % 20] ^= byte;
        }
        base32(&folded)
    }
}

fn digest_of_file(path: &Path) -> Result<Digest> {
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match std::io::Read::read(&mut file, &mut buffer).map_err(Error::io("read", path))? {
            0 => return Ok(hasher.into()),
            n => hasher.update(&buffer[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shellpack_format::store::store_path::StorePath;

    fn info(path: &str, nar_hash: Digest) -> PathInfo {
        PathInfo {
            path: StorePath::from_base_name(path).unwrap(),
            nar_hash,
            nar_size: 0,
            references: Vec::new(),
            deriver: None,
            ca: None,
            signatures: Vec::new(),
        }
    }

    /// Expected paths from `nix-store --add-fixed --recursive sha256` of a directory with this
    /// hash.
    #[test]
    fn a_source_has_the_path_that_nix_computes() {
        let text = "fixed:r:sha256:118f6vw5jbzwq81wk89j5ylypqk543kb727zcq96ysd6fpjrg04b";
        let Some(ContentAddress::Recursive(hash)) = ContentAddress::parse(text) else {
            panic!("{text}")
        };
        let info = info(
            "l8lphjq5bc2605x55y26lzmd5464ir4d-nixos-unstable-2020-09-24",
            hash,
        );
        let store = StoreDir::parse("/nix/store").unwrap();
        let claim = ContentAddress::Recursive(hash);
        assert!(claim.holds(&info, &store, Path::new("/")).unwrap());
        let other = PathInfo {
            nar_hash: Digest::of(b""),
            ..info
        };
        assert!(!claim.holds(&other, &store, Path::new("/")).unwrap());
    }

    /// Expected paths from `nix-store --add-fixed sha256` and `builtins.toFile` of a file with
    /// `hello\n`.
    #[test]
    fn files_have_the_paths_that_nix_computes() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("hello.txt");
        std::fs::write(&file, "hello\n").unwrap();
        let store = StoreDir::parse("/nix/store").unwrap();
        let hash = Digest::of(b"hello\n");
        for (claim, path) in [
            (ContentAddress::Flat(hash), FLAT),
            (ContentAddress::Text(hash), TEXT),
        ] {
            assert!(
                claim
                    .holds(&info(path, Digest::of(b"")), &store, &file)
                    .unwrap(),
                "{claim:?}"
            );
            assert!(
                !claim
                    .holds(&info(path, Digest::of(b"")), &store, scratch.path())
                    .unwrap()
            );
        }
    }

    const FLAT: &str = "gy454w1cxaq731grqwylhzf4pp9r5izh-hello.txt";
    const TEXT: &str = "qa1w9gdfrba6jl2r57mb3c43863gqywp-hello.txt";

    #[test]
    fn other_claims_are_left_to_nix() {
        for text in [
            "fixed:sha1:143xibwh31h9bvxzalr0sjvbbvpa6ffs",
            "fixed:r:sha256:short",
            "git:x",
            "",
        ] {
            assert_eq!(ContentAddress::parse(text), None);
        }
    }
}
