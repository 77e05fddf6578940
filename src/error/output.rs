//! Places where a bundle cannot be written.

use std::io;
use std::path::{Path, PathBuf};

use super::Error;
use crate::text::shown;

mod bad_opener;

pub(crate) use bad_opener::BadOpener;

/// Why a bundle cannot be written to the chosen place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadOutput {
    /// It exists.
    #[error("could not write {}: it already exists", shown(.0))]
    Exists(PathBuf),
    /// Two bundles would have this name.
    #[error("could not copy {} and {}: both would be {}", shown(&bundles[0]), shown(&bundles[1]), shown(to))]
    OneName {
        /// The two.
        bundles: [PathBuf; 2],
        /// Where each would be copied to.
        to: PathBuf,
    },
    /// It is a directory.
    #[error("could not write {}: it is a directory", shown(.0))]
    IsDirectory(PathBuf),
    /// There is no directory for it.
    #[error("could not write to {}: there is no such directory", shown(.0))]
    NotDirectory(PathBuf),
    /// Its directory takes no file of this user.
    #[error("could not write {}", shown(path))]
    Refused {
        /// The output.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is a device, a pipe or a socket.
    #[error("could not replace {}: it is not a regular file", shown(.0))]
    IsSpecial(PathBuf),
    /// It would become part of what it packs.
    #[error(
        "could not write {}: evaluation copies {}, so the next evaluation would copy the bundle as well",
        shown(path),
        shown(tree)
    )]
    InSource {
        /// The output.
        path: PathBuf,
        /// The directory that evaluation copies.
        tree: PathBuf,
    },
    /// Its file system is too small.
    #[error(
        "could not write {}: it needs at least {needed}, and its file system has {free} free",
        shown(path)
    )]
    NoRoom {
        /// The output.
        path: PathBuf,
        /// The least that it needs, for a human.
        needed: String,
        /// The space that is free.
        free: String,
    },
    /// Its file system does not allow a file so large.
    #[error(
        "could not write {} in files of {size}: {file_system} allows files of up to {most}",
        shown(path)
    )]
    TooLarge {
        /// The output.
        path: PathBuf,
        /// The size of a file, for a human.
        size: String,
        /// The kind of file system.
        file_system: &'static str,
        /// The largest file that it allows.
        most: String,
    },
    /// The first volume would lack some of what opens the bundle.
    #[error(
        "could not write {} in volumes of {size}: the first one must hold the program that opens it and the manifest, {least} in sum",
        shown(path)
    )]
    TooSmallToOpenItself {
        /// The output.
        path: PathBuf,
        /// The size of a volume, for a human.
        size: String,
        /// The least size, for a human.
        least: String,
    },
    /// Its file system does not allow a parity file so large.
    #[error(
        "could not write so much parity for {}: it is one file of {size}, and {file_system} allows files of up to {most}",
        shown(path)
    )]
    TooMuchParity {
        /// The output.
        path: PathBuf,
        /// The size of its parity, for a human.
        size: String,
        /// The kind of file system.
        file_system: &'static str,
        /// The largest file that it allows.
        most: String,
    },
    /// A bundle would be copied onto itself.
    #[error("could not copy {}: it is already in that directory", shown(.0))]
    IsThere(PathBuf),
    /// It is a file of the bundle being read.
    #[error("could not write {}: it belongs to the bundle being read", shown(.0))]
    IsRead(PathBuf),
    /// It has its name, but may not outlast a power failure.
    #[error("could not make sure that {} is on the disk: it was written, but may be lost{}", shown(path), kept_in(aside.as_deref()))]
    NotLasting {
        /// The file.
        path: PathBuf,
        /// Where the files are that it replaces.
        aside: Option<PathBuf>,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It failed, and the files that were there before could not be put back.
    #[error(
        "could not put back the files that were there before: they are in {}",
        shown(aside)
    )]
    StaysAside {
        /// The directory where it is, beside its place.
        aside: PathBuf,
        /// The failure before that.
        #[source]
        source: Box<Error>,
    },
    /// A program cannot open the bundle on its target.
    #[error(transparent)]
    Opener(#[from] BadOpener),
    /// Standard output is a terminal.
    #[error("could not write the bundle to the terminal")]
    IsTerminal,
    /// Standard output has no name for further files.
    #[error(
        "could not write volumes, a checksum file, parity or a program to standard output: they need file names"
    )]
    HasNoName,
    /// Output that went to standard output is out of reach.
    #[error("could not read back standard output: shellpack does not see where it goes")]
    CannotReadBack,
}

fn kept_in(aside: Option<&Path>) -> String {
    aside.map_or_else(String::new, |aside| {
        format!(", and the files that it replaces are in {}", shown(aside))
    })
}
