//! Rooms on the real kernel, as root and as an ordinary user.

use std::path::Path;
use std::time::{Duration, Instant};

use shellpack::internals::{Access, Room};

use crate::support::rooms::{asked, asking, asking_from, in_both, printed, room, unshared};

/// Rooms that their program cannot undo.
mod guarded;
/// Files of the host in a room.
mod host;
/// Directories that a room may change, and that stay as they are.
mod layers;
/// The network of a room.
mod network;
/// The program in a room.
mod program;
/// Machines that allow no rooms, and what is said there.
mod refused;
/// Signals, and the end of a process that waits for a room.
mod signals;
/// The store of a room.
mod store;
/// Rooms that show the whole host, with another `/nix`.
mod whole;

/// No test by itself: the program that other tests run where a room is to be made.
#[test]
fn runs_a_room_when_asked() {
    let Some((room, script)) = asked() else {
        return;
    };
    match room.run(Path::new("/bin/sh"), &["-c".into(), script.into()]) {
        Ok(status) => eprintln!("ended: {status}"),
        Err(error) => eprintln!("failed: {error:?}"),
    }
    if std::env::var_os("ROOM_TEST_LINGER").is_some() {
        println!("lingering");
        std::thread::sleep(Duration::from_secs(60));
    }
}

#[test]
fn a_room_that_can_be_made_is_possible() {
    in_both(|| {
        let start = Instant::now();
        room().sealed().ensure_buildable().unwrap();
        eprintln!("an empty room takes {} ms", start.elapsed().as_millis());
    });
}

#[test]
fn rooms_can_be_nested() {
    in_both(|| {
        let (here, tests) = (std::env::current_exe().unwrap(), Path::new("/opt/tests"));
        let outer = room().own_network().private("/tmp").private("/opt");
        let outer = outer.bind(here, tests, Access::ReadOnly).bind_self();
        let inner = room().executable(Room::SELF_PATH).sealed();
        let inner = inner.read_only_host().private("/tmp").bind_self();
        let version = [Room::SELF_PATH, "--version"].join(" ");
        let script = format!("{version}; ls -A /tmp; touch /usr/x; echo pid $$");
        let line = asking_from(tests, &inner, &script);
        let command = outer.command(Path::new("/usr/bin/env"), &line[1..]);
        let text = printed(&command.unwrap().output().unwrap());
        let version = concat!("shellpack ", env!("CARGO_PKG_VERSION"));
        let ended = "ended: exit status: 0";
        for part in ["Read-only file system", "pid 2", ended, version] {
            assert!(text.contains(part), "{part}: {text}");
        }
    });
}

#[test]
fn forbidden_namespaces_are_an_error_of_their_own() {
    in_both(|| {
        let forbid = "echo 0 > /proc/sys/user/max_user_namespaces";
        let without_rights = "setpriv --bounding-set=-all --inh-caps=-all";
        let text = unshared(
            "-Ur",
            forbid,
            without_rights,
            &asking(&room().sealed(), "true"),
        );
        assert!(
            text.contains("operation: \"creating a user namespace\"")
                && text.contains("Limit { setting: \"user.max_user_namespaces\", value: 0 }"),
            "{text}"
        );
    });
}
