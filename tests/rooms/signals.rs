//! Signals, and the end of a process that waits for a room.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::rooms::{asking, in_both, room, shell};

/// Says `ready`, waits, and does this when a signal comes.
fn trapping(action: &str, signal: &str) -> String {
    format!("trap '{action}' {signal}; echo ready; while :; do sleep 0.05; done")
}

/// Starts a process with pipes.
fn start(program: &str, arguments: &[OsString]) -> Child {
    let mut command = Command::new(program);
    let command = command.args(arguments).stdin(Stdio::null());
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Reads standard output up to a line that ends with this word.
fn wait_for(word: &str, stdout: impl std::io::Read) {
    // One byte at a time, so that everything after the line is still to be read.
    let lines = BufReader::with_capacity(1, stdout).lines();
    let mut lines = lines.map_while(Result::ok);
    assert!(lines.any(|line| line.ends_with(word)), "never said: {word}");
}

fn kill(signal: &str, process: &str) {
    let status = Command::new("kill").args([signal, "--", process]).status();
    assert!(status.unwrap().success(), "{signal} {process}");
}

/// Processes on the host whose command line holds this word.
fn processes_with(word: &str) -> usize {
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    entries
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .filter(|line| String::from_utf8_lossy(line).contains(word))
        .count()
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn everything_ends_when_the_caller_is_killed() {
    in_both(|| {
        let word = format!("61.{}", std::process::id());
        let line = asking(&room(), &format!("sleep {word} & sleep {word}; true"));
        let mut caller = start("env", &line[1..]);
        let sleeping = format!("sleep\0{word}");
        eventually("the room starts", || processes_with(&sleeping) == 2);
        caller.kill().unwrap();
        caller.wait().unwrap();
        eventually("the room ends", || processes_with(&word) == 0);
    });
}

#[test]
fn sigterm_reaches_the_program_and_sigint_does_not_end_the_room() {
    in_both(|| {
        let command = shell(&room(), &trapping("exit 9", "TERM"));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        wait_for("ready", child.stdout.as_mut().unwrap());
        let id = child.id().to_string();
        kill("-INT", &id);
        kill("-QUIT", &id);
        std::thread::sleep(Duration::from_millis(100));
        kill("-TERM", &id);
        let status = child.wait().unwrap();
        assert_eq!((status.code(), status.signal()), (Some(9), None));
    });
}

/// Ctrl-C at a terminal goes to the program; the processes that wait pass its status on.
#[test]
fn ctrl_c_is_the_programs_business() {
    in_both(|| {
        // A group of its own stands for the terminal's foreground group.
        let script = trapping("echo caught; exit 5", "INT");
        let mut caller = start("setsid", &asking(&room(), &script));
        let mut stdout = caller.stdout.take().unwrap();
        wait_for("ready", &mut stdout);
        kill("-INT", &format!("-{}", caller.id()));
        let output = caller.wait_with_output().unwrap();
        let mut heard = String::new();
        stdout.read_to_string(&mut heard).unwrap();
        assert!(heard.contains("caught"), "{heard}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("ended: exit status: 5"), "{text}");
    });
}

#[test]
fn ctrl_c_ends_the_caller_again_after_the_room() {
    let mut lingering = vec![OsString::from("ROOM_TEST_LINGER=1")];
    lingering.extend(asking(&room(), "true"));
    let mut caller = start("env", &lingering);
    wait_for("lingering", caller.stdout.take().unwrap());
    kill("-INT", &caller.id().to_string());
    assert_eq!(caller.wait().unwrap().signal(), Some(2));
}
