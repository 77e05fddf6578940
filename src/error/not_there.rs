//! Opened bundles that cannot be entered, gone back to or removed.

use std::path::PathBuf;

use super::words::indent;
use super::{Damage, Error, NoWayBack};
use crate::text::{printable_line, shown};

/// Why an opened bundle cannot be entered, gone back to or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotThere {
    /// There is no place for shellpack's state.
    #[error("could not find the records of opened bundles: neither HOME nor XDG_STATE_HOME is set")]
    NoHome,
    /// There is no place for a store of ours.
    #[error("could not find a place for a store: neither HOME nor XDG_DATA_HOME is set")]
    NoDataHome,
    /// No bundle was opened.
    #[error("could not find a shell: no bundle was opened here")]
    NothingOpened,
    /// No bundle of that name was opened.
    #[error("could not find {}: no bundle of that name was opened here", printable_line(.0))]
    NotOpened(String),
    /// Several bundles of that name were opened.
    #[error(
        "could not choose: several bundles named {} were opened here{}",
        printable_line(name),
        listed(candidates)
    )]
    Ambiguous {
        /// The name.
        name: String,
        /// Their full names, the one that was opened last first.
        candidates: Vec<String>,
    },
    /// Only inside a project is it clear which shell is meant.
    #[error(
        "could not tell which shell is meant: {} is not in an opened project",
        shown(dir)
    )]
    NotInProject {
        /// The current directory.
        dir: PathBuf,
        /// Names of opened bundles.
        known: Vec<String>,
    },
    /// A bundle has several shells, or one, and none of that name.
    #[error(
        "could not find the shell {} in {bundle}: {}",
        printable_line(shell),
        known_shells(known)
    )]
    NoSuchShell {
        /// The name that was asked for.
        shell: String,
        /// The bundle's name.
        bundle: String,
        /// The names of its shells; empty if its only shell has no name.
        known: Vec<String>,
    },
    /// A shell has no script to run.
    #[error("could not run a script: {}", no_script(bundle, shell.as_deref(), script.as_deref()))]
    NoScript {
        /// The bundle's name.
        bundle: String,
        /// The shell's name, if there are several.
        shell: Option<String>,
        /// The script, if there is one that no program runs.
        script: Option<String>,
    },
    /// A record is damaged or not complete yet.
    #[error("could not enter {}: its record is damaged", printable_line(id))]
    DamagedRecord {
        /// The record.
        id: String,
        /// The fault.
        #[source]
        source: Damage,
    },
    /// The shared files cannot be copied to the user's directory.
    #[error(
        "could not copy the project files of {} to this directory",
        printable_line(name)
    )]
    NoPlaceHere {
        /// The record.
        name: String,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// Only root removes what is there for all users.
    #[error(
        "could not remove {}: root opened it for all users of this machine",
        printable_line(id)
    )]
    ForAllUsers {
        /// The record.
        id: String,
    },
    /// The project was moved or deleted.
    #[error("could not enter {}: {} is gone", printable_line(name), shown(path))]
    ProjectGone {
        /// The record.
        name: String,
        /// The missing path: the project's directory, or the shell file in it.
        path: PathBuf,
        /// The project's directory.
        project: PathBuf,
        /// The original of the missing path, if root opened the bundle for others.
        original: Option<PathBuf>,
        /// The store that has the bundle, if it is one that `open` does not choose by itself.
        store: Option<PathBuf>,
    },
    /// A rollback is refused.
    #[error(transparent)]
    NoWayBack(#[from] NoWayBack),
    /// Paths are not valid any more.
    #[error(
        "could not enter {}: this machine's store does not have paths that it needs{}",
        printable_line(name),
        indent(paths)
    )]
    PathsGone {
        /// The record.
        name: String,
        /// Some of the paths, one per line.
        paths: String,
        /// The store, if it is one that `open` does not choose by itself.
        store: Option<PathBuf>,
    },
}

impl From<NoWayBack> for Error {
    fn from(error: NoWayBack) -> Self {
        NotThere::from(error).into()
    }
}

/// The names, one a line.
fn listed(names: &[String]) -> String {
    let names = names.iter().map(|name| printable_line(name));
    indent(&names.collect::<Vec<_>>().join("\n"))
}

fn no_script(bundle: &str, shell: Option<&str>, script: Option<&str>) -> String {
    let of_shell = shell.map_or(String::new(), |shell| format!("the shell {shell} of "));
    match script {
        Some(script) => format!(
            "no line of {} names an interpreter (-i)",
            printable_line(script)
        ),
        None => format!("{of_shell}{bundle} has none"),
    }
}

fn known_shells(shells: &[String]) -> String {
    if shells.is_empty() {
        "its only shell has no name".to_owned()
    } else {
        format!("it has {}", shells.join(", "))
    }
}
