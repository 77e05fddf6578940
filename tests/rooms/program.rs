//! The program in a room: its surroundings, its pipes, and how it ends.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use shellpack::internals::Room;

use crate::support::rooms::{in_both, reason, room, said, sh, shell};

#[test]
fn home_and_environment_are_as_asked() {
    in_both(|| {
        let room = room().private("/home").home("/home/me");
        let room = room.current_dir("/home/me").env_clear().env("A", "1");
        let shown = said(&room, "pwd; echo $HOME; env | grep -c . ; echo $A");
        assert_eq!(shown, "/home/me\n/home/me\n3\n1\n");
    });
}

#[test]
fn exit_statuses_pass_through() {
    in_both(|| {
        for (script, code) in [
            ("exit 0", 0),
            ("exit 7", 7),
            ("exit 125", 125),
            ("kill -9 $$", 137),
            ("kill -TERM $$", 143),
        ] {
            assert_eq!(sh(&room(), script).status.code(), Some(code), "{script}");
        }
    });
}

/// As interactive shells do.
#[test]
fn a_program_may_leave_the_process_group() {
    in_both(|| {
        let args = ["sh", "-c", "exit 4"].map(OsString::from);
        let status = room().run(Path::new("setsid"), &args).unwrap();
        assert_eq!(status.code(), Some(4));
    });
}

#[test]
fn orphans_are_reaped_and_end_with_the_room() {
    in_both(|| {
        // The orphan would hold the output open for a minute.
        let orphans = "(sh -c 'exit 3' &); (sleep 60 &); sleep 0.2";
        let count = "ps -o stat= -A | grep -c Z; true";
        let start = Instant::now();
        assert_eq!(said(&room(), &format!("{orphans}; {count}")), "0\n");
        assert!(start.elapsed() < Duration::from_secs(20));
    });
}

#[test]
fn stdin_and_stdout_pass_through() {
    in_both(|| {
        let command = shell(&room(), "exec cat");
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let data: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut stdin = child.stdin.take().unwrap();
        let sent = data.clone();
        let writer = std::thread::spawn(move || stdin.write_all(&sent).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(output.status.success() && output.stdout == data);
    });
}

#[test]
fn the_program_gets_no_other_files() {
    in_both(|| {
        let listed = Command::new("ls").arg("/proc/self/fd").output();
        let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
        assert_eq!(said(&room(), "exec ls /proc/self/fd"), listed);
    });
}

#[test]
fn a_pipe_closes_when_the_program_closes_it() {
    in_both(|| {
        let command = shell(&room(), "exec >&-; sleep 60");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let start = Instant::now();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_to_end(&mut Vec::new()).unwrap();
        assert!(start.elapsed() < Duration::from_secs(20));
        child.kill().unwrap();
        let _ = child.wait();
    });
}

#[test]
fn a_missing_program_is_named() {
    in_both(|| {
        let error = room().run(Path::new("/no/such/program"), &[]).unwrap_err();
        assert_eq!(
            reason(&error),
            "running /no/such/program failed: No such file or directory (os error 2)"
        );
    });
}

#[test]
fn shellpack_itself_runs_inside_wherever_it_is() {
    in_both(|| {
        let mut room = room().sealed();
        for hidden in ["/tmp", env!("CARGO_MANIFEST_DIR"), "/root", "/home"] {
            room = room.private(hidden);
        }
        let shellpack = Path::new(Room::SELF_PATH);
        let command = room.bind_self().command(shellpack, &["--version".into()]);
        let output = command.unwrap().output().unwrap();
        assert!(output.status.success(), "{output:?}");
    });
}
