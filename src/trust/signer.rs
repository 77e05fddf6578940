//! The maker of a signature, as the signature states it.

use serde::Serialize;

use shellpack_format::bundle::signature::{Signature, SshKey};
use shellpack_format::store::key::{KeyName, PublicKey};

/// The kind of a key in Nix's format; other kinds are named as OpenSSH does.
const NIX: &str = "nix";

/// The maker of a signature. Whether it really is, and is trusted, is another question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Signer {
    /// The name of the key; for an SSH key, the principals that a policy gives it, if one does.
    name: Option<String>,
    /// The kind of key: `nix`, `ssh-ed25519` and so on.
    kind: String,
    /// The public key, if the signature carries it or this machine knows it.
    pub(super) key: Option<String>,
    /// Its fingerprint, likewise.
    pub(super) fingerprint: Option<String>,
}

impl Signer {
    /// The maker that a signature states.
    pub(crate) fn of(signature: &Signature) -> Self {
        match signature {
            Signature::Nix { signature, key } => Self::of_key(signature.name(), key.as_ref()),
            Signature::Ssh(signature) => Self::of_ssh_key(&signature.key()),
        }
    }

    pub(super) fn of_key(name: &KeyName, key: Option<&PublicKey>) -> Self {
        Self {
            name: Some(name.to_string()),
            kind: NIX.to_owned(),
            key: key.map(ToString::to_string),
            fingerprint: key.map(PublicKey::fingerprint),
        }
    }

    pub(super) fn of_ssh_key(key: &SshKey) -> Self {
        Self {
            name: None,
            kind: key.kind(),
            key: Some(key.to_string()),
            fingerprint: Some(key.fingerprint()),
        }
    }

    pub(super) fn named(self, name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..self
        }
    }

    pub(super) fn is_ssh(&self) -> bool {
        self.kind != NIX
    }

    /// The name, or the kind of key where there is none.
    pub(super) fn title(&self) -> String {
        let unnamed = || format!("an {} key", self.kind);
        self.name.clone().unwrap_or_else(unnamed)
    }

    /// The name with the fingerprint.
    pub(crate) fn shown(&self) -> String {
        match &self.fingerprint {
            Some(fingerprint) => format!("{} ({fingerprint})", self.title()),
            None => self.title(),
        }
    }
}
