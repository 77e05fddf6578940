//! The maker of a signature, as the signature states it.

use serde::Serialize;

use shellpack_format::bundle::signature::{Signature, SshKey};
use shellpack_format::store::key::PublicKey;

/// The maker of a signature. Whether it really is, and is trusted, is another question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Signer {
    /// The name of the key; for a key of OpenSSH's, the principals or the kind.
    pub(super) name: String,
    /// The public key, if the signature carries it or this machine knows it.
    pub(super) key: Option<String>,
    /// Its fingerprint, likewise.
    pub(super) fingerprint: Option<String>,
}

impl Signer {
    /// The maker that a signature states.
    pub(crate) fn of(signature: &Signature) -> Self {
        match signature {
            Signature::Nix { signature, key } => {
                Self::named(signature.name().as_str(), key.as_ref())
            }
            Signature::Ssh(signature) => Self::with_ssh_key(&signature.key()),
        }
    }

    pub(super) fn named(name: &str, key: Option<&PublicKey>) -> Self {
        Self {
            name: name.to_owned(),
            key: key.map(ToString::to_string),
            fingerprint: key.map(PublicKey::fingerprint),
        }
    }

    pub(super) fn with_ssh_key(key: &SshKey) -> Self {
        Self {
            name: format!("an {} key", key.kind()),
            key: Some(key.to_string()),
            fingerprint: Some(key.fingerprint()),
        }
    }

    /// The name with the fingerprint.
    pub(crate) fn shown(&self) -> String {
        match &self.fingerprint {
            Some(fingerprint) => format!("{} ({fingerprint})", self.name),
            None => self.name.clone(),
        }
    }
}
