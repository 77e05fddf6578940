//! Where records are: each user's in the home directory, and those for all users in `/var/lib`.
//!
//! `sudo` may keep the user's home. Root must leave nothing there, since the user could not change it,
//! so like Nix, we take no home that belongs to another user.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use crate::error::{NotThere, Result};

/// Where root leaves what is for all users of this machine.
const ALL_USERS: &str = "/var/lib/shellpack";
/// The variables in which programs that run a command as root name the user who started it.
const STARTED_BY: [&str; 3] = ["SUDO_UID", "PKEXEC_UID", "DOAS_USER"];

/// Whose a record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The user's who opened it.
    User,
    /// All users' of this machine.
    AllUsers,
    /// All users' of the store in this directory.
    Store(PathBuf),
}

impl Scope {
    /// The directory of these records.
    pub(super) fn directory(&self) -> Result<PathBuf> {
        let state = match self {
            Self::AllUsers => all_users(),
            Self::User => state()?,
            Self::Store(dir) => dir.join("shellpack"),
        };
        Ok(state.join("roots"))
    }

    /// The directory of the store of ours that bundles go into if Nix's cannot take them.
    pub(crate) fn own_store(&self) -> Result<PathBuf> {
        Ok(match self {
            Self::AllUsers => all_users(),
            Self::User => home_of(&DATA)
                .ok_or(NotThere::NoDataHome)?
                .join("shellpack"),
            Self::Store(dir) => dir.clone(),
        })
    }
}

/// The directory of this user's state.
pub(crate) fn state() -> Result<PathBuf> {
    Ok(home_of(&STATE).ok_or(NotThere::NoHome)?.join("shellpack"))
}

/// A kind of files, by the rules of XDG: the variable that names their directory, and the usual one, in
/// the home directory.
struct Xdg {
    variable: &'static str,
    usual: &'static str,
}

const STATE: Xdg = Xdg {
    variable: "XDG_STATE_HOME",
    usual: ".local/state",
};
const DATA: Xdg = Xdg {
    variable: "XDG_DATA_HOME",
    usual: ".local/share",
};

fn all_users() -> PathBuf {
    set("SHELLPACK_ALL_USERS").unwrap_or_else(|| ALL_USERS.into())
}

/// The directory of a kind of files. If the one that the variables name is another user's, the home
/// directory is that of `/etc/passwd`.
fn home_of(kind: &Xdg) -> Option<PathBuf> {
    let named = named_home_of(kind)?;
    if is_anothers(&named)
        && let Some(home) = own_home()
    {
        return Some(home.join(kind.usual));
    }
    Some(named)
}

/// The values of the variables.
fn named_home_of(kind: &Xdg) -> Option<PathBuf> {
    set(kind.variable).or_else(|| {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
        Some(Path::new(&home).join(kind.usual))
    })
}

/// Whether a directory is in this user's home.
pub(crate) fn is_at_home(dir: &Path) -> bool {
    let named = std::env::var_os("HOME").map(PathBuf::from);
    let homes = named.into_iter().chain(own_home());
    let homes = homes.filter(|home| home.is_absolute() && home != Path::new("/"));
    let mut homes = homes.filter_map(|home| fs::canonicalize(home).ok());
    homes.any(|home| dir.starts_with(home))
}

/// The directory that a variable names.
fn set(variable: &str) -> Option<PathBuf> {
    let dir = std::env::var_os(variable).map(PathBuf::from);
    dir.filter(|dir| dir.is_absolute())
}

/// The home directory of this user in `/etc/passwd`.
fn own_home() -> Option<PathBuf> {
    let id = geteuid().as_raw().to_string();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut users = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    let own = users.find(|fields| fields.get(2) == Some(&id.as_str()))?;
    own.get(5).map(PathBuf::from)
}

/// Whether root opens a bundle for others: on behalf of another user, with the home of one, or in a
/// directory of one.
pub(crate) fn opens_for_others(place: &Path) -> bool {
    let is_another = |name| {
        let started_by = std::env::var(name).unwrap_or_default();
        !["", "0", "root"].contains(&started_by.as_str())
    };
    geteuid().is_root()
        && (STARTED_BY.into_iter().any(is_another)
            || named_home_of(&STATE).is_some_and(|home| is_anothers(&home))
            || is_anothers(place))
}

/// Whether a directory, or the nearest one that exists, belongs to another user, who may be root
/// only if it is a home directory.
fn is_anothers(dir: &Path) -> bool {
    let mut there = dir.ancestors().filter_map(|dir| fs::metadata(dir).ok());
    let Some(owner) = there.next().map(|metadata| metadata.uid()) else {
        return false;
    };
    owner != geteuid().as_raw() && (owner != 0 || is_in_roots_home(dir))
}

fn is_in_roots_home(dir: &Path) -> bool {
    dir.starts_with("/root")
}
