//! Files of an opened bundle that cannot be written to their place.

use std::io;
use std::path::PathBuf;

use crate::text::shown;

/// Why the project files, or the record of the bundle, cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoPlace {
    /// The default directory is used for something else.
    #[error("could not write the project files: {} exists and does not contain this shell", shown(.0))]
    OtherDirectory(PathBuf),
    /// The project files cannot be written to their place.
    #[error("could not write the project files to {}", shown(dir))]
    Project {
        /// The directory that cannot be written to.
        dir: PathBuf,
        /// The bundle's name, if nobody named another directory.
        name: Option<String>,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The record of an opened bundle cannot be kept.
    #[error("could not keep a record of the bundle in {}", shown(dir))]
    Record {
        /// The directory that cannot be written to.
        dir: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A project file is where a directory should be, or the reverse.
    #[error("could not write the project files: {} is {}", shown(path), if *is_directory { "a directory here, but not in the bundle" } else { "a directory in the bundle, but not here" })]
    OtherKind {
        /// The path.
        path: PathBuf,
        /// Whether it is a directory here.
        is_directory: bool,
    },
    /// A project file would overwrite another one.
    #[error("could not write the project files: {} exists and differs from the one in the bundle", shown(.0))]
    FileDiffers(PathBuf),
}
