//! Why a user cannot use the store. Nix says only which file it could not write, if it says anything;
//! the file system shows the reason.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::process::geteuid;

use super::{state_directory, store_directory};
use crate::error::{Error, Unfit};

/// The words of Nix, by way of the C library, for a file that is another user's.
const FORBIDDEN: [&str; 2] = ["Permission denied", "Operation not permitted"];

/// The permissions of a group to write, and to search a directory.
const OF_GROUP: u32 = 0o030;

/// An error of Nix, or the reason behind it, if that is that the store is another user's.
pub(super) fn explained(error: Error) -> Error {
    let is_forbidden = match &error {
        Error::NixFailed { words, .. } | Error::Daemon { message: words } => {
            FORBIDDEN.iter().any(|forbidden| words.contains(forbidden))
        }
        Error::Io { source, .. } => matches!(
            source.kind(),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ConnectionRefused
        ),
        _ => false,
    };
    let obstacle = is_forbidden.then(obstacle).flatten();
    obstacle.map_or(error, Error::from)
}

/// The way to the daemon: the socket that it listens on.
pub(super) fn socket() -> PathBuf {
    std::env::var_os("NIX_DAEMON_SOCKET_PATH").map_or_else(
        || state_directory().join("daemon-socket/socket"),
        PathBuf::from,
    )
}

/// The obstacle between this user and the store.
fn obstacle() -> Option<Unfit> {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if geteuid().is_root() || is_set("NIX_REMOTE") {
        return None;
    }
    let socket = socket();
    let directory = socket.parent().unwrap_or(&socket);
    let closed = [
        (directory, Access::EXEC_OK),
        (&socket, Access::READ_OK | Access::WRITE_OK),
    ];
    for (place, way) in closed {
        if place.symlink_metadata().is_ok() && !may(place, way) {
            return Some(closed_by(place));
        }
    }
    // Nix asks the daemon only where the state is another user's.
    if directory.is_dir() && !may(&state_directory(), Access::WRITE_OK) {
        return UnixStream::connect(&socket)
            .is_err()
            .then_some(Unfit::NoDaemon);
    }
    let state = state_directory();
    let places = [
        store_directory(),
        state.join("db/big-lock"),
        state.join("db"),
        state.join("profiles"),
        state,
    ];
    let others = places.iter().find_map(|place| {
        let mut there = place.ancestors().filter(|place| place.exists());
        let place = there.next()?;
        (!may(place, Access::WRITE_OK)).then_some(place)
    })?;
    Some(Unfit::StoreOfAnother {
        place: others.to_owned(),
        owner: name_of("/etc/passwd", others.metadata().ok()?.uid()),
        is_empty: !store_directory().exists(),
    })
}

/// A place on the way to the daemon that lets only a group in.
fn closed_by(place: &Path) -> Unfit {
    let Ok(metadata) = place.metadata() else {
        return Unfit::NoDaemon;
    };
    let group = name_of("/etc/group", metadata.gid());
    let user = name_of("/etc/passwd", geteuid().as_raw());
    Unfit::DaemonOfOthers {
        place: place.to_owned(),
        is_member: is_member(&group, &user),
        user,
        group: (metadata.mode() & OF_GROUP != 0).then_some(group),
    }
}

fn may(place: &Path, way: Access) -> bool {
    accessat(CWD, place, way, AtFlags::EACCESS).is_ok()
}

/// The name of a user or group, else its number.
fn name_of(table: &str, id: u32) -> String {
    let number = id.to_string();
    let name = lines(table).into_iter().find_map(|fields| {
        let is_it = fields.get(2) == Some(&number);
        is_it.then(|| fields[0].clone())
    });
    name.unwrap_or(number)
}

/// Whether a group has this member, who may have logged in before they became one.
fn is_member(group: &str, user: &str) -> bool {
    lines("/etc/group").into_iter().any(|fields| {
        let mut members = fields.iter().skip(3).flat_map(|list| list.split(','));
        fields[0] == group && members.any(|member| member == user)
    })
}

/// The fields of each line of a table of users or groups.
fn lines(table: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(table).unwrap_or_default();
    let fields = |line: &str| line.split(':').map(str::to_owned).collect();
    text.lines().map(fields).collect()
}
