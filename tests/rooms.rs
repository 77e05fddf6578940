//! Rooms on the real kernel, as root and as an ordinary user.
//!
//! `in_both` runs a test's body once as whoever runs the tests and, if that is root, once more as
//! nobody: this test executable starts itself again through `setpriv`, for that one test.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use shellpack::internals::{Access, Error, Room, RoomCommand};

/// Set for the second run of a test; holds the path of a shellpack that nobody may read.
const AS_USER: &str = "ROOM_TEST_SHELLPACK";

/// The shellpack under test.
fn shellpack() -> PathBuf {
    std::env::var_os(AS_USER).map_or_else(|| env!("CARGO_BIN_EXE_shellpack").into(), PathBuf::from)
}

fn room() -> Room {
    Room::new().executable(shellpack()).current_dir("/")
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().permissions().mode() != 0
        && String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout).unwrap()
            == "0\n"
}

/// A directory that an ordinary user can get at, with copies of both executables.
fn stage() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (tests, bin) = (dir.path().join("tests"), dir.path().join("shellpack"));
    fs::copy(std::env::current_exe().unwrap(), &tests).unwrap();
    fs::copy(shellpack(), &bin).unwrap();
    (dir, tests, bin)
}

fn nobody(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "--",
        ])
        .arg(program);
    command.current_dir("/");
    command
}

fn in_both(test: &str, body: fn()) {
    body();
    if !is_root() {
        eprintln!("{test}: ran as this user only; root is needed to run it as two");
        return;
    }
    let (_dir, tests, bin) = stage();
    let output = nobody(&tests)
        .args(["--exact", &format!("rooms::{test}"), "--nocapture"])
        .env(AS_USER, bin)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "as nobody: {said}"
    );
    for line in said.lines().filter(|line| line.contains(" ms")) {
        eprintln!("as nobody: {line}");
    }
}

fn sh(room: &Room, script: &str) -> Output {
    shell(room, script).output().unwrap()
}

fn shell(room: &Room, script: &str) -> RoomCommand {
    room.command(Path::new("/bin/sh"), &["-c".into(), script.into()])
        .unwrap()
}

/// What a script prints, having succeeded.
fn said(room: &Room, script: &str) -> String {
    let output = sh(room, script);
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{script}: {}\n{out}{err}",
        output.status
    );
    out.into_owned()
}

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn reason(error: &Error) -> String {
    match error {
        Error::Room { what } => what.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sealed_room_has_only_a_loopback_that_is_down() {
    in_both("a_sealed_room_has_only_a_loopback_that_is_down", || {
        let devices = said(
            &room().sealed(),
            "tail -n +3 /proc/net/dev; cat /proc/net/route",
        );
        let names: Vec<_> = devices
            .lines()
            .filter_map(|line| Some(line.split_once(':')?.0.trim()))
            .collect();
        assert_eq!(names, ["lo"]);
        assert!(
            said(
                &room().sealed(),
                "PATH=$PATH:/sbin:/usr/sbin ip link show lo"
            )
            .contains("state DOWN")
        );
    });
}

#[test]
fn a_room_with_its_own_network_has_a_loopback_that_works() {
    in_both(
        "a_room_with_its_own_network_has_a_loopback_that_works",
        || {
            let show = "PATH=$PATH:/sbin:/usr/sbin ip -o addr show";
            let shown = said(&room().own_network(), show);
            assert!(
                shown.contains("127.0.0.1/8") && shown.lines().all(|line| line.contains(" lo ")),
                "{shown}"
            );
        },
    );
}

#[test]
fn an_open_room_has_the_hosts_network() {
    in_both("an_open_room_has_the_hosts_network", || {
        let here = fs::read_link("/proc/self/ns/net").unwrap();
        assert_eq!(
            said(&room(), "readlink /proc/self/ns/net").trim(),
            here.to_str().unwrap()
        );
    });
}

#[test]
fn a_read_only_host_cannot_be_written_to() {
    in_both("a_read_only_host_cannot_be_written_to", || {
        let room = room().sealed().read_only_host();
        for dir in ["/usr", "/etc", "/var", "/opt", "/tmp", "/dev", "/sys", "/"] {
            let output = sh(&room, &format!("touch {dir}/room-test-file"));
            let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                complaint.contains("Read-only file system"),
                "{dir}: {complaint}"
            );
            assert!(!Path::new(dir).join("room-test-file").exists());
        }
    });
}

#[test]
fn no_mount_of_a_read_only_host_is_writable() {
    in_both("no_mount_of_a_read_only_host_is_writable", || {
        let mounts = said(
            &room().sealed().read_only_host(),
            "cat /proc/self/mountinfo",
        );
        let writable: Vec<_> = mounts
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .filter(|columns| columns[5].split(',').any(|option| option == "rw"))
            .map(|columns| columns[4].to_owned())
            // Two mounts on one point: the covered one cannot be reached.
            .filter(|point| {
                mounts
                    .lines()
                    .filter(|line| line.split(' ').nth(4) == Some(point))
                    .count()
                    < 2
            })
            .collect();
        assert_eq!(writable, ["/proc"], "{mounts}");
        let shm = said(
            &room().read_only_host(),
            "grep -c . /proc/self/mounts; touch /dev/shm/x; ls /dev/shm",
        );
        assert!(shm.ends_with("\nx\n"), "{shm}");
    });
}

#[test]
fn submounts_of_a_read_only_host_are_read_only_too() {
    in_both("submounts_of_a_read_only_host_are_read_only_too", || {
        let dir = scratch();
        fs::create_dir(dir.path().join("a b")).unwrap();
        let json = serde_json::to_string(&room().sealed().read_only_host()).unwrap();
        let script = format!("touch '{0}/a b/x' '{0}/a b/inner/x'", dir.path().display());
        let mounts = "mount -t tmpfs -o nosuid,nodev,noexec,noatime t \"$1/a b\" && mkdir \"$1/a b/inner\" &&
            mount -t tmpfs t \"$1/a b/inner\" && shift && exec \"$@\"";
        // The second way locks the flags of both mounts: the room needs a user namespace below.
        for prefix in [
            &[][..],
            &[
                "setpriv",
                "--bounding-set=-all,+setfcap",
                "--inh-caps=-all,+setfcap",
            ],
        ] {
            let output = Command::new("unshare")
                .args([
                    if is_root() && prefix.is_empty() {
                        "-m"
                    } else {
                        "-Urm"
                    },
                    "sh",
                    "-c",
                    mounts,
                    "sh",
                ])
                .arg(dir.path())
                .args(prefix)
                .args(inner_command(&json, &script))
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&output.stderr);
            assert_eq!(text.matches("Read-only file system").count(), 2, "{text}");
        }
    });
}

/// As in a container that hides parts of /proc: no fresh one can be mounted.
#[test]
fn a_room_does_without_a_fresh_proc() {
    in_both("a_room_does_without_a_fresh_proc", || {
        let json = serde_json::to_string(&room().sealed().read_only_host()).unwrap();
        let hide = "mount --bind /dev/null /proc/version && exec setpriv --bounding-set=-all,+setfcap --inh-caps=-all,+setfcap \"$@\"";
        let output = Command::new("unshare")
            .args(["-Urm", "sh", "-c", hide, "sh"])
            .args(inner_command(
                &json,
                "wc -c < /proc/version; cat /proc/self/comm",
            ))
            .output()
            .unwrap();
        let text =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(
            text.contains("0\ncat\n") && text.contains("ended: exit status: 0"),
            "{text}"
        );
    });
}

/// Also the case of a host whose /nix is a mount of its own.
#[test]
fn a_nested_room_has_its_own_nix() {
    in_both("a_nested_room_has_its_own_nix", || {
        let (outer_nix, inner_nix) = (scratch(), scratch());
        fs::create_dir_all(outer_nix.path().join("store/path")).unwrap();
        fs::write(inner_nix.path().join("inner"), "").unwrap();
        let paths = vec![PathBuf::from("/nix/store/path")];
        let inner = room()
            .sealed()
            .read_only_host()
            .nix(inner_nix.path())
            .store_paths("/nix/store", paths);
        let json = serde_json::to_string(&inner).unwrap();
        let command = inner_command(&json, "ls /nix /nix/store; touch /nix/store/path/x");
        let outer = room().nix(outer_nix.path());
        let output = outer
            .command(Path::new("env"), &command[1..])
            .unwrap()
            .output()
            .unwrap();
        let text =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(
            text.contains("/nix:\ninner\nstore\n\n/nix/store:\npath\n"),
            "{text}"
        );
        assert!(text.contains("Read-only file system"), "{text}");
    });
}

/// The command line that runs a script in a room from another process; see `runs_a_room_when_asked`.
fn inner_command(json: &str, script: &str) -> Vec<OsString> {
    let tests = std::env::current_exe().unwrap();
    let asked = format!("ROOM_TEST_ASKED={json}");
    let script = format!("ROOM_TEST_SCRIPT={script}");
    let args = ["--exact", "rooms::runs_a_room_when_asked", "--nocapture"];
    let mut command: Vec<OsString> = vec!["env".into(), asked.into(), script.into(), tests.into()];
    command.extend(args.map(OsString::from));
    command
}

/// No test by itself: the program that other tests run where a room is to be made.
#[test]
fn runs_a_room_when_asked() {
    let (Ok(json), Ok(script)) = (
        std::env::var("ROOM_TEST_ASKED"),
        std::env::var("ROOM_TEST_SCRIPT"),
    ) else {
        return;
    };
    let room: Room = serde_json::from_str(&json).unwrap();
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
fn private_directories_are_empty_and_writable() {
    in_both("private_directories_are_empty_and_writable", || {
        let dir = scratch();
        fs::create_dir_all(dir.path().join("deep/er")).unwrap();
        fs::write(dir.path().join("deep/er/secret"), "x").unwrap();
        let deep = dir.path().join("deep/er");
        let private = room()
            .read_only_host()
            .private(&deep)
            .private("/run")
            .private("/root")
            .private("/home");
        let script = "ls -A $D /run /root /home | grep -v : ; for d in $D /run /root /home; do echo x > $d/new || exit 1; done";
        assert_eq!(said(&private.env("D", &deep), script).trim(), "");
        assert!(!deep.join("new").exists());
        assert_eq!(
            said(&room().private("/tmp"), "stat -c %a /tmp").trim(),
            "1777"
        );
        assert_eq!(
            said(
                &room().private("/not-on-the-host"),
                "ls -A /not-on-the-host && touch /not-on-the-host/x"
            ),
            ""
        );
        said(
            &room().private("/usr/not-on-the-host"),
            "! test -e /usr/not-on-the-host",
        );
    });
}

#[test]
fn the_nix_directory_is_at_nix() {
    in_both("the_nix_directory_is_at_nix", || {
        let dir = scratch();
        fs::create_dir(dir.path().join("store")).unwrap();
        let room = room().read_only_host().private("/tmp").nix(dir.path());
        assert_eq!(said(&room, "ls /nix; echo hello > /nix/store/x"), "store\n");
        assert_eq!(
            fs::read_to_string(dir.path().join("store/x")).unwrap(),
            "hello\n"
        );
    });
}

#[test]
fn store_paths_of_each_kind_are_there_and_read_only() {
    in_both("store_paths_of_each_kind_are_there_and_read_only", || {
        let (host, nix) = (scratch(), scratch());
        let at = |name: &str| host.path().join(name);
        fs::create_dir(at("directory")).unwrap();
        fs::write(at("directory/content"), "in a directory").unwrap();
        fs::write(at("file"), "in a file").unwrap();
        symlink("directory/content", at("symlink")).unwrap();
        fs::write(at("not carried"), "").unwrap();
        let paths = ["directory", "file", "symlink"].map(at).to_vec();
        let room = room()
            .read_only_host()
            .private("/tmp")
            .nix(nix.path())
            .store_paths("/nix/store", paths);
        assert_eq!(
            said(&room, "cd /nix/store; ls"),
            "directory\nfile\nsymlink\n"
        );
        let content = "cd /nix/store; cat directory/content file symlink; readlink symlink";
        assert_eq!(
            said(&room, content),
            "in a directoryin a filein a directorydirectory/content\n"
        );
        for place in ["directory/x", "file"] {
            let output = sh(&room, &format!("echo x > /nix/store/{place}"));
            assert!(
                String::from_utf8_lossy(&output.stderr).contains("Read-only"),
                "{place}"
            );
        }
        said(&room, "touch /nix/store/other");
        assert_eq!(fs::read_to_string(at("file")).unwrap(), "in a file");
    });
}

#[test]
fn a_missing_store_path_is_named() {
    let room = room()
        .private("/nix")
        .store_paths("/nix/store", vec!["/etc/no-such-path".into()]);
    let error = shell(&room, "true").status().unwrap_err();
    assert_eq!(
        reason(&error),
        "reading /etc/no-such-path failed: No such file or directory (os error 2)"
    );
}

#[test]
fn binds_are_as_writable_as_asked() {
    in_both("binds_are_as_writable_as_asked", || {
        let dir = scratch();
        fs::write(dir.path().join("file"), "content").unwrap();
        let room = room()
            .read_only_host()
            .bind(dir.path(), "/tmp/here/written", Access::Writable)
            .bind(dir.path().join("file"), "/tmp/here/file", Access::ReadOnly)
            .bind(dir.path(), "/tmp/here/read", Access::ReadOnly)
            .private("/tmp");
        assert_eq!(
            said(
                &room,
                "cat /tmp/here/file; touch /tmp/here/written/new; ls /tmp/here/read"
            ),
            "contentfile\nnew\n"
        );
        for place in ["/tmp/here/read/x", "/tmp/here/file"] {
            assert!(
                !sh(&room, &format!("echo x > {place}")).status.success(),
                "{place}"
            );
        }
        assert!(dir.path().join("new").exists());
    });
}

#[test]
fn nothing_is_created_in_the_hosts_directories() {
    in_both("nothing_is_created_in_the_hosts_directories", || {
        let room = room().bind("/etc", "/var/room-test-dir", Access::ReadOnly);
        let error = shell(&room, "true").status().unwrap_err();
        assert!(reason(&error).contains("/var/room-test-dir"), "{error:?}");
        assert!(!Path::new("/var/room-test-dir").exists());
    });
}

#[test]
fn home_and_environment_are_as_asked() {
    in_both("home_and_environment_are_as_asked", || {
        let room = room()
            .private("/home")
            .home("/home/me")
            .current_dir("/home/me")
            .env_clear()
            .env("A", "1");
        assert_eq!(
            said(&room, "pwd; echo $HOME; env | grep -c . ; echo $A"),
            "/home/me\n/home/me\n3\n1\n"
        );
    });
}

#[test]
fn names_that_are_not_utf8_work() {
    in_both("names_that_are_not_utf8_work", || {
        let dir = scratch();
        let odd = dir.path().join(PathBuf::from(OsString::from_vec(
            b"odd \xff\n name".to_vec(),
        )));
        fs::create_dir(&odd).unwrap();
        fs::write(odd.join("x"), "").unwrap();
        let target = Path::new("/tmp").join(PathBuf::from(OsString::from_vec(b"\xfe".to_vec())));
        let room = room()
            .private("/tmp")
            .bind(&odd, &target, Access::ReadOnly)
            .current_dir(&target);
        assert_eq!(said(&room, "ls"), "x\n");
    });
}

#[test]
fn exit_statuses_pass_through() {
    in_both("exit_statuses_pass_through", || {
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
    in_both("a_program_may_leave_the_process_group", || {
        let args = ["sh", "-c", "exit 4"].map(OsString::from);
        let status = room().run(Path::new("setsid"), &args).unwrap();
        assert_eq!(status.code(), Some(4));
    });
}

#[test]
fn orphans_are_reaped_and_end_with_the_room() {
    in_both("orphans_are_reaped_and_end_with_the_room", || {
        // The orphan would hold the output open for a minute.
        let start = Instant::now();
        assert_eq!(
            said(
                &room(),
                "(sh -c 'exit 3' &); (sleep 60 &); sleep 0.2; ps -o stat= -A | grep -c Z; true"
            ),
            "0\n"
        );
        assert!(start.elapsed() < Duration::from_secs(20));
    });
}

#[test]
fn stdin_and_stdout_pass_through() {
    in_both("stdin_and_stdout_pass_through", || {
        let mut child = shell(&room(), "exec cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let data: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut stdin = child.stdin.take().unwrap();
        let sent = data.clone();
        let writer = std::thread::spawn(move || stdin.write_all(&sent).unwrap());
        let mut received = Vec::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut received)
            .unwrap();
        writer.join().unwrap();
        assert!(child.wait().unwrap().success() && received == data);
    });
}

#[test]
fn the_program_gets_no_other_files() {
    in_both("the_program_gets_no_other_files", || {
        let listed = Command::new("ls")
            .arg("/proc/self/fd")
            .output()
            .unwrap()
            .stdout;
        assert_eq!(
            said(&room(), "exec ls /proc/self/fd"),
            String::from_utf8(listed).unwrap()
        );
    });
}

#[test]
fn a_pipe_closes_when_the_program_closes_it() {
    in_both("a_pipe_closes_when_the_program_closes_it", || {
        let mut child = shell(&room(), "exec >&-; sleep 60")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let start = Instant::now();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut Vec::new())
            .unwrap();
        assert!(start.elapsed() < Duration::from_secs(20));
        child.kill().unwrap();
        let _ = child.wait();
    });
}

#[test]
fn a_missing_program_is_named() {
    in_both("a_missing_program_is_named", || {
        let error = room().run(Path::new("/no/such/program"), &[]).unwrap_err();
        assert_eq!(
            reason(&error),
            "running /no/such/program failed: No such file or directory (os error 2)"
        );
    });
}

#[test]
fn a_missing_source_and_a_relative_place_are_refused_at_once() {
    let missing = room()
        .bind("/no/such", "/x", Access::ReadOnly)
        .ensure_buildable()
        .unwrap_err();
    assert!(
        matches!(&missing, Error::Io { path, .. } if path == Path::new("/no/such")),
        "{missing:?}"
    );
    let relative = room().private("tmp").ensure_buildable().unwrap_err();
    assert!(reason(&relative).starts_with("tmp is not"), "{relative:?}");
    assert!(room().private("/tmp/../etc").ensure_buildable().is_err());
}

#[test]
fn rooms_can_be_nested() {
    in_both("rooms_can_be_nested", || {
        let inner = room()
            .executable(Room::SELF_PATH)
            .sealed()
            .read_only_host()
            .private("/tmp")
            .bind_self();
        let json = serde_json::to_string(&inner).unwrap();
        let script = format!(
            "{} --version; ls -A /tmp; touch /usr/x; echo pid $$",
            Room::SELF_PATH
        );
        let mut command = inner_command(&json, &script);
        command[3] = "/opt/tests".into();
        let outer = room()
            .own_network()
            .private("/tmp")
            .private("/opt")
            .bind(
                std::env::current_exe().unwrap(),
                "/opt/tests",
                Access::ReadOnly,
            )
            .bind_self();
        let output = outer
            .command(Path::new("/usr/bin/env"), &command[1..])
            .unwrap()
            .output()
            .unwrap();
        let text =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        for part in [
            "Read-only file system",
            "pid 2",
            "ended: exit status: 0",
            concat!("shellpack ", env!("CARGO_PKG_VERSION")),
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    });
}

#[test]
fn shellpack_itself_runs_inside_wherever_it_lies() {
    in_both("shellpack_itself_runs_inside_wherever_it_lies", || {
        let room = room()
            .sealed()
            .private("/tmp")
            .private(env!("CARGO_MANIFEST_DIR"))
            .private("/root")
            .private("/home")
            .bind_self();
        let output = room
            .command(Path::new(Room::SELF_PATH), &["--version".into()])
            .unwrap()
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    });
}

#[test]
fn forbidden_namespaces_are_an_error_of_their_own() {
    in_both("forbidden_namespaces_are_an_error_of_their_own", || {
        let json = serde_json::to_string(&room().sealed()).unwrap();
        let script = "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all \"$@\"";
        let output = Command::new("unshare")
            .args(["-Ur", "sh", "-c", script, "sh"])
            .args(inner_command(&json, "true"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(
            text.contains("failed: NamespacesForbidden { operation: \"creating a user namespace\""),
            "{text}"
        );
    });
}

#[test]
fn a_room_that_can_be_made_is_possible() {
    in_both("a_room_that_can_be_made_is_possible", || {
        let start = Instant::now();
        room().sealed().ensure_buildable().unwrap();
        eprintln!("an empty room takes {} ms", start.elapsed().as_millis());
    });
}

#[test]
fn nothing_is_left_mounted() {
    in_both("nothing_is_left_mounted", || {
        let before = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let dir = scratch();
        let room = room().read_only_host().private("/tmp").nix(dir.path());
        said(&room, "true");
        assert_eq!(fs::read_to_string("/proc/self/mountinfo").unwrap(), before);
    });
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
    in_both("everything_ends_when_the_caller_is_killed", || {
        let word = format!("61.{}", std::process::id());
        let json = serde_json::to_string(&room()).unwrap();
        let line = inner_command(&json, &format!("sleep {word} & sleep {word}; true"));
        let mut caller = Command::new(&line[3]);
        caller.args(&line[4..]).env("ROOM_TEST_ASKED", &json).env(
            "ROOM_TEST_SCRIPT",
            format!("sleep {word} & sleep {word}; true"),
        );
        let mut caller = caller
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let sleeping = format!("sleep\0{word}");
        eventually("the room starts", || processes_with(&sleeping) == 2);
        caller.kill().unwrap();
        caller.wait().unwrap();
        eventually("the room ends", || processes_with(&word) == 0);
    });
}

#[test]
fn sigterm_reaches_the_program_and_sigint_does_not_end_the_room() {
    in_both(
        "sigterm_reaches_the_program_and_sigint_does_not_end_the_room",
        || {
            let script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done";
            let mut child = shell(&room(), script)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            child
                .stdout
                .as_mut()
                .unwrap()
                .read_exact(&mut [0; 6])
                .unwrap();
            let send = |signal: &str| {
                Command::new("kill")
                    .args([signal, &child.id().to_string()])
                    .status()
                    .unwrap()
            };
            assert!(send("-INT").success());
            assert!(send("-QUIT").success());
            std::thread::sleep(Duration::from_millis(100));
            assert!(send("-TERM").success());
            let status = child.wait().unwrap();
            assert_eq!((status.code(), status.signal()), (Some(9), None));
        },
    );
}

/// Ctrl-C at a terminal goes to the program; those who wait pass its status on.
#[test]
fn ctrl_c_is_the_programs_business() {
    in_both("ctrl_c_is_the_programs_business", || {
        let json = serde_json::to_string(&room()).unwrap();
        // A group of its own stands for the terminal's foreground group.
        let script = "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.05; done";
        let line = inner_command(&json, script);
        let mut caller = Command::new("setsid");
        caller
            .args(&line)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut caller = caller.spawn().unwrap();
        let mut stdout = caller.stdout.take().unwrap();
        let mut heard = String::new();
        while !heard.contains("ready") {
            let mut byte = [0];
            stdout.read_exact(&mut byte).unwrap();
            heard.push(byte[0].into());
        }
        Command::new("kill")
            .args(["-INT", "--", &format!("-{}", caller.id())])
            .status()
            .unwrap();
        let output = caller.wait_with_output().unwrap();
        stdout.read_to_string(&mut heard).unwrap();
        assert!(heard.contains("caught"), "{heard}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("ended: exit status: 5"), "{text}");
    });
}

#[test]
fn ctrl_c_ends_the_caller_again_after_the_room() {
    let line = inner_command(&serde_json::to_string(&room()).unwrap(), "true");
    let mut caller = Command::new(&line[0]);
    caller.args(&line[1..]).env("ROOM_TEST_LINGER", "1");
    let mut caller = caller
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(caller.stdout.take().unwrap());
    assert!(
        stdout
            .lines()
            .any(|line| line.unwrap().ends_with("lingering"))
    );
    Command::new("kill")
        .args(["-INT", &caller.id().to_string()])
        .status()
        .unwrap();
    assert_eq!(caller.wait().unwrap().signal(), Some(2));
}

#[test]
fn two_thousand_store_paths_take_well_under_a_second() {
    in_both("two_thousand_store_paths_take_well_under_a_second", || {
        // In memory if possible: how long a disk takes to make 2000 directories is not the question.
        let fast = || tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| scratch());
        let (host, nix) = (fast(), fast());
        let paths: Vec<_> = (0..2000)
            .map(|n| host.path().join(format!("path-{n}")))
            .collect();
        for path in &paths {
            fs::create_dir(path).unwrap();
        }
        let room = room()
            .sealed()
            .read_only_host()
            .private("/tmp")
            .nix(nix.path())
            .store_paths("/nix/store", paths);
        let start = Instant::now();
        assert_eq!(said(&room, "ls /nix/store | grep -c ."), "2000\n");
        let taken = start.elapsed();
        eprintln!("2000 store paths take {} ms", taken.as_millis());
        assert!(taken < Duration::from_secs(3));
    });
}
