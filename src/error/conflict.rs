//! Contents of the store that stand in the way of an import.

use std::path::PathBuf;

use crate::text::shown;

use shellpack_format::store::hash::Digest;

/// Why a path of a bundle cannot be imported into this store, or be taken from it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// Nix would take something for the lock of the path.
    #[error(
        "could not import {}: {} is in the place of its lock, and is {what}",
        shown(path),
        shown(lock)
    )]
    NotALock {
        /// The path to import.
        path: PathBuf,
        /// The file in the place of its lock.
        lock: PathBuf,
        /// The kind of file that it is.
        what: &'static str,
    },
    /// Nix's own lock file is none.
    #[error("could not lock {}: it is {what}", shown(lock))]
    NotALockFile {
        /// The lock.
        lock: PathBuf,
        /// The kind of file that it is.
        what: &'static str,
    },
    /// A hash part was chosen, and not computed.
    #[error(
        "could not import {path}: the store has {other}, whose name begins with the same hash, so one of them is a forgery"
    )]
    OneHashPart {
        /// The path to import, in full.
        path: String,
        /// The path that is there, in full.
        other: String,
    },
    /// The store has a path of this name with other contents.
    #[error(
        "could not take {path} from the store: it has other contents there than in the bundle (its NAR has {here}, and not {bundle})"
    )]
    OtherContents {
        /// The path, in full.
        path: String,
        /// The hash that the store has.
        here: Digest,
        /// The hash that the bundle has.
        bundle: Digest,
    },
    /// The store has a path of this name with other references.
    #[error(
        "could not take {path} from the store: it has other references there than in the bundle"
    )]
    OtherReferences {
        /// The path, in full.
        path: String,
    },
}
