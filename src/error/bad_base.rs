//! Descriptions of a target that no update can be made for.

use std::path::PathBuf;

use crate::text::{printable_line, shown};
use shellpack_format::bundle::inventory::BadInventory;
use shellpack_format::store::hash::Digest;

/// Why a bundle or an inventory cannot be what an update is made for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadBase {
    /// The file is not an inventory.
    #[error("could not read {}", shown(file))]
    Inventory {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: BadInventory,
    },
    /// A store path is not what an update presumes.
    #[error(
        "could not use {}, which the update presumes: its contents were changed (its NAR has {found}, and not {expected})",
        shown(path)
    )]
    Changed {
        /// The path.
        path: PathBuf,
        /// The hash of its NAR.
        found: Digest,
        /// The hash that it should have.
        expected: Digest,
    },
    /// The target's store has another directory.
    #[error(
        "could not make an update for {}: its store is {}, and this machine's is {here}",
        shown(file),
        printable_line(there)
    )]
    Store {
        /// The bundle or inventory.
        file: PathBuf,
        /// The target's store directory.
        there: String,
        /// This machine's.
        here: String,
    },
    /// The target runs programs of another system.
    #[error(
        "could not make an update for {}: it is of a machine for {}, and the shell is for {shell}",
        shown(file),
        printable_line(there)
    )]
    System {
        /// The inventory.
        file: PathBuf,
        /// The target's system.
        there: String,
        /// The shell's.
        shell: String,
    },
}
