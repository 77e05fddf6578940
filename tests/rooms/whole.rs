//! Rooms that show the whole host, with another `/nix`.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use shellpack::internals::{HostRoom, Report, WayIn};
use tempfile::TempDir;

use crate::support::rooms::{
    asking, host_room, in_both, is_root, portable, printed, room, scratch, words,
};

/// A directory with a store that has a file `x`.
fn store() -> TempDir {
    let dir = scratch();
    fs::create_dir(dir.path().join("store")).unwrap();
    fs::write(dir.path().join("store/x"), "of the bundle\n").unwrap();
    dir
}

/// The command for a script.
fn script(room: &HostRoom, script: &str) -> Command {
    let mut command = room.command("/bin/sh", "sh").unwrap();
    command.arg("-c").arg(script).current_dir("/");
    command
}

#[track_caller]
fn said(room: &HostRoom, text: &str) -> String {
    said_by(&mut script(room, text))
}

#[track_caller]
fn said_by(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", printed(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// The words of a shell outside of rooms.
fn said_outside(text: &str) -> String {
    said_by(Command::new("sh").args(["-c", text]))
}

#[test]
fn the_store_is_at_nix_and_the_rest_is_the_hosts() {
    in_both(|| {
        let nix = store();
        let inside = host_room(nix.path());
        assert_eq!(
            said(&inside, "cat /nix/store/x; ls /nix"),
            "of the bundle\nstore\n"
        );
        let rest = "ls -A / | grep -vx nix; ls /dev /sys /usr; hostname; ls -l /proc/self/ns/net /proc/self/ns/pid | sed 's/.*>//'";
        assert_eq!(said(&inside, rest), said_outside(rest));
    });
}

/// Also file systems below, shared memory, and the room's process itself.
#[test]
fn processes_and_devices_of_the_host_are_there() {
    in_both(|| {
        let nix = store();
        let child = script(&host_room(nix.path()), "echo $$; echo x > /dev/null")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = child.id();
        let output = child.wait_with_output().unwrap();
        assert_eq!(printed(&output), format!("{pid}\n"));
        let shared = tempfile::tempdir_in("/dev/shm").unwrap();
        let shared = shared.path().display();
        let own = std::process::id();
        let text =
            format!("test -d /proc/{own} && test -d /proc/1 && cd {shared} && touch x && ls");
        assert_eq!(said(&host_room(nix.path()), &text), "x\n");
    });
}

#[test]
fn the_user_and_the_groups_are_the_same() {
    in_both(|| {
        let nix = store();
        let text = "id -un; id -ur; id -gr; umask; grep -E 'NoNewPrivs|SigIgn' /proc/self/status";
        assert_eq!(said(&host_room(nix.path()), text), said_outside(text));
    });
}

#[test]
fn files_made_inside_belong_to_the_user() {
    in_both(|| {
        let (nix, here) = (store(), scratch());
        let mut command = script(
            &host_room(nix.path()),
            "touch made /nix/store/made && stat -c %u made /nix/store/made",
        );
        let uid = rustix::process::geteuid().as_raw();
        let inside = said_by(command.current_dir(here.path()));
        assert_eq!(inside, format!("{uid}\n{uid}\n"));
        for file in [here.path().join("made"), nix.path().join("store/made")] {
            assert_eq!(fs::metadata(file).unwrap().uid(), uid);
        }
    });
}

/// The group is one that the user has besides.
#[test]
fn rights_of_groups_hold() {
    if !is_root() {
        return;
    }
    let (nix, here) = (store(), scratch());
    for dir in [nix.path(), here.path()] {
        said_by(Command::new("chmod").arg("755").arg(dir));
    }
    let theirs = here.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    said_by(Command::new("chgrp").arg("4242").arg(&theirs));
    said_by(Command::new("chmod").arg("770").arg(&theirs));
    let shellpack = here.path().join("shellpack");
    fs::copy(env!("CARGO_BIN_EXE_shellpack"), &shellpack).unwrap();
    said_by(Command::new("chmod").arg("755").arg(&shellpack));
    let room = host_room(nix.path()).executable(&shellpack);
    let command = script(&room, "touch $D/made; stat -c '%u %g' $D");
    let mut as_member = Command::new("setpriv");
    as_member.args("--reuid 65534 --regid 65534 --groups 4242 --".split(' '));
    as_member.args(words(&command)).env("D", &theirs);
    // Ids that are not the user's own have no names there.
    assert_eq!(said_by(&mut as_member), "65534 65534\n");
    assert!(theirs.join("made").exists());
}

/// Root needs no user namespace.
#[test]
fn root_keeps_its_rights() {
    let nix = store();
    let users = said(&host_room(nix.path()), "readlink /proc/self/ns/user");
    let same = users == said_outside("readlink /proc/self/ns/user");
    assert_eq!(same, is_root());
}

#[test]
fn rights_of_the_room_end_where_its_program_begins() {
    in_both(|| {
        if is_root() {
            return;
        }
        let nix = store();
        let rights = said(&host_room(nix.path()), "grep CapEff /proc/self/status");
        assert_eq!(rights, "CapEff:\t0000000000000000\n");
    });
}

#[test]
fn nothing_can_be_written_to_a_read_only_store() {
    in_both(|| {
        let nix = store();
        let room = host_room(nix.path()).read_only();
        let output = script(&room, "cat /nix/store/x; touch /nix/store/y")
            .output()
            .unwrap();
        let text = printed(&output);
        assert!(text.starts_with("of the bundle\n"), "{text}");
        assert!(text.contains("Read-only file system"), "{text}");
        assert!(!nix.path().join("store/y").exists());
    });
}

#[test]
fn the_root_takes_no_files() {
    in_both(|| {
        let nix = store();
        let output = script(&host_room(nix.path()), "touch /made").output();
        let text = printed(&output.unwrap());
        assert!(text.contains("Read-only file system"), "{text}");
        assert!(!Path::new("/made").exists());
    });
}

#[test]
fn variables_files_and_name_are_the_callers_choice() {
    in_both(|| {
        let (nix, here) = (store(), scratch());
        let file = here.path().join("a b");
        fs::write(&file, "read\n").unwrap();
        let mut command = host_room(nix.path())
            .command("/bin/bash", "a name")
            .unwrap();
        command
            .args(["-c", "cat; echo $0; env | LC_ALL=C sort"])
            .env_clear()
            .env("LD_PRELOAD", "/nix/store/not-there.so")
            .env("LD_LIBRARY_PATH", "/nix/store/lib")
            .env("A", "1\n2")
            .current_dir(here.path())
            .stdin(fs::File::open(&file).unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        HostRoom::set_loader_aside(&mut command);
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        // Bash sets some itself.
        let is_own = |line: &&str| !line.starts_with("_=") && !line.starts_with("SHLVL=");
        let lines: Vec<_> = text.lines().filter(is_own).collect();
        let dir = format!("PWD={}", here.path().display());
        assert_eq!(
            lines,
            [
                "read",
                "a name",
                "2",
                "A=1",
                "LD_LIBRARY_PATH=/nix/store/lib",
                "LD_PRELOAD=/nix/store/not-there.so",
                &dir,
            ]
        );
    });
}

#[test]
fn the_directory_may_be_on_a_mount_of_its_own() {
    in_both(|| {
        let (nix, here) = (store(), scratch());
        let command = host_room(nix.path()).command("/bin/sh", "sh").unwrap();
        let there = "mount -t tmpfs t \"$D\" && mkdir \"$D/a b\" && cd \"$D/a b\" && touch x &&
            exec \"$@\" -c 'pwd; ls'";
        let output = in_mount_namespace(there, &words(&command))
            .env("D", here.path())
            .output();
        let dir = here.path().join("a b");
        assert_eq!(printed(&output.unwrap()), format!("{}\nx\n", dir.display()));
    });
}

/// A script in a mount namespace of its own, which shares its mounts with those made from it.
fn in_mount_namespace(script: &str, words: &[OsString]) -> Command {
    let mut command = Command::new("unshare");
    let flags = if is_root() { "-m" } else { "-Urm" };
    command.args([flags, "--propagation", "shared", "sh", "-c", script, "sh"]);
    command.args(words);
    command
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    in_both(|| {
        let (nix, host) = (store(), scratch());
        let command = script(&host_room(nix.path()), "pwd");
        let hidden =
            "mount --bind \"$D\" /nix && mkdir /nix/hidden && cd /nix/hidden && exec \"$@\"";
        let output = in_mount_namespace(hidden, &words(&command))
            .env("D", host.path())
            .output()
            .unwrap();
        assert_eq!(
            printed(&output),
            "error: could not set up the room: changing directory to /nix/hidden failed: \
             No such file or directory (os error 2)\n"
        );
        assert_eq!(output.status.code(), Some(125));
    });
}

/// Makes a tree like the host's, but without `/nix`, the root.
const WITHOUT_NIX: &str = r#"
    mount --make-rprivate /
    mount -t tmpfs t "$D"
    for entry in /*; do
        if [ -L "$entry" ]; then cp -P "$entry" "$D"
        elif [ -d "$entry" ] && [ "$entry" != /nix ]; then
            mkdir "$D$entry" && mount --rbind "$entry" "$D$entry"
        fi
    done
    cd "$D" && mkdir old && pivot_root . old && cd / && umount -l old && rmdir old
    ! ls -d /nix 2>/dev/null && exec "$@""#;

#[test]
fn the_host_needs_no_nix_directory() {
    in_both(|| {
        let (nix, root) = (store(), scratch());
        let command = script(&host_room(nix.path()), "cat /nix/store/x");
        let mut command = in_mount_namespace(WITHOUT_NIX, &words(&command));
        let output = command.env("D", root.path()).output();
        assert_eq!(printed(&output.unwrap()), "of the bundle\n");
    });
}

/// And it goes when the host unmounts it.
#[test]
fn what_the_host_mounts_later_appears() {
    in_both(|| {
        let (nix, here) = (store(), scratch());
        let wait = "wait_for() { i=0; until test -e \"$1\"; do sleep 0.05; i=$((i+1)); test $i -lt 200 || exit 1; done; }";
        let inside = format!(
            "{wait}; cd $D; touch ready; wait_for m/x; cat m/x; touch seen; \
             wait_for gone; ls m"
        );
        let outside = format!(
            "{wait}; cd $D; mkdir m; \"$@\" & wait_for ready; mount -t tmpfs t m; echo later > m/x; \
             wait_for seen; umount -l m; touch gone; wait $!"
        );
        let command = script(&host_room(nix.path()), &inside);
        let output = in_mount_namespace(&outside, &words(&command))
            .env("D", here.path())
            .output();
        assert_eq!(printed(&output.unwrap()), "later\n");
    });
}

/// A mount made inside stays inside.
#[test]
fn nothing_is_mounted_on_the_host() {
    in_both(|| {
        let nix = store();
        let before = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let text = if is_root() {
            "mount -t tmpfs t /mnt && ls -A /mnt | wc -l"
        } else {
            "echo 0"
        };
        assert_eq!(said(&host_room(nix.path()), text), "0\n");
        assert_eq!(fs::read_to_string("/proc/self/mountinfo").unwrap(), before);
    });
}

#[test]
fn the_exit_status_is_the_programs_own() {
    in_both(|| {
        let nix = store();
        let room = host_room(nix.path());
        let status = |text: &str| script(&room, text).status().unwrap();
        for code in [0, 7, 125, 255] {
            assert_eq!(status(&format!("exit {code}")).code(), Some(code));
        }
        for signal in [9, 15] {
            let status = status(&format!("kill -{signal} $$"));
            assert_eq!(status.signal(), Some(signal));
        }
    });
}

#[test]
fn a_program_that_cannot_be_started_is_named() {
    in_both(|| {
        let nix = store();
        let plain = nix.path().join("store/x");
        for (program, reason, code) in [
            (
                Path::new("/no/such"),
                "No such file or directory (os error 2)",
                127,
            ),
            (&plain, "Permission denied (os error 13)", 126),
        ] {
            let mut command = host_room(nix.path()).command(program, "x").unwrap();
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(code));
            assert_eq!(
                printed(&output),
                format!(
                    "error: could not run {}\ncaused by: {reason}\n",
                    program.display()
                )
            );
        }
        let room = host_room(nix.path()).telling_json(true);
        let output = room.command("/no/such", "x").unwrap().output().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(json["message"], "could not run /no/such", "{json}");
    });
}

#[test]
fn a_room_for_a_rehearsal_can_be_made_inside() {
    in_both(|| {
        let nix = store();
        let line = asking(&room().sealed().read_only_host(), "cat /nix/store/x; id -u");
        let mut command = host_room(nix.path()).command(&line[0], "env").unwrap();
        let text = printed(&command.args(&line[1..]).output().unwrap());
        assert!(text.contains("of the bundle\n0\n"), "{text}");
        assert!(text.contains("ended: exit status: 0"), "{text}");
    });
}

#[test]
fn another_whole_room_can_be_made_inside() {
    in_both(|| {
        let (outer, inner) = (store(), store());
        fs::write(inner.path().join("store/x"), "of the other\n").unwrap();
        let command = script(&host_room(inner.path()), "cat /nix/store/x; id -ur");
        let line = words(&command);
        let mut command = host_room(outer.path())
            .command(&line[0], "shellpack")
            .unwrap();
        let uid = rustix::process::geteuid().as_raw();
        assert_eq!(
            said_by(command.args(&line[1..])),
            format!("of the other\n{uid}\n")
        );
    });
}

#[test]
fn many_enter_at_once() {
    in_both(|| {
        let nix = store();
        let room = host_room(nix.path()).read_only();
        thread::scope(|scope| {
            let all: Vec<_> = (0..32)
                .map(|_| scope.spawn(|| said(&room, "cat /nix/store/x; sleep 0.2")))
                .collect();
            for one in all {
                assert_eq!(one.join().unwrap(), "of the bundle\n");
            }
        });
    });
}

/// A shell in a room at a terminal: prompt, job control, size, Ctrl-C, Ctrl-D.
const AT_A_TERMINAL: &str = r#"
import fcntl, os, pty, re, select, struct, sys, termios, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvpe(sys.argv[1], sys.argv[1:], {**os.environ, "PS1": "ready> ", "TERM": "dumb"})
said = b""
def wait_for(word):
    global said
    end = time.time() + 20
    while not re.search(word, said):
        heard, _, _ = select.select([terminal], [], [], end - time.time())
        assert heard, (word, said)
        said += os.read(terminal, 4096)
    said = said[re.search(word, said).end():]
def type(keys, word):
    os.write(terminal, keys)
    wait_for(word)
wait_for(b"ready> ")
type(b"sleep 100\n", b"sleep 100\r\n")
time.sleep(0.3)
type(b"\x1a", b"(?s)Stopped.*ready> ")
type(b"jobs\n", b"(?s)Stopped *sleep 100.*ready> ")
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
type(b"stty size\n", b"33 77")
type(b"fg\n", b"(?s)ready> .*fg\r\nsleep 100\r\n")
time.sleep(0.3)
type(b"\x03", b"ready> ")
type(b"echo rc=$?\n", b"rc=130")
type(b"tty\n", b"(?s)/dev/pts/.*ready> ")
type(b"(exit 7)\n", b"ready> ")
os.write(terminal, b"\x04")
while True:
    try:
        if not os.read(terminal, 4096): break
    except OSError: break
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

#[test]
fn jobs_and_the_terminal_are_the_shells_business() {
    in_both(|| {
        let nix = store();
        let mut command = host_room(nix.path()).command("/bin/bash", "bash").unwrap();
        command.args(["--norc", "--noprofile", "-i"]);
        let mut terminal = Command::new("python3");
        terminal.args(["-c", AT_A_TERMINAL]).args(words(&command));
        assert_eq!(said_by(&mut terminal), "7\n");
    });
}

/// A generous bound: machines that test are busy.
#[test]
fn a_room_is_entered_at_once() {
    in_both(|| {
        let nix = store();
        let room = host_room(nix.path());
        let time = |mut command: Command| {
            let rounds = (0..9).map(|_| {
                let start = Instant::now();
                assert!(command.status().unwrap().success());
                start.elapsed()
            });
            rounds.min().unwrap()
        };
        let plain = time(Command::new("/bin/true"));
        let inside = time(room.command("/bin/true", "true").unwrap());
        let more = inside.saturating_sub(plain);
        eprintln!("entering the room takes {} ms more", more.as_millis());
        assert!(more < Duration::from_millis(500));
    });
}

#[test]
fn a_store_that_is_at_nix_needs_no_room() {
    let nix = Path::new("/nix");
    let ways = portable(nix).way_in(&Report::silent()).unwrap();
    assert_eq!(ways, WayIn::Direct);
    let link = scratch();
    let link = link.path().join("link");
    symlink(nix, &link).unwrap();
    let ways = portable(&link).way_in(&Report::silent()).unwrap();
    assert_eq!(ways, WayIn::Direct);
    assert_eq!(ways.caveat(), None);
    let mut command = ways.command("/bin/sh", "a name").unwrap();
    assert_eq!(said_by(command.args(["-c", "echo $0"])), "a name\n");
}

#[test]
fn a_store_elsewhere_is_entered_in_a_room() {
    in_both(|| {
        let nix = store();
        let way = portable(nix.path()).way_in(&Report::silent()).unwrap();
        assert!(matches!(way, WayIn::Room(_)), "{way:?}");
        // Root's room has all that root has.
        assert_eq!(way.caveat().is_none(), is_root());
        let mut command = way.command("/bin/sh", "sh").unwrap();
        let text = said_by(command.args(["-c", "cat /nix/store/x"]));
        assert_eq!(text, "of the bundle\n");
    });
}
