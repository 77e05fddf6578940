//! Shells that are there and were not entered.

use std::path::PathBuf;
use std::process::ExitStatus;

use super::words::{describe, indent};
use crate::text::{printable_line, shown};

/// Why a shell was not entered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotEntered {
    /// The user was asked, and declined.
    #[error("the shell was not entered")]
    Declined,
    /// The shell ended before it could tell its environment.
    #[error("could not find out the environment of the shell: it ended before ({}){}", describe(*status), indent(words))]
    NoEnvironment {
        /// How it ended.
        status: ExitStatus,
        /// Its output.
        words: String,
    },
    /// Other tools would look for its paths in a `/nix` that is not there.
    #[error(
        "could not give other tools the environment of {}: its store is in {}, and is /nix only for what shellpack runs in it",
        printable_line(name),
        shown(store)
    )]
    OnlyInside {
        /// The bundle.
        name: String,
        /// The directory of its store.
        store: PathBuf,
    },
    /// A bundle that lacks what entering without evaluation needs.
    #[error("could not enter the shell without evaluation: its structured attributes are missing")]
    NoStructuredAttributes,
}
