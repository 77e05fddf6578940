//! Keys that cannot be used for signing.

use std::io;
use std::path::PathBuf;

use crate::text::shown;

use shellpack_format::bundle::signature::{BadSshSignature, NoRoom};
use shellpack_format::store::key::BadKey;

/// Why a key or a signature cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadKeyFile {
    /// It is no secret key.
    #[error("could not use the key {from}: {reason}")]
    Bad {
        /// The place that it was read from, with its preposition.
        from: String,
        /// Why.
        reason: BadKey,
    },
    /// The place of a key holds nothing.
    #[error("could not use the key {0}: it is empty")]
    Empty(String),
    /// An environment variable that is not there.
    #[error("could not use the key in the environment variable {0}: {0} is not set")]
    Unset(String),
    /// A person would have to type the key.
    #[error("could not read the key from standard input: it is a terminal")]
    Terminal,
    /// A key where the place of one was expected. It may be secret, so it is not repeated.
    #[error("could not use the key: the key itself was given, and not the place that it is in")]
    KeyItself,
    /// Other users can read it.
    #[error("could not use the key in {}: users other than its owner can read the file, too", shown(.0))]
    Exposed(PathBuf),
    /// An SSH key that is in no file.
    #[error("could not use the key {0}: ssh-keygen needs a file")]
    SshNeedsFile(String),
    /// There is no ssh-keygen.
    #[error("could not run ssh-keygen")]
    NoSshKeygen(#[source] io::Error),
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
    /// There is no room for what these keys will sign.
    #[error(
        "could not sign with these keys: their signatures take at least {least} bytes, and a bundle has \
         room for {}",
        shellpack_format::bundle::signature::SIZE
    )]
    TooMany {
        /// The bytes that they take at least.
        least: usize,
    },
    /// The bundle, or a file beside it that has to fit, cannot be written.
    #[error("could not write {}", shown(path))]
    ReadOnly {
        /// The file or directory.
        path: PathBuf,
        /// The bundle.
        bundle: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The checksum file says that the bundle is another one, or damaged.
    #[error(
        "could not sign {}: its digest is not the one in {}, so it is damaged, or was changed",
        shown(file),
        shown(checksums)
    )]
    NotAsRecorded {
        /// The bundle, or the volume.
        file: PathBuf,
        /// The checksum file.
        checksums: PathBuf,
    },
    /// A new key would take the place of a file.
    #[error("could not make a key: {} exists already", shown(.0))]
    Exists(PathBuf),
    /// A name for a new key that is none.
    #[error("could not make a key: {0}")]
    Name(BadKey),
    /// A name for a new key that is no name of a file.
    #[error("could not make a key: {0} cannot be the name of a file")]
    NoFileName(String),
    /// A secret key would be printed.
    #[error("could not make a key: a secret key is not written to standard output")]
    ToStdout,
}
