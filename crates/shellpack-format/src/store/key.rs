//! Ed25519 keys and signatures in Nix's format, `NAME:BASE64`: the one of `nix-store
//! --generate-binary-cache-key`, `trusted-public-keys` and the `Sig` lines of a binary cache.

use std::fmt;

use data_encoding::{BASE64, BASE64_NOPAD};
use ed25519_dalek::{KEYPAIR_LENGTH, PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH};
use ed25519_dalek::{Signature as Bytes, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// The longest name of a key, in bytes. Nix has no limit; the room for signatures does.
const LONGEST: usize = 200;

/// The other characters that a name may have besides letters and digits: none that a shell, TOML or a
/// terminal takes for its own. Nix has no such limit.
const PLAIN: &str = "._+-@/=~%,";

/// The name of a key. It says who claims to have signed, and proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// A key that signatures are verified with.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: KeyName,
    key: VerifyingKey,
}

/// A key that signs. Its bytes are overwritten when it is dropped, and it is never shown.
pub struct SecretKey {
    name: KeyName,
    key: SigningKey,
}

/// A signature and the name of the key that it claims to be by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    name: KeyName,
    bytes: [u8; SIGNATURE_LENGTH],
}

/// The reason why a text is not a key or a signature. It never repeats the text, which may be secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// There is no colon.
    #[error("it is not NAME:BASE64")]
    Form,
    /// The name is empty, too long, or has a character that it may not have.
    #[error("its name must be 1 to {LONGEST} letters, digits or {PLAIN}")]
    Name,
    /// It is not base 64, or does not have the right size.
    #[error("after the colon, it must be {0} bytes in base 64")]
    Size(usize),
    /// The bytes are not a key: the secret and the public half differ, or it is no point of the curve.
    #[error("it is not an Ed25519 key")]
    Key,
    /// A secret key was given where a public one was expected.
    #[error("it is a secret key; the public key is needed here")]
    Secret,
    /// A public key was given where a secret one was expected.
    #[error("it is a public key; the secret key is needed here")]
    Public,
}

impl KeyName {
    /// Parses a name.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || PLAIN.contains(c);
        let plain = text.chars().all(is_plain);
        if text.is_empty() || text.len() > LONGEST || !plain {
            return Err(BadKey::Name);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Splits `NAME:BASE64` and decodes both.
fn parts(text: &str) -> Result<(KeyName, Option<Vec<u8>>), BadKey> {
    let (name, base64) = text.split_once(':').ok_or(BadKey::Form)?;
    Ok((KeyName::parse(name)?, BASE64.decode(base64.as_bytes()).ok()))
}

impl PublicKey {
    /// Parses `NAME:BASE64` of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let (name, bytes) = parts(text)?;
        match bytes {
            Some(bytes) if bytes.len() == KEYPAIR_LENGTH => Err(BadKey::Secret),
            Some(bytes) => Self::of(name, &bytes),
            None => Err(BadKey::Size(PUBLIC_KEY_LENGTH)),
        }
    }

    /// The key with these 32 bytes.
    pub fn of(name: KeyName, bytes: &[u8]) -> Result<Self, BadKey> {
        let bytes = bytes
            .try_into()
            .map_err(|_| BadKey::Size(PUBLIC_KEY_LENGTH))?;
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| BadKey::Key)?;
        if key.is_weak() {
            return Err(BadKey::Key);
        }
        Ok(Self { name, key })
    }

    /// Its name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Its 32 bytes.
    pub fn bytes(&self) -> &[u8; PUBLIC_KEY_LENGTH] {
        self.key.as_bytes()
    }

    /// Whether this key made the signature over these bytes, and the signature names this key.
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        let bytes = Bytes::from_bytes(&signature.bytes);
        signature.name == self.name && self.key.verify_strict(message, &bytes).is_ok()
    }

    /// `SHA256:` and the digest of the 32 bytes in base 64, for comparing two keys by eye.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.bytes());
        format!("SHA256:{}", BASE64_NOPAD.encode(&digest))
    }
}

/// `NAME:BASE64`.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, BASE64.encode(self.bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl SecretKey {
    /// Parses `NAME:BASE64` of 64 bytes: the secret half and the public one.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let (name, bytes) = parts(text)?;
        let bytes = bytes.ok_or(BadKey::Size(KEYPAIR_LENGTH))?;
        if bytes.len() == PUBLIC_KEY_LENGTH {
            return Err(BadKey::Public);
        }
        let bytes = bytes.as_slice().try_into();
        let bytes = bytes.map_err(|_| BadKey::Size(KEYPAIR_LENGTH))?;
        let key = SigningKey::from_keypair_bytes(bytes).map_err(|_| BadKey::Key)?;
        Ok(Self { name, key })
    }

    /// The key that follows from 32 random bytes.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        Self { name, key }
    }

    /// Its name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The key that verifies its signatures.
    pub fn public(&self) -> PublicKey {
        PublicKey {
            name: self.name.clone(),
            key: self.key.verifying_key(),
        }
    }

    /// Signs these bytes. The same bytes always get the same signature.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature {
            name: self.name.clone(),
            bytes: self.key.sign(message).to_bytes(),
        }
    }

    /// The secret as `NAME:BASE64`, for the file that it is kept in.
    pub fn to_secret_text(&self) -> String {
        format!(
            "{}:{}",
            self.name,
            BASE64.encode(&self.key.to_keypair_bytes())
        )
    }
}

/// The name only.
impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.name)
    }
}

impl Signature {
    /// Parses `NAME:BASE64` of 64 bytes.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let (name, bytes) = parts(text)?;
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        let bytes = bytes.ok_or(BadKey::Size(SIGNATURE_LENGTH))?;
        Ok(Self { name, bytes })
    }

    /// The name of the key that it claims to be by.
    pub fn name(&self) -> &KeyName {
        &self.name
    }
}

/// `NAME:BASE64`.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, BASE64.encode(&self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `nix-store --generate-binary-cache-key lab-1`, Nix 2.8.
    const SECRET: &str = "lab-1:rV4rbVW7meQSP7o1JqGpfBoZqf9EO4J7Mx8pttiPhRBlZDf2x4dvDdRYzObTnO/3LM5t7pH0JFEQn5GYZjkctg==";
    const PUBLIC: &str = "lab-1:ZWQ39seHbw3UWMzm05zv9yzObe6R9CRREJ+RmGY5HLY=";

    #[test]
    fn nixs_keys_are_read_and_written() {
        let secret = SecretKey::parse(SECRET).unwrap();
        assert_eq!(secret.public().to_string(), PUBLIC);
        assert_eq!(secret.to_secret_text(), SECRET);
        assert_eq!(PublicKey::parse(PUBLIC).unwrap(), secret.public());
        assert_eq!(format!("{secret:?}"), "SecretKey(lab-1)");
    }

    #[test]
    fn a_signature_is_by_one_key_over_one_message() {
        let secret = SecretKey::parse(SECRET).unwrap();
        let public = secret.public();
        let signature = secret.sign(b"message");
        assert!(public.verifies(b"message", &signature));
        assert!(!public.verifies(b"massage", &signature));
        let other = SecretKey::from_seed(KeyName::parse("lab-1").unwrap(), &[7; 32]);
        assert!(!other.public().verifies(b"message", &signature));
        let renamed = Signature {
            name: KeyName::parse("lab-2").unwrap(),
            ..signature.clone()
        };
        assert!(!public.verifies(b"message", &renamed));
        assert_eq!(Signature::parse(&signature.to_string()).unwrap(), signature);
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, reason) in [
            ("", BadKey::Form),
            ("lab-1", BadKey::Form),
            (":AAAA", BadKey::Name),
            ("a b:AAAA", BadKey::Name),
            ("a\":AAAA", BadKey::Name),
            ("$a:AAAA", BadKey::Name),
            ("lab\u{202e}:AAAA", BadKey::Name),
            ("lab-1:AAAA", BadKey::Size(32)),
            ("lab-1:!", BadKey::Size(32)),
            (SECRET, BadKey::Secret),
        ] {
            assert_eq!(PublicKey::parse(text).unwrap_err(), reason, "{text}");
        }
        assert_eq!(SecretKey::parse(PUBLIC).unwrap_err(), BadKey::Public);
        let zeros = format!("lab-1:{}", BASE64.encode(&[0; 64]));
        assert_eq!(SecretKey::parse(&zeros).unwrap_err(), BadKey::Key);
        // A signature by such a key would hold for any message.
        let zeros = format!("lab-1:{}", BASE64.encode(&[0; 32]));
        assert_eq!(PublicKey::parse(&zeros).unwrap_err(), BadKey::Key);
    }
}
