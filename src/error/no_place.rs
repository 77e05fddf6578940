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
    #[error("could not write the project files: {} is {}", shown(path), if *is_directory { "a directory here, and not in the bundle" } else { "a directory in the bundle, and not here" })]
    OtherKind {
        /// The path.
        path: PathBuf,
        /// Whether it is a directory here.
        is_directory: bool,
    },
    /// It was made, moved or replaced by another process since it was looked at.
    #[error("could not write the project files: {} was changed by somebody else meanwhile", shown(.0))]
    Changed(PathBuf),
    /// The file system takes two names of the bundle for one.
    #[error("could not write the project files: the file system takes {} and another name in the bundle for the same one", shown(.0))]
    SameName(PathBuf),
    /// Version control would run files of the bundle in a repository of the user's.
    #[error(
        "could not write the project files: {} is for version control to obey, and {} is a repository of your own",
        shown(file),
        shown(repository)
    )]
    Repository {
        /// The bundle's file, at its place.
        file: PathBuf,
        /// The repository's directory.
        repository: PathBuf,
    },
    /// A file would get among the settings of the user's programs.
    #[error("could not write the project files: {} would be among the settings of your own programs", shown(.0))]
    Settings(PathBuf),
    /// A project file would overwrite another one.
    #[error("could not write the project files: {} exists and differs from the one in the bundle", shown(.0))]
    FileDiffers(PathBuf),
}
