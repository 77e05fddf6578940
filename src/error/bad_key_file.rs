//! Keys that cannot be used for signing.

use std::path::PathBuf;

use crate::text::shown;

use shellpack_format::bundle::signature::{BadSshSignature, NoRoom};
use shellpack_format::store::key::BadKey;

/// Why a key or a signature cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadKeyFile {
    /// It is no secret key.
    #[error("could not use the key in {from}: {reason}")]
    Bad {
        /// The file, or another place that it was read from.
        from: String,
        /// Why.
        reason: BadKey,
    },
    /// Other users can read it.
    #[error("could not use the key in {}: users other than its owner can read the file, too", shown(.0))]
    Exposed(PathBuf),
    /// A key of OpenSSH's that is in no file.
    #[error("could not use the key in {0}: ssh-keygen needs a file")]
    SshNeedsFile(String),
    /// ssh-keygen did not sign.
    #[error("could not sign with {}: {reason}", shown(key))]
    SshFailed {
        /// The file of the key.
        key: PathBuf,
        /// Its words, or the fault of its signature.
        reason: String,
    },
    /// A file that should hold a signature does not.
    #[error("could not use the signature in {}: {reason}", shown(file))]
    BadSignature {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: BadSshSignature,
    },
    /// A signature is over something else.
    #[error(
        "could not use the signature in {}: it does not match the manifest of {}",
        shown(file),
        shown(bundle)
    )]
    OfAnother {
        /// The file.
        file: PathBuf,
        /// The bundle.
        bundle: PathBuf,
    },
    /// There is no room for it.
    #[error("could not sign {}: {reason}", shown(bundle))]
    NoRoom {
        /// The bundle.
        bundle: PathBuf,
        /// Why.
        reason: NoRoom,
    },
    /// A new key would take the place of a file.
    #[error("could not make a key: {} exists already", shown(.0))]
    Exists(PathBuf),
    /// A name for a new key that is none.
    #[error("could not make a key: {0}")]
    Name(BadKey),
}
