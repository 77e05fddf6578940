//! Parity files that cannot be used.

use std::path::PathBuf;

/// Why a bundle cannot be repaired.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadParity {
    /// There is none.
    #[error("could not repair {}: there is no parity file {}", bundle.display(), parity.display())]
    Absent {
        /// The bundle.
        bundle: PathBuf,
        /// Where it was looked for.
        parity: PathBuf,
    },
    /// The file is something else, or nothing of it is whole.
    #[error("could not use {}: it is not a parity file, or all of it is damaged", .0.display())]
    NotParity(PathBuf),
    /// A newer program wrote it.
    #[error("could not use {}: it is a parity file of a kind that this shellpack does not know", .0.display())]
    Unknown(PathBuf),
    /// Not a byte fits.
    #[error("could not use {}: it belongs to another bundle", .0.display())]
    OtherBundle(PathBuf),
    /// Nobody can tell how large the volumes were.
    #[error("could not repair {}: no volume of it is there", .0.display())]
    NoVolumes(PathBuf),
    /// There is more damage than parity.
    #[error("could not repair the bundle: more of it is damaged than {} covers", parity.display())]
    Beyond {
        /// The parity file.
        parity: PathBuf,
    },
    /// Something else came out.
    #[error("could not repair {}: what comes out is not what was protected", .0.display())]
    NotRestored(PathBuf),
    /// Parity would be that of the damage.
    #[error("could not protect {}: it is damaged already", .0.display())]
    Damaged(PathBuf),
}

impl BadParity {
    /// One line, with what to do instead.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Absent { .. } => {
                "name it with --parity FILE, or copy the bundle again from where it was made"
            }
            Self::Unknown(_) => "use the version of shellpack that made it, or a newer one",
            Self::NotParity(_) | Self::OtherBundle(_) => "name the right one with --parity FILE",
            Self::NoVolumes(_) => "name the directories that they are in: --volumes DIR",
            Self::Beyond { .. } | Self::NotRestored(_) | Self::Damaged(_) => {
                "copy what is damaged again from where it was made"
            }
        }
        .to_owned()
    }
}
