//! Reasons not to go back to an earlier bundle. Nothing was changed.

use std::path::PathBuf;

use super::Damage;
use super::words::indent;
use crate::text::{printable_line, shown};

/// Why a rollback is refused.
#[derive(Debug, thiserror::Error)]
pub enum NoWayBack {
    /// There is no earlier one.
    #[error(
        "could not go back from {}: no older bundle of {} is kept here",
        printable_line(name),
        shown(project)
    )]
    First {
        /// The current bundle.
        name: String,
        /// The project's directory.
        project: PathBuf,
    },
    /// Users have copies of their own.
    #[error(
        "could not roll back {}: root opened it for all users of this machine",
        printable_line(name)
    )]
    ForAllUsers {
        /// The bundle.
        name: String,
    },
    /// The record is damaged.
    #[error("could not go back to {}: its record is damaged", printable_line(name))]
    Damaged {
        /// The bundle.
        name: String,
        /// The fault.
        #[source]
        source: Damage,
    },
    /// The directory was moved or deleted.
    #[error(
        "could not go back to {}: {} is gone",
        printable_line(name),
        shown(project)
    )]
    ProjectGone {
        /// The bundle.
        name: String,
        /// The project's directory.
        project: PathBuf,
    },
    /// Store paths are gone, although they were protected.
    #[error(
        "could not go back to {}: this machine's store does not have paths that it needs{}",
        printable_line(name),
        indent(paths)
    )]
    PathsGone {
        /// The bundle.
        name: String,
        /// The project's directory.
        project: PathBuf,
        /// Some of the paths, one per line.
        paths: String,
    },
    /// An earlier shellpack opened it, or they could not be kept.
    #[error(
        "could not go back to {}: its record does not have all of its project files{}",
        printable_line(name),
        indent(files)
    )]
    NotKept {
        /// The bundle.
        name: String,
        /// The project's directory.
        project: PathBuf,
        /// Some of the files, one per line.
        files: String,
    },
}
