//! Bundles that are for another machine than this one.

use std::path::PathBuf;

/// Why the shells of a bundle cannot be entered on this machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// The bundle is for another system.
    #[error("could not open {}: it is for {bundle}, and this machine is {here}", file.display())]
    WrongSystem {
        /// The bundle.
        file: PathBuf,
        /// The bundle's system.
        bundle: String,
        /// This machine's.
        here: String,
    },
    /// The store has another directory.
    #[error("could not open {}: its store is {bundle}, and this machine's is {here}", file.display())]
    WrongStore {
        /// The bundle.
        file: PathBuf,
        /// The bundle's store directory.
        bundle: String,
        /// This machine's.
        here: String,
    },
    /// The Nix here is too old for the carried nixpkgs.
    #[error("could not open {}: its nixpkgs needs Nix {needed} or newer, and this machine has {here}", file.display())]
    NixTooOld {
        /// The bundle.
        file: PathBuf,
        /// The version that is needed.
        needed: String,
        /// The version that is here.
        here: String,
    },
}
