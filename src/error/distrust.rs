//! Bundles that the policy keeps out, and policies and keys that cannot be used.

use std::fmt;
use std::path::PathBuf;

use crate::text::shown;

/// Why a bundle is not trusted, or trust cannot be decided.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Distrust {
    /// No trusted key signed the bundle.
    #[error(
        "could not trust {}: it is not signed by a key that is trusted here, but by {signer}",
        shown(file)
    )]
    UnknownSigner {
        /// The bundle.
        file: PathBuf,
        /// The first signer.
        signer: Box<UnknownSigner>,
    },
    /// The policy requires a signature.
    #[error(
        "could not trust {}: it is not signed, and {} requires a signature",
        shown(file),
        shown(policy)
    )]
    Unsigned {
        /// The bundle.
        file: PathBuf,
        /// The policy file.
        policy: PathBuf,
    },
    /// A signature claims to be by a trusted key, and is not.
    #[error(
        "could not trust {}: a signature in it claims to be by {signer}, and does not match the key of that name in {trusted_by}",
        shown(file)
    )]
    WrongSignature {
        /// The bundle.
        file: PathBuf,
        /// The name of the key.
        signer: String,
        /// Where that key is trusted.
        trusted_by: String,
    },
    /// A policy file cannot be read or understood.
    #[error("could not use the policy in {}: {reason}", shown(file))]
    BadPolicy {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
}

/// A signer whose key is not trusted.
#[derive(Debug, Clone)]
pub struct UnknownSigner {
    /// The name.
    pub name: String,
    /// The public key, if it is known.
    pub key: Option<String>,
    /// Its fingerprint, likewise.
    pub fingerprint: Option<String>,
    /// How to trust it.
    pub way: Option<WayToTrust>,
}

/// The name; the key and its fingerprint on lines of their own.
impl fmt::Display for UnknownSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (label, value) in [("key", &self.key), ("fingerprint", &self.fingerprint)] {
            if let Some(value) = value {
                write!(f, "\n  {label:<11} {value}")?;
            }
        }
        Ok(())
    }
}

/// How a user would trust the signer of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WayToTrust {
    /// A key in Nix's format belongs into a policy file.
    Key {
        /// The policy file.
        file: PathBuf,
        /// The key.
        key: String,
        /// Whether the file has a list of keys already.
        has_list: bool,
    },
    /// Only the name of the key is known.
    AskFor {
        /// The policy file.
        file: PathBuf,
        /// The name.
        name: String,
    },
    /// A key of OpenSSH's belongs into an `allowed_signers` file.
    Signer {
        /// The file.
        file: PathBuf,
        /// The key.
        key: String,
    },
    /// The time for which this file trusts the key is over, or has not begun.
    Renew(PathBuf),
}
