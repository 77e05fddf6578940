//! Nix's content addresses (`ca`): the claim that a store path follows from its contents.
//!
//! A path with such a claim needs no signature, so whoever takes it must check the claim, as Nix
//! itself does: that the contents have the stated hash, and that the path is the one that Nix makes
//! of this hash, the name and the references (`content-address.cc`, `store-dir-config.cc`).

use sha2::{Digest as _, Sha256};

use super::hash::Digest;
use super::path_info::PathInfo;
use super::store_path::{StoreDir, base32, base32_decode};

mod hashing;

pub(super) use hashing::Hashing;

/// A claim, in the form that Nix's database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentAddress {
    method: Method,
    algorithm: Algorithm,
    hash: Vec<u8>,
}

/// The bytes that are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    /// `text:`: a file that Nix wrote, perhaps with references.
    Text,
    /// `fixed:`: a regular file.
    Flat,
    /// `fixed:r:`: the NAR of a tree.
    Recursive,
    /// `fixed:git:`: a tree as git hashes it, an experimental feature of Nix.
    Git,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
    /// An experimental feature of Nix.
    Blake3,
}

impl Algorithm {
    const ALL: [Self; 5] = [
        Self::Md5,
        Self::Sha1,
        Self::Sha256,
        Self::Sha512,
        Self::Blake3,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Blake3 => "blake3",
        }
    }

    /// The size of a hash in bytes.
    fn size(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 | Self::Blake3 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl Method {
    /// As it is in a claim, and in what the path is made of.
    fn prefix(self) -> &'static str {
        match self {
            Self::Text | Self::Flat => "",
            Self::Recursive => "r:",
            Self::Git => "git:",
        }
    }
}

impl ContentAddress {
    /// Parses a claim; `None` if Nix has none of this form.
    pub fn parse(text: &str) -> Option<Self> {
        let (method, rest) = if let Some(rest) = text.strip_prefix("text:") {
            (Method::Text, rest)
        } else {
            let rest = text.strip_prefix("fixed:")?;
            let methods = [Method::Recursive, Method::Git];
            let stated = methods
                .into_iter()
                .find_map(|method| Some((method, rest.strip_prefix(method.prefix())?)));
            stated.unwrap_or((Method::Flat, rest))
        };
        let (algorithm, digits) = rest.split_once(':')?;
        let mut known = Algorithm::ALL.into_iter();
        let algorithm = known.find(|known| known.name() == algorithm)?;
        if method == Method::Text && algorithm != Algorithm::Sha256 {
            return None;
        }
        let hash = base32_decode(digits).filter(|hash| hash.len() == algorithm.size())?;
        Some(Self {
            method,
            algorithm,
            hash,
        })
    }

    /// Whether it is checked here. The experimental kinds are left to Nix.
    pub fn is_checked(&self) -> bool {
        self.method != Method::Git && self.algorithm != Algorithm::Blake3
    }

    /// Whether Nix makes this path of the claimed hash.
    pub fn gives(&self, info: &PathInfo, store: &StoreDir) -> bool {
        self.hash_part(info, store).as_deref() == Some(info.path.hash_part())
    }

    /// The hash part of a path with this claim; `None` if such a path cannot have these references.
    fn hash_part(&self, info: &PathInfo, store: &StoreDir) -> Option<String> {
        let refers_to_itself = info.references.contains(&info.path);
        let is_source = (self.method, self.algorithm) == (Method::Recursive, Algorithm::Sha256);
        let kind = match self.method {
            Method::Text if refers_to_itself => return None,
            Method::Text => "text",
            _ if is_source => "source",
            _ if !info.references.is_empty() => return None,
            _ => "output:out",
        };
        let claimed = format!("{}:{}", self.algorithm.name(), hex(&self.hash));
        let hash = if kind == "output:out" {
            let fixed = format!("fixed:out:{}{claimed}:", self.method.prefix());
            Digest::of(fixed.as_bytes()).to_string()
        } else {
            claimed
        };
        let mut fingerprint = kind.to_owned();
        for reference in info.references.iter().filter(|one| **one != info.path) {
            fingerprint += &format!(":{}", store.print(reference));
        }
        if refers_to_itself {
            fingerprint += ":self";
        }
        fingerprint += &format!(":{hash}:{store}:{}", info.path.name());
        let mut folded = [0; 20];
        for (index, byte) in Sha256::digest(fingerprint).iter().enumerate() {
            folded[index % 20] ^= byte;
        }
        Some(base32(&folded))
    }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::store_path::StorePath;

    fn info(path: &str) -> PathInfo {
        PathInfo {
            path: StorePath::from_base_name(path).unwrap(),
            nar_hash: Digest::of(b""),
            nar_size: 0,
            references: Vec::new(),
            deriver: None,
            ca: None,
            signatures: Vec::new(),
        }
    }

    /// Expected paths from `nix-store --add-fixed` of a directory, from `nix-store --add-fixed` with
    /// each algorithm and `builtins.toFile` of a file with `hello\n`.
    #[test]
    fn paths_are_the_ones_that_nix_computes() {
        let store = StoreDir::parse("/nix/store").unwrap();
        for (claim, path) in [
            (
                "fixed:r:sha256:118f6vw5jbzwq81wk89j5ylypqk543kb727zcq96ysd6fpjrg04b",
                "l8lphjq5bc2605x55y26lzmd5464ir4d-nixos-unstable-2020-09-24",
            ),
            (
                "fixed:sha256:00xyyr3fi8l6hb839bv3f7yb86yjv7xi1cgh1xnhipym4asvb4aq",
                "gy454w1cxaq731grqwylhzf4pp9r5izh-hello.txt",
            ),
            (
                "fixed:sha1:iwjz551fyw0cxcjgf4l6c879zabd6wpm",
                "svdva85yi507g9vncgsaxvnd1r808h4w-hello.txt",
            ),
            (
                "fixed:r:md5:4ycxcbh0ac0abr4zxw23l6isnk",
                "l2ycihp9r6lnfifs72r40m62fwicg5iz-hello.txt",
            ),
            (
                "text:sha256:00xyyr3fi8l6hb839bv3f7yb86yjv7xi1cgh1xnhipym4asvb4aq",
                "qa1w9gdfrba6jl2r57mb3c43863gqywp-hello.txt",
            ),
        ] {
            let address = ContentAddress::parse(claim).unwrap();
            assert!(address.gives(&info(path), &store), "{claim}");
            let other = path.replace("hello", "hallo").replace("nixos", "nix0s");
            assert!(!address.gives(&info(&other), &store), "{claim}");
        }
    }

    /// Nix allows a reference to itself only where the NAR is hashed without it.
    #[test]
    fn paths_that_cannot_have_references_are_not_given() {
        let store = StoreDir::parse("/nix/store").unwrap();
        let mut info = info("gy454w1cxaq731grqwylhzf4pp9r5izh-hello.txt");
        info.references = vec![info.path.clone()];
        for claim in [
            "fixed:sha256:00xyyr3fi8l6hb839bv3f7yb86yjv7xi1cgh1xnhipym4asvb4aq",
            "text:sha256:00xyyr3fi8l6hb839bv3f7yb86yjv7xi1cgh1xnhipym4asvb4aq",
        ] {
            let address = ContentAddress::parse(claim).unwrap();
            assert_eq!(address.hash_part(&info, &store), None, "{claim}");
        }
    }

    #[test]
    fn other_texts_are_no_claims() {
        for text in [
            "",
            "garbage",
            "git:x",
            "fixed:r:sha256:short",
            "fixed:x:sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73",
            "fixed:sha3:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73",
            "text:sha1:143xibwh31h9bvxzalr0sjvbbvpa6ffs",
            "text:r:sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73",
        ] {
            assert_eq!(ContentAddress::parse(text), None, "{text}");
        }
        let git = ContentAddress::parse("fixed:git:sha1:143xibwh31h9bvxzalr0sjvbbvpa6ffs");
        assert!(!git.unwrap().is_checked());
    }
}
