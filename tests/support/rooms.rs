//! Rooms in which scripts run, for the tests of rooms themselves.

use std::any::type_name;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use shellpack::internals::{Error, HostRoom, PortableNix, Room, RoomCommand};
use tempfile::TempDir;

/// Set for the second run of a test; holds the path of a shellpack that an ordinary user can read.
const AS_USER: &str = "ROOM_TEST_SHELLPACK";

/// The shellpack under test.
fn shellpack() -> PathBuf {
    std::env::var_os(AS_USER).map_or_else(|| env!("CARGO_BIN_EXE_shellpack").into(), PathBuf::from)
}

/// A room with the shellpack under test, and everything else as it is on the host.
pub(crate) fn room() -> Room {
    Room::new().executable(shellpack()).current_dir("/")
}

/// A room that shows the whole host, with a directory of it as `/nix`.
pub(crate) fn host_room(nix: &Path) -> HostRoom {
    HostRoom::new(nix).executable(shellpack())
}

/// A store in this directory of the host, and the shellpack under test.
pub(crate) fn portable(nix: &Path) -> PortableNix {
    PortableNix::new(nix).executable(shellpack())
}

/// The words of a command.
pub(crate) fn words(command: &Command) -> Vec<OsString> {
    let program = std::iter::once(command.get_program());
    program
        .chain(command.get_args())
        .map(OsString::from)
        .collect()
}

/// Whether this run of the tests is root's.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A directory that goes away with everything in it.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Runs a test's body as the user who runs the tests and, if that is root, once more as `nobody`:
/// this test executable starts itself again through `setpriv`, for that one test.
pub(crate) fn in_both<F: Fn()>(body: F) {
    body();
    // `all::rooms::network::a_test::{{closure}}` is the body's type.
    let test = type_name::<F>().trim_start_matches("all::");
    let test = test.trim_end_matches("::{{closure}}");
    if !is_root() {
        eprintln!("{test}: ran as this user only; root is needed to run it as two");
        return;
    }
    let said = as_ordinary_user(&["--exact", test, "--nocapture"]);
    assert!(said.contains("1 passed"), "as nobody: {said}");
    for line in said.lines().filter(|line| line.contains(" ms")) {
        eprintln!("as nobody: {line}");
    }
}

/// The output of this test executable when an ordinary user runs it.
fn as_ordinary_user(arguments: &[&str]) -> String {
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (tests, bin) = (dir.path().join("tests"), dir.path().join("shellpack"));
    // By another process: a test that forks while this one has the copy open for writing keeps it
    // open, and the kernel refuses to run it.
    for (from, to) in [
        (std::env::current_exe().unwrap(), &tests),
        (shellpack(), &bin),
    ] {
        let status = Command::new("cp").arg(from).arg(to).status();
        assert!(status.unwrap().success());
    }
    let mut command = Command::new("setpriv");
    command.args("--reuid 65534 --regid 65534 --clear-groups --".split(' '));
    command.arg(tests).args(arguments);
    printed(&command.current_dir("/").env(AS_USER, bin).output().unwrap())
}

/// The end of a script in a room.
pub(crate) fn sh(room: &Room, script: &str) -> Output {
    shell(room, script).output().unwrap()
}

/// A script for the caller to start, with pipes of its choice.
pub(crate) fn shell(room: &Room, script: &str) -> RoomCommand {
    room.command(Path::new("/bin/sh"), &["-c".into(), script.into()])
        .unwrap()
}

/// The standard output of a script that succeeds.
#[track_caller]
pub(crate) fn said(room: &Room, script: &str) -> String {
    let output = sh(room, script);
    let shown = printed(&output);
    assert!(
        output.status.success(),
        "{script}: {}\n{shown}",
        output.status
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The standard error of a script that fails.
#[track_caller]
pub(crate) fn complaint(room: &Room, script: &str) -> String {
    let output = sh(room, script);
    assert!(!output.status.success(), "{script}: {}", printed(&output));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Standard output and standard error, one after the other.
pub(crate) fn printed(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// The reason for which a room was not made.
#[track_caller]
pub(crate) fn reason(error: &Error) -> String {
    match error {
        Error::Room { what } => what.clone(),
        other => panic!("{other:?}"),
    }
}

/// A command line that makes a room and runs a script in it, in a process of its own.
pub(crate) fn asking(room: &Room, script: &str) -> Vec<OsString> {
    asking_from(&std::env::current_exe().unwrap(), room, script)
}

/// The same where this test executable is at another path. SIGINT has its default action there, as
/// at a terminal: a shell that starts the tests in the background ignores it.
pub(crate) fn asking_from(tests: &Path, room: &Room, script: &str) -> Vec<OsString> {
    let json = serde_json::to_string(room).unwrap();
    let set = ["ROOM_TEST_ASKED=", &json].concat();
    let script = ["ROOM_TEST_SCRIPT=", script].concat();
    let env = ["env", "--default-signal=INT", &set, &script];
    let run = ["--exact", "rooms::runs_a_room_when_asked", "--nocapture"];
    let env = env.iter().map(OsString::from);
    env.chain([tests.into()])
        .chain(run.map(OsString::from))
        .collect()
}

/// The room and the script of [`asking`], in the process that it starts.
pub(crate) fn asked() -> Option<(Room, String)> {
    let json = std::env::var("ROOM_TEST_ASKED").ok()?;
    let script = std::env::var("ROOM_TEST_SCRIPT").ok()?;
    Some((serde_json::from_str(&json).unwrap(), script))
}

/// The output where a room is asked for in namespaces of its own: after `unshare` with these
/// flags and a preparation, and through a program that starts others.
pub(crate) fn unshared(flags: &str, prepare: &str, through: &str, asking: &[OsString]) -> String {
    let script = format!("{prepare} && exec {through} \"$@\"");
    let mut command = Command::new("unshare");
    command
        .args([flags, "sh", "-c", &script, "sh"])
        .args(asking);
    printed(&command.output().unwrap())
}
