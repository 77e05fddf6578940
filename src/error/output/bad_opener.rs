//! Programs that cannot open a bundle on its target.

use std::path::PathBuf;

use super::super::Error;
use super::BadOutput;
use crate::text::{printable_line, shown};

/// Why a program cannot be carried to open a bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadOpener {
    /// This program loads libraries.
    #[error(
        "could not carry this shellpack to open the bundle: it loads libraries, which the target need not have"
    )]
    OwnLoadsLibraries,
    /// The named one does.
    #[error("could not carry {}: it loads libraries, which the target need not have", shown(.0))]
    LoadsLibraries(PathBuf),
    /// It is another kind of file, or for another kind of processor than any that is known here.
    #[error("could not carry {}: it is not a program for Linux", shown(.0))]
    NotProgram(PathBuf),
    /// It is no shellpack, or one that cannot do it.
    #[error("could not carry {}: it is not a shellpack that opens executable bundles", shown(.0))]
    NotShellpack(PathBuf),
    /// It is larger than any shellpack.
    #[error("could not carry {}: it is too large", shown(.0))]
    TooLarge(PathBuf),
    /// It does not run on the target.
    #[error(
        "could not carry {}: it is for {program}, and the shell is for {}",
        shown(file),
        printable_line(shell)
    )]
    Foreign {
        /// The program.
        file: PathBuf,
        /// Its system.
        program: &'static str,
        /// The system of the shell.
        shell: String,
    },
}

impl From<BadOpener> for Error {
    fn from(bad: BadOpener) -> Self {
        Self::Output(BadOutput::Opener(bad))
    }
}
