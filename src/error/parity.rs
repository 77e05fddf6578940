//! Parity files that cannot be used.

use std::path::{Path, PathBuf};

use crate::media::volumes::Set;
use crate::parity::parity_name;
use crate::verify::ParityFault;
use shellpack_format::bundle::manifest::shell_quoted_path;

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
    /// It cannot be read here and there.
    #[error("could not use {}: it is neither a file nor a disk", .0.display())]
    NotAFile(PathBuf),
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
    /// It is of no use, or of less, and the bundle is as it was.
    #[error("could not rely on {}: {fault}", parity.display())]
    Faulty {
        /// The bundle, as it was named.
        bundle: PathBuf,
        /// Further directories in which volumes of it may lie.
        dirs: Vec<PathBuf>,
        /// The parity file.
        parity: PathBuf,
        /// What is wrong with it.
        fault: ParityFault,
    },
    /// Parity would be that of the damage.
    #[error("could not protect {}: it is damaged already", .0.display())]
    Damaged(PathBuf),
}

impl BadParity {
    /// One line, with what to do instead.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Faulty {
                bundle,
                dirs,
                parity,
                ..
            } => return anew(bundle, dirs, parity),
            Self::Absent { .. } => {
                "name it with --parity FILE, or copy the bundle again from where it was made"
            }
            Self::Unknown(_) => "use the version of shellpack that made it, or a newer one",
            Self::NotAFile(_) | Self::NotParity(_) | Self::OtherBundle(_) => {
                "name the right one with --parity FILE"
            }
            Self::NoVolumes(_) => "name the directories that they are in: --volumes DIR",
            Self::Beyond { .. } | Self::NotRestored(_) | Self::Damaged(_) => {
                "copy what is damaged again from where it was made"
            }
        }
        .to_owned()
    }
}

/// The command that writes a parity file again, where it is.
fn anew(bundle: &Path, dirs: &[PathBuf], parity: &Path) -> String {
    let mut command = format!("shellpack protect --force {}", shell_quoted_path(bundle));
    for dir in dirs {
        command = format!("{command} --volumes {}", shell_quoted_path(dir));
    }
    let name = Set::named(bundle, dirs).map_or_else(|| bundle.to_owned(), |set| set.bundle());
    if parity != parity_name(&name) {
        command = format!("{command} --output {}", shell_quoted_path(parity));
    }
    format!("the bundle is sound; write its parity anew: {command}")
}
