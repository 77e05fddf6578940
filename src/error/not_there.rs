//! What was opened before, and cannot be entered or let go of.

use std::path::PathBuf;

use super::Damage;
use super::words::indent;

/// Why a shell that was opened here is not to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotThere {
    /// There is no place for shellpack's state.
    #[error("could not find the record of what was opened: neither HOME nor XDG_STATE_HOME is set")]
    NoHome,
    /// Nothing was.
    #[error("could not find a shell: no bundle was opened here")]
    NothingOpened,
    /// Nothing of that name was.
    #[error("could not find {0}: no bundle of that name was opened here")]
    NotOpened(String),
    /// Several bundles of that name were.
    #[error("could not choose: several bundles named {name} were opened here{}", indent(&candidates.join("\n")))]
    Ambiguous {
        /// The name.
        name: String,
        /// What names each of them in full, the one that was opened last first.
        candidates: Vec<String>,
    },
    /// Which shell is meant can only be told in a project.
    #[error("could not tell which shell to enter: {} lies in no opened project", dir.display())]
    NotInProject {
        /// The current directory.
        dir: PathBuf,
        /// Names of what was opened.
        known: Vec<String>,
    },
    /// A bundle has several shells, or one, and none of that name.
    #[error("could not find the shell {shell} in {bundle}: {}", what_it_has(known))]
    NoSuchShell {
        /// What was asked for.
        shell: String,
        /// The bundle's name.
        bundle: String,
        /// What its shells are called; empty where the only one has no name.
        known: Vec<String>,
    },
    /// A record is damaged, or not whole yet.
    #[error("could not enter {id}: its record is damaged")]
    DamagedRecord {
        /// The record.
        id: String,
        /// What is wrong with it.
        #[source]
        source: Damage,
    },
    /// The project was moved or deleted.
    #[error("could not enter {name}: {} is gone", path.display())]
    ProjectGone {
        /// The record.
        name: String,
        /// What is gone: the project's directory, or the shell file in it.
        path: PathBuf,
        /// The project's directory.
        project: PathBuf,
    },
    /// Paths are not valid any more.
    #[error(
        "could not enter {name}: this machine's store does not have what it needs{}",
        indent(paths)
    )]
    PathsGone {
        /// The record.
        name: String,
        /// Some of the paths, one per line.
        paths: String,
    },
}

fn what_it_has(shells: &[String]) -> String {
    if shells.is_empty() {
        "it has only one, which has no name".to_owned()
    } else {
        format!("it has {}", shells.join(", "))
    }
}
