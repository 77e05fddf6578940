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
        "could not trust {}: it is not signed by a key that is trusted here, but by {}",
        shown(file),
        all(signers)
    )]
    UnknownSigner {
        /// The bundle.
        file: PathBuf,
        /// All signers, at least one: those first that this machine knows something about.
        signers: Vec<UnknownSigner>,
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
    /// Every user may write to a policy file.
    #[error("could not use the policy in {}: every user of this machine may write to it", shown(.0))]
    OpenPolicy(PathBuf),
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
    /// Remarks of this machine about it: whole sentences without their ends.
    pub remarks: Vec<String>,
    /// How to trust it.
    pub way: Option<WayToTrust>,
}

/// The name; the rest on lines of its own.
impl fmt::Display for UnknownSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (label, value) in [("key", &self.key), ("fingerprint", &self.fingerprint)] {
            if let Some(value) = value {
                write!(f, "\n  {label:<11} {value}")?;
            }
        }
        self.remarks
            .iter()
            .try_for_each(|remark| write!(f, "\n  {remark}"))
    }
}

fn all(signers: &[UnknownSigner]) -> String {
    let signers: Vec<_> = signers.iter().map(ToString::to_string).collect();
    signers.join("\n  and by ")
}

/// How a user would trust the signer of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WayToTrust {
    /// A key in Nix's format belongs in a policy file.
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
    /// An SSH key belongs in an `allowed_signers` file.
    Signer {
        /// The file.
        file: PathBuf,
        /// The key.
        key: String,
    },
    /// The time for which a file trusts the key is over, or has not begun.
    Renew {
        /// The file.
        file: PathBuf,
        /// The time on this machine.
        now: String,
    },
    /// Another key of this name is trusted, so this one may be a forgery.
    AnotherKey {
        /// The name.
        name: String,
        /// The file that trusts the other key.
        file: PathBuf,
    },
}
