//! Places where a bundle cannot be written.

use std::io;
use std::path::{Path, PathBuf};

use super::Error;

/// Why a bundle cannot be written where it was to be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadOutput {
    /// It exists.
    #[error("could not write {}: it exists", .0.display())]
    Exists(PathBuf),
    /// It is a directory.
    #[error("could not write {}: it is a directory", .0.display())]
    IsDirectory(PathBuf),
    /// It takes a directory.
    #[error("could not write to {}: there is no such directory", .0.display())]
    NotDirectory(PathBuf),
    /// It is a device, a pipe or a socket.
    #[error("could not replace {}: it is not a regular file", .0.display())]
    IsSpecial(PathBuf),
    /// It would become part of what it packs.
    #[error("could not write {}: evaluation copies {}, so the next evaluation would copy the bundle, too", path.display(), tree.display())]
    InSource {
        /// The output.
        path: PathBuf,
        /// The directory that evaluation copies.
        tree: PathBuf,
    },
    /// Its place is too small.
    #[error("could not write {}: it takes at least {needed}, and its file system has {free} free", path.display())]
    NoRoom {
        /// The output.
        path: PathBuf,
        /// What it takes at least, for a human.
        needed: String,
        /// What there is.
        free: String,
    },
    /// Its place takes no file so large.
    #[error("could not write {} in files of {size}: {file_system} takes files of up to {most}", path.display())]
    TooLarge {
        /// The output.
        path: PathBuf,
        /// The size of a file, for a human.
        size: String,
        /// The kind of file system.
        file_system: &'static str,
        /// The largest that it takes.
        most: String,
    },
    /// Its place takes no parity file so large.
    #[error("could not protect {} with so much parity: it has {size} in one file, and {file_system} takes files of up to {most}", path.display())]
    TooMuchParity {
        /// The output.
        path: PathBuf,
        /// The size of its parity, for a human.
        size: String,
        /// The kind of file system.
        file_system: &'static str,
        /// The largest file that it takes.
        most: String,
    },
    /// A bundle would be copied to where it is.
    #[error("could not copy {}: it is in that directory already", .0.display())]
    IsThere(PathBuf),
    /// It is a file of the bundle that is read.
    #[error("could not write {}: it belongs to the bundle that is read", .0.display())]
    IsRead(PathBuf),
    /// It has its name, but nobody knows whether that will last.
    #[error("could not make sure that {} is on the disk: it is written{}", path.display(), kept_in(aside.as_deref()))]
    NotLasting {
        /// The file.
        path: PathBuf,
        /// Where that is which it replaces.
        aside: Option<PathBuf>,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It failed, and what was there before could not be put back.
    #[error("could not put back what was there before: it is in {}", aside.display())]
    StaysAside {
        /// The directory where it is, beside its place.
        aside: PathBuf,
        /// What had failed before that.
        #[source]
        source: Box<Error>,
    },
    /// Standard output is a terminal.
    #[error("could not write the bundle to the terminal")]
    IsTerminal,
    /// Standard output is one file without a name.
    #[error(
        "could not write volumes, a checksum file or parity to standard output: only files have names"
    )]
    HasNoName,
    /// What went to standard output is gone.
    #[error("could not read back standard output: nobody knows where it went")]
    CannotReadBack,
}

fn kept_in(aside: Option<&Path>) -> String {
    aside.map_or_else(String::new, |aside| {
        format!(", and what it replaces is in {}", aside.display())
    })
}
