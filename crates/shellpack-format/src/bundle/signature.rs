//! The room for signatures (`bundle-format.md`, section 6): 4096 bytes that are zero in an
//! unsigned bundle, so that a bundle can be signed later without moving anything.
//!
//! This module says whether a signature is sound: made by the key that it names over this manifest.
//! Whether that key is trusted is for the caller to decide.

mod ssh;

use std::fmt;

use data_encoding::BASE64;

use super::BadBundle;
use crate::store::key::{self, PublicKey, SecretKey};
pub use ssh::{BadSshSignature, NAMESPACE, SshKey, SshSignature};

/// The member's size in bytes.
pub const SIZE: usize = 4096;

/// The start of a line with an SSH signature. No other line has it: in a name, there is
/// no space.
const SSH: &str = "sshsig ";

/// A signature over the exact bytes of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// By a key in Nix's format.
    Nix {
        /// The signature, with the key's name.
        signature: key::Signature,
        /// The key itself, as the signer states it. Nobody trusts a key because it is here.
        key: Option<PublicKey>,
    },
    /// By an SSH key, which it has in it.
    Ssh(SshSignature),
}

/// All signatures of a bundle, in the order in which they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signatures(Vec<Signature>);

/// A signature does not fit the room that is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("signatures of {needed} bytes do not fit its {SIZE} bytes of room")]
pub struct NoRoom {
    /// The size of all signatures.
    pub needed: usize,
}

impl Signature {
    /// Signs a manifest.
    pub fn by(key: &SecretKey, manifest: &[u8]) -> Self {
        Self::Nix {
            signature: key.sign(manifest),
            key: Some(key.public()),
        }
    }

    /// Whether the key that the signature carries made it over this manifest. A signature that
    /// carries no key can be checked only by someone who has it.
    pub fn is_sound(&self, manifest: &[u8]) -> bool {
        match self {
            Self::Nix { signature, key } => {
                let mut keys = key.iter();
                keys.all(|key| key.verifies(manifest, signature))
            }
            Self::Ssh(signature) => signature.is_sound(manifest),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        if let Some(base64) = line.strip_prefix(SSH) {
            let bytes = BASE64.decode(base64.as_bytes()).ok()?;
            return SshSignature::from_bytes(&bytes).map(Self::Ssh).ok();
        }
        let (signature, key) = match line.split_once(' ') {
            Some((signature, key)) => (signature, Some(key)),
            None => (line, None),
        };
        let signature = key::Signature::parse(signature).ok()?;
        let key = match key {
            Some(base64) => {
                let bytes = BASE64.decode(base64.as_bytes()).ok()?;
                Some(PublicKey::of(signature.name().clone(), &bytes).ok()?)
            }
            None => None,
        };
        Some(Self::Nix { signature, key })
    }

    /// Whether both are by one key. A bundle has one signature of each key.
    fn has_key_of(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Nix { signature, key },
                Self::Nix {
                    signature: other,
                    key: its,
                },
            ) => signature.name() == other.name() && key == its,
            (Self::Ssh(one), Self::Ssh(other)) => one.key() == other.key(),
            _ => false,
        }
    }
}

/// The line of section 6, without its end.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nix { signature, key } => {
                write!(f, "{signature}")?;
                match key {
                    Some(key) => write!(f, " {}", BASE64.encode(key.bytes())),
                    None => Ok(()),
                }
            }
            Self::Ssh(signature) => write!(f, "{SSH}{}", BASE64.encode(signature.bytes())),
        }
    }
}

impl Signatures {
    /// Parses the member's content.
    pub fn parse(room: &[u8; SIZE]) -> Result<Self, BadBundle> {
        let end = room.iter().position(|&byte| byte == 0).unwrap_or(SIZE);
        let (text, zeros) = room.split_at(end);
        if zeros.iter().any(|&byte| byte != 0) {
            return Err(BadBundle::Signatures);
        }
        let text = std::str::from_utf8(text).map_err(|_| BadBundle::Signatures)?;
        if !(text.is_empty() || text.ends_with('\n')) {
            return Err(BadBundle::Signatures);
        }
        // Not `lines`, which would take a carriage return for a part of the line's end.
        let lines = text.split_terminator('\n').map(Signature::parse);
        let mut all = Self::default();
        for signature in lines {
            let signature = signature.ok_or(BadBundle::Signatures)?;
            // Two would look like two signers.
            if all.0.iter().any(|other| other.has_key_of(&signature)) {
                return Err(BadBundle::Signatures);
            }
            all.0.push(signature);
        }
        Ok(all)
    }

    /// The signatures.
    pub fn iter(&self) -> impl Iterator<Item = &Signature> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a signature, in the place of one by this key.
    pub fn add(&mut self, signature: Signature) -> Result<(), NoRoom> {
        let mut all = self.0.clone();
        all.retain(|other| !other.has_key_of(&signature));
        all.push(signature);
        let all = Self(all);
        let needed = all.text().len();
        if needed > SIZE {
            return Err(NoRoom { needed });
        }
        *self = all;
        Ok(())
    }

    /// The member's content.
    pub fn to_bytes(&self) -> [u8; SIZE] {
        let mut room = [0; SIZE];
        let text = self.text();
        room[..text.len()].copy_from_slice(text.as_bytes());
        room
    }

    /// Fails if a signature is not by the key that it carries, or not over this manifest.
    pub(super) fn ensure_sound(&self, manifest: &[u8]) -> Result<(), BadBundle> {
        if self.0.iter().all(|one| one.is_sound(manifest)) {
            return Ok(());
        }
        Err(BadBundle::WrongSignature)
    }

    fn text(&self) -> String {
        self.0.iter().map(|one| format!("{one}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::key::KeyName;

    fn padded(text: &str) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        bytes
    }

    fn key(name: &str, seed: u8) -> SecretKey {
        SecretKey::from_seed(KeyName::parse(name).unwrap(), &[seed; 32])
    }

    #[test]
    fn an_unsigned_bundle_has_no_signatures() {
        assert!(Signatures::parse(&[0; SIZE]).unwrap().is_empty());
    }

    #[test]
    fn a_flipped_bit_in_an_unsigned_bundle_is_refused() {
        for (byte, bit) in [(0, 0), (17, 3), (4095, 7)] {
            let mut bytes = [0; SIZE];
            bytes[byte] ^= 1 << bit;
            assert!(Signatures::parse(&bytes).is_err());
        }
    }

    #[test]
    fn every_flipped_bit_of_a_signature_is_refused_or_is_in_the_name() {
        let manifest = b"manifest";
        let signature = Signature::by(&key("lab-1", 1), manifest);
        let sound = padded(&format!("{signature}\n"));
        for bit in 0..8 * (signature.to_string().len() + 2) {
            let mut room = sound;
            room[bit / 8] ^= 1 << (bit % 8);
            let accepted = Signatures::parse(&room).and_then(|all| {
                all.ensure_sound(manifest)?;
                Ok(all)
            });
            if let Ok(all) = accepted {
                assert!(bit / 8 < "lab-1".len(), "bit {bit}");
                assert_ne!(all.0[0], signature);
            }
        }
    }

    #[test]
    fn a_line_has_one_form() {
        let bare = format!("lab-1:{}", BASE64.encode(&[7; 64]));
        assert!(Signatures::parse(&padded(&format!("{bare}\n"))).is_ok());
        let signed = Signature::by(&key("lab-1", 1), b"m").to_string();
        assert!(Signatures::parse(&padded(&format!("{bare}\n{signed}\n"))).is_ok());
        for bad in [
            bare.clone(),
            format!("{bare}\r\n"),
            format!("{bare} \n"),
            format!("{signed} AAAA\n"),
            format!("{signed}\n\n"),
            format!(" {signed}\n"),
            "lab-1:AAAA\n".to_owned(),
            "sshsig AAAA\n".to_owned(),
            "\n".to_owned(),
        ] {
            assert!(Signatures::parse(&padded(&bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn each_key_signs_once_and_until_the_room_is_full() {
        let mut all = Signatures::default();
        for _ in 0..2 {
            all.add(Signature::by(&key("lab-1", 1), b"m")).unwrap();
            all.add(Signature::by(&key("lab-1", 2), b"m")).unwrap();
        }
        assert_eq!(all.0.len(), 2);
        assert_eq!(Signatures::parse(&all.to_bytes()).unwrap(), all);
        let full = (3..60).find_map(|seed| all.add(Signature::by(&key("lab-1", seed), b"m")).err());
        assert_eq!(full, Some(NoRoom { needed: 4200 }));
        assert_eq!(Signatures::parse(&all.to_bytes()).unwrap(), all);
    }
}
