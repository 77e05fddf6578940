//! Parity files that cannot be used.

use std::fmt;
use std::path::PathBuf;

use crate::text::shown;

/// Why a bundle cannot be repaired.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadParity {
    /// There is none.
    #[error(
        "could not repair {}: there is no parity file {}",
        shown(bundle),
        shown(parity)
    )]
    Absent {
        /// The bundle.
        bundle: PathBuf,
        /// Where it was looked for.
        parity: PathBuf,
    },
    /// It has no parts that could be read one by one.
    #[error("could not use {}: it is neither a file nor a disk", shown(.0))]
    NotAFile(PathBuf),
    /// The file is something else, or nothing of it is whole.
    #[error("could not use {}: it is not a parity file, or all of it is damaged", shown(.0))]
    NotParity(PathBuf),
    /// A newer program wrote it.
    #[error("could not use {}: it is a parity file of a kind that this version of shellpack does not know", shown(.0))]
    Unknown(PathBuf),
    /// It is not the parity of this bundle.
    #[error("could not use {}: it belongs to another bundle", shown(.0))]
    OtherBundle(PathBuf),
    /// The size of the volumes cannot be known.
    #[error("could not repair {}: none of its volumes was found", shown(.0))]
    NoVolumes(PathBuf),
    /// There is more damage than parity.
    #[error(
        "could not repair the bundle: there is more damage than {} covers",
        shown(parity)
    )]
    Beyond {
        /// The parity file.
        parity: PathBuf,
    },
    /// The result is not the bundle.
    #[error("could not repair {}: the result is not the bundle that was protected", shown(.0))]
    NotRestored(PathBuf),
    /// The parity file has a fault, and the bundle has none.
    #[error("could not use {}: {fault}", shown(parity))]
    Faulty {
        /// The bundle, as it was named.
        bundle: PathBuf,
        /// Further directories with volumes of it.
        dirs: Vec<PathBuf>,
        /// The parity file.
        parity: PathBuf,
        /// The fault.
        fault: ParityFault,
    },
    /// Parity would preserve the damage.
    #[error("could not protect {}: it is already damaged", shown(.0))]
    Damaged(PathBuf),
}

/// A fault of a parity file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParityFault {
    /// It is damaged in places.
    Damaged,
    /// It does not belong to the bundle.
    OfAnother,
    /// It is something else.
    Unusable,
}

impl fmt::Display for ParityFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Damaged => "it is damaged in places",
            Self::OfAnother => "it belongs to another bundle",
            Self::Unusable => "it is not a parity file, or all of it is damaged",
        })
    }
}
