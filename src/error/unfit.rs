//! Bundles that are for another machine than this one.

use std::path::{Path, PathBuf};

use super::words::{first, paths};
use super::{Conflict, Error, UntrustedPaths};
use crate::text::{printable_line, shown};

/// Why the shells of a bundle cannot be entered on this machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// The bundle is for another system.
    #[error(
        "could not open {}: it is for {}, and this machine is {here}",
        shown(file),
        printable_line(bundle)
    )]
    WrongSystem {
        /// The bundle.
        file: PathBuf,
        /// The bundle's system.
        bundle: String,
        /// This machine's.
        here: String,
    },
    /// The store has another directory.
    #[error(
        "could not open {}: its store is {bundle}, and this machine's is {here}",
        shown(file)
    )]
    WrongStore {
        /// The bundle.
        file: PathBuf,
        /// The bundle's store directory.
        bundle: String,
        /// This machine's.
        here: String,
    },
    /// The store lacks what an update presumes.
    #[error(
        "could not open {}: it is an update, and this store lacks {} that it presumes: {}",
        shown(file),
        paths(missing.len()),
        first(missing)
    )]
    LacksPresumed {
        /// The bundle.
        file: PathBuf,
        /// The paths, in full.
        missing: Vec<String>,
        /// The bundles that bring them: name and digest of the manifest.
        from: Vec<(String, String)>,
    },
    /// A store of ours has no Nix.
    #[error("there is no Nix for the store in {}", shown(dir))]
    NoNixForStore {
        /// The store's directory.
        dir: PathBuf,
    },
    /// Nothing here builds.
    #[error("could not build what the shell needs: --build needs Nix, and there is none here")]
    NoNixToBuild,
    /// This is a shell whose `/nix` has another name outside.
    #[error(
        "could not choose a store: this is a shell whose /nix is another directory outside, and no opened bundle \
         here names that"
    )]
    StoreBehindRoom,
    /// A store of ours cannot be in this directory.
    #[error("could not use the store in {}: {}", shown(dir), printable_line(why))]
    NoStoreThere {
        /// The store's directory.
        dir: PathBuf,
        /// The reason.
        why: String,
    },
    /// A process may use the store, and it cannot be seen what of it.
    #[error(
        "could not find out what is in use: process {} of this user cannot be looked into from here",
        printable_line(process)
    )]
    UnseenProcess {
        /// Its number and name.
        process: String,
    },
    /// A later version of Nix has changed a store of ours.
    #[error(
        "could not use the store in {}: a version of Nix has changed its database",
        shown(dir)
    )]
    OtherSchema {
        /// The store's directory.
        dir: PathBuf,
    },
    /// The kernel is too old for the programs of a bundle.
    #[error(
        "could not open {}: its programs need Linux {needed} or newer, and this machine has {}",
        shown(file),
        printable_line(here)
    )]
    KernelTooOld {
        /// The bundle.
        file: PathBuf,
        /// The version that is needed.
        needed: &'static str,
        /// The version that is here.
        here: String,
    },
    /// The Nix here is too old for the carried nixpkgs.
    #[error(
        "could not open {}: its nixpkgs needs Nix {} or newer, and this machine has {here}",
        shown(file),
        printable_line(needed)
    )]
    NixTooOld {
        /// The bundle.
        file: PathBuf,
        /// The version that is needed.
        needed: String,
        /// The version that is here.
        here: String,
    },
    /// The Nix here lacks features that the carried nixpkgs requires.
    #[error("could not open {}: its nixpkgs needs a Nix with {}, and this machine's Nix {here} lacks that", shown(file), printable_line(&missing.join(", ")))]
    NixLacksFeatures {
        /// The bundle.
        file: PathBuf,
        /// Descriptions of the features that are missing, by nixpkgs.
        missing: Vec<String>,
        /// The version that is here.
        here: String,
    },
    /// The files of the store are elsewhere than their names say.
    #[error(
        "could not use this machine's Nix: it keeps its store in {elsewhere}, and not in {store}, where programs look for each other"
    )]
    StoreElsewhere {
        /// The place, in the words of Nix's setting `store`.
        elsewhere: String,
        /// Whether the setting says so; else Nix makes a store in the home by itself.
        is_set: bool,
        /// The store directory that the names of its paths have.
        store: String,
    },
    /// The daemon lets only others in.
    #[error("could not use this machine's Nix: {}", closed(place, group.as_deref(), *is_member))]
    DaemonOfOthers {
        /// The place that is closed: the socket, or its directory.
        place: PathBuf,
        /// The group that may use it, if there is one.
        group: Option<String>,
        /// This user.
        user: String,
        /// Whether the user is a member of the group, but not since this login.
        is_member: bool,
    },
    /// There should be a daemon, and it does not run.
    #[error("could not use this machine's Nix: its daemon is not running")]
    NoDaemon,
    /// The store is another user's, and there is no daemon.
    #[error(
        "could not use this machine's Nix: {} belongs to {owner}, and there is no daemon that writes there for others",
        shown(place)
    )]
    StoreOfAnother {
        /// The directory that is another user's.
        place: PathBuf,
        /// Its owner.
        owner: String,
        /// Whether there is no store yet.
        is_empty: bool,
    },
    /// The store has something else.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The file system is too small.
    #[error(
        "could not open the bundle: it needs {needed} on the file system of {}, which has {free} free",
        shown(dir)
    )]
    NoSpace {
        /// A directory on the file system.
        dir: PathBuf,
        /// The space that is needed, for a human.
        needed: String,
        /// The space that is free.
        free: String,
    },
    /// This process may not take as much memory as a segment of the bundle needs.
    #[error(
        "could not read the closure: that needs {needed} of memory, and this process may take only {left} more"
    )]
    TooLittleMemory {
        /// The memory that is needed, for a human.
        needed: String,
        /// The memory that the process may still take.
        left: String,
    },
    /// The daemon would refuse store paths from this user.
    #[error(transparent)]
    UntrustedPaths(Box<UntrustedPaths>),
    /// The proot that should show the store at `/nix` is not a static program.
    #[error(
        "could not use {}: it is not static, and needs {} to start",
        shown(file),
        printable_line(loader)
    )]
    DynamicProot {
        /// The proot.
        file: PathBuf,
        /// The loader that it needs.
        loader: String,
    },
    /// A setting of Nix forbids evaluation.
    #[error("could not evaluate the shell: Nix's setting {setting} forbids that on this machine")]
    MayNotEvaluate {
        /// The setting that is on.
        setting: &'static str,
    },
}

/// The start of errors about Nix's store.
const NO_NIX: &str = "could not use this machine's Nix: ";

impl Unfit {
    /// Whether Nix's store as a whole is closed to this user, so that one of ours takes its place.
    pub(crate) fn is_about_nixs_store(&self) -> bool {
        match self {
            // A user who sets another store wants it.
            Self::StoreElsewhere { is_set, .. } => !is_set,
            Self::NoDaemon | Self::DaemonOfOthers { .. } | Self::StoreOfAnother { .. } => true,
            _ => false,
        }
    }

    /// The message, without saying again that it is about Nix.
    pub(crate) fn reason(&self) -> String {
        let said = self.to_string();
        said.strip_prefix(NO_NIX)
            .map_or(said.clone(), str::to_owned)
    }
}

impl From<Conflict> for Error {
    fn from(conflict: Conflict) -> Self {
        Unfit::from(conflict).into()
    }
}

fn closed(place: &Path, group: Option<&str>, is_member: bool) -> String {
    match (group, is_member) {
        (Some(group), true) => {
            format!(
                "its daemon serves the group {group}, which you have joined since you logged in"
            )
        }
        (Some(group), false) => {
            format!("its daemon serves the group {group}, and you are not a member")
        }
        (None, _) => format!("you may not use its daemon, at {}", shown(place)),
    }
}
