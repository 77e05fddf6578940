//! The store behind the room of a shell. There `/nix` is a directory of the host's, by which the store has
//! its name: outside of the shell, `/` is another store.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::process::geteuid;

use crate::error::{Result, Unfit};
use crate::opened::{Record, Scope};
use crate::portable::{NIX, Portable, STORE};

/// The store of ours that is `/nix` here, if it is one that has another name: the usual one, or that of an
/// opened bundle.
pub(super) fn store() -> Option<Portable> {
    let here = identity(Path::new(STORE))?;
    let usual = [Scope::User, Scope::AllUsers].map(|scope| scope.own_store().ok());
    let records = Record::all(None).unwrap_or_default();
    let of_records = records.iter().map(Record::store);
    let dirs = usual.into_iter().chain(of_records).flatten();
    let stores = dirs.filter_map(|dir| Portable::at(&dir).ok());
    let mut named = stores.filter(|store| *store != Portable::at_root());
    named.find(|store| identity(&store.files()) == Some(here))
}

/// Fails in a room whose store is not known: a record of it would name another one outside.
pub(super) fn ensure_no_room() -> Result<(), Unfit> {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let is_room = Portable::at_root().is_this_users()
        && maps_one_user(&read("/proc/self/uid_map"), geteuid().as_raw())
        && is_of_another_directory(&read("/proc/self/mountinfo"));
    if is_room {
        Err(Unfit::StoreBehindRoom)
    } else {
        Ok(())
    }
}

/// Which directory it is, whatever its name.
fn identity(dir: &Path) -> Option<(u64, u64)> {
    fs::metadata(dir).ok().map(|it| (it.dev(), it.ino()))
}

/// Whether this user namespace has one user, who has the same number outside, as in a room.
fn maps_one_user(map: &str, user: u32) -> bool {
    let user = user.to_string();
    map.split_whitespace().eq([&user, &user, "1"])
}

/// Whether `/nix` is a directory that has another name in its file system.
fn is_of_another_directory(mountinfo: &str) -> bool {
    let mounts = mountinfo.lines().filter_map(|line| {
        let mut columns = line.split(' ').skip(3);
        Some((columns.next()?, columns.next()?))
    });
    let last = mounts.rev().find(|(_, point)| *point == NIX);
    last.is_some_and(|(root, _)| !["/", NIX].contains(&root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_maps_its_user_and_nobody_else() {
        for (map, expected) in [
            ("      1000       1000          1\n", true),
            ("         0          0 4294967295\n", false),
            ("0 1000 1\n1 100000 65536\n", false),
            ("0 1000 1\n", false),
            ("", false),
        ] {
            assert_eq!(maps_one_user(map, 1000), expected, "{map}");
        }
    }

    #[test]
    fn a_directory_under_another_name_is_told_by_its_mount() {
        let mount = |root: &str| {
            format!("22 1 0:5 / / ro - tmpfs t ro\n30 22 8:1 {root} /nix rw - ext4 /dev/x rw\n")
        };
        assert!(is_of_another_directory(&mount("/home/alice/shells/nix")));
        assert!(!is_of_another_directory(&mount("/nix")));
        assert!(!is_of_another_directory(&mount("/")));
        assert!(!is_of_another_directory("22 1 0:5 / / ro - tmpfs t ro\n"));
    }
}
