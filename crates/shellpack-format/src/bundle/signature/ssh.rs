//! Signatures of `ssh-keygen -Y sign -n shellpack` (`bundle-format.md`, section 6.2), as OpenSSH's
//! PROTOCOL.sshsig defines them.

use ssh_key::encoding::{Decode as _, Encode as _};
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, HashAlg, PublicKey, SshSig};

/// The namespace of signatures over manifests: a signature that was made for another purpose does
/// not count.
pub const NAMESPACE: &str = "shellpack";

/// An SSH key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshKey(KeyData);

/// An SSH signature, with the key that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSignature {
    parsed: SshSig,
    bytes: Vec<u8>,
}

/// The reason why bytes are not a signature that a bundle can carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSshSignature {
    /// It is none.
    #[error("it is not a signature of ssh-keygen")]
    Form,
    /// It was made for another purpose.
    #[error("it was made for the namespace '{}', not for '{NAMESPACE}'", .0.escape_debug())]
    Namespace(String),
}

impl SshKey {
    /// Parses `ssh-ed25519 AAAA… comment`, or a line of that form of any other kind of key.
    pub fn parse(text: &str) -> Option<Self> {
        let key = PublicKey::from_openssh(text.trim()).ok()?;
        Some(Self(key.key_data().clone()))
    }

    /// `SHA256:` and the digest in base 64, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Whether signatures by a key of this kind can be verified.
    pub fn is_supported(&self) -> bool {
        !matches!(self.0.algorithm(), Algorithm::Dsa | Algorithm::Other(_))
    }

    /// The kind of key, such as `ssh-ed25519`.
    pub fn kind(&self) -> String {
        self.0.algorithm().to_string()
    }
}

/// `ssh-ed25519 AAAA…`, as in an `allowed_signers` file.
impl std::fmt::Display for SshKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = PublicKey::from(self.0.clone()).to_openssh();
        f.write_str(&text.map_err(|_| std::fmt::Error)?)
    }
}

impl SshSignature {
    /// Parses the bytes: those that `ssh-keygen` writes in base 64.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadSshSignature> {
        let mut rest = bytes;
        let parsed = SshSig::decode(&mut rest).map_err(|_| BadSshSignature::Form)?;
        // A signature has one form, so that no bit of it can be flipped unnoticed.
        if !rest.is_empty() || encoded(&parsed).as_deref() != Some(bytes) {
            return Err(BadSshSignature::Form);
        }
        if parsed.namespace() != NAMESPACE {
            return Err(BadSshSignature::Namespace(parsed.namespace().to_owned()));
        }
        Ok(Self {
            parsed,
            bytes: bytes.to_owned(),
        })
    }

    /// Parses what `ssh-keygen -Y sign` writes, `-----BEGIN SSH SIGNATURE-----` and so on.
    pub fn from_pem(text: &str) -> Result<Self, BadSshSignature> {
        let parsed = SshSig::from_pem(text).map_err(|_| BadSshSignature::Form)?;
        let bytes = encoded(&parsed).ok_or(BadSshSignature::Form)?;
        Self::from_bytes(&bytes)
    }

    /// The key that made it, as the signature states it.
    pub fn key(&self) -> SshKey {
        SshKey(self.parsed.public_key().clone())
    }

    /// Whether its key made it over this manifest.
    pub fn is_sound(&self, manifest: &[u8]) -> bool {
        let key = PublicKey::from(self.parsed.public_key().clone());
        key.verify(NAMESPACE, manifest, &self.parsed).is_ok()
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn encoded(signature: &SshSig) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    signature.encode(&mut bytes).ok()?;
    Some(bytes)
}
