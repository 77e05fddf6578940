//! Machines that allow no rooms, and what is said there.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use seccompiler::{apply_filter, sock_filter};
use shellpack::internals::{Report, WayIn};

use crate::support::rooms::{host_room, in_both, is_root, portable, printed, scratch, words};

/// Set for a run of this test executable: the system call to deny, and the words to run then.
const DENIED: &str = "ROOM_TEST_DENIED";
const WORDS: &str = "ROOM_TEST_WORDS";

/// The numbers of `unshare` and `mount`.
const NUMBERS: [u32; 2] = if cfg!(target_arch = "x86_64") {
    [272, 165]
} else {
    [97, 40]
};

/// The words for a program in a room that shows the whole host.
fn entering(nix: &Path) -> Vec<OsString> {
    let mut command = host_room(nix).command("/bin/echo", "echo").unwrap();
    words(command.arg("entered"))
}

/// The words of `shellpack` when it becomes a program where a script has prepared the machine.
fn said(flags: &str, prepare: &str, through: &str) -> String {
    let (nix, tree) = (scratch(), scratch());
    let script = format!("{prepare} && exec {through} \"$@\"");
    let mut command = Command::new("unshare");
    command
        .args(flags.split(' '))
        .args(["sh", "-c", &script, "sh"]);
    command.args(entering(nix.path())).env("D", tree.path());
    printed(&command.output().unwrap())
}

fn error(operation: &str, why: &str, cause: &str, hint: &str) -> String {
    format!(
        "error: could not make a room in which the store is at /nix: {operation} is not allowed here: {why}\n\
         caused by: {cause}\n\
         \n\
         hint: {hint}; or do without a room: `sudo install -d -o \"$USER\" /nix`, and open the bundle \
         again; or carry a static proot: `shellpack create --with-proot`\n"
    )
}

const CREATING: &str = "creating a user namespace";
const MOUNTING: &str = "mounting in a new namespace";
const NOT_PERMITTED: &str = "Operation not permitted (os error 1)";
/// Takes the rights of root, which needs no user namespace.
const WITHOUT_RIGHTS: &str = "setpriv --bounding-set=-all --inh-caps=-all";

#[test]
fn a_limit_of_0_is_named() {
    in_both(|| {
        let forbid = "echo 0 > /proc/sys/user/max_user_namespaces";
        assert_eq!(
            said("-Ur", forbid, WITHOUT_RIGHTS),
            error(
                CREATING,
                "user.max_user_namespaces is 0",
                "No space left on device (os error 28)",
                "allow user namespaces: `sudo sysctl -w user.max_user_namespaces=10000`"
            )
        );
    });
}

#[test]
fn a_limit_that_is_reached_is_named() {
    in_both(|| {
        let forbid = "echo 1 > /proc/sys/user/max_user_namespaces &&
            { unshare -U sleep 60 & } && holder=$! && sleep 0.5 &&
            { sh -c \"sleep 2; kill $holder\" & }";
        assert_eq!(
            said("-Ur", forbid, WITHOUT_RIGHTS),
            error(
                CREATING,
                "all 1 that user.max_user_namespaces allows are in use, or too many are nested",
                "No space left on device (os error 28)",
                "allow more of them: `sudo sysctl -w user.max_user_namespaces=2`"
            )
        );
    });
}

/// Makes a tree like the host's, which is no mount, and begins a line that runs there.
const IN_TREE: &str = r#"
    tree=$D; for entry in /*; do
        if [ -L "$entry" ]; then cp -P "$entry" "$tree"
        elif [ -d "$entry" ]; then mkdir "$tree$entry" && mount --rbind "$entry" "$tree$entry"
        fi
    done; set -- chroot "$tree""#;

/// Root may make the namespace, but cannot change the mounts in it.
#[test]
fn a_chroot_is_named() {
    in_both(|| {
        let invalid = "Invalid argument (os error 22)";
        for (rights, operation, cause) in [
            (WITHOUT_RIGHTS, CREATING, NOT_PERMITTED),
            ("", MOUNTING, invalid),
        ] {
            assert_eq!(
                said("-Urm", &format!("{IN_TREE} {rights} \"$@\""), ""),
                error(
                    operation,
                    "this process is in a chroot",
                    cause,
                    "instead of chroot, use a program that makes the tree the root: \
                     `sudo systemd-nspawn -D TREE`"
                )
            );
        }
    });
}

/// No test by itself: a program without a system call.
#[test]
fn runs_without_a_call_when_asked() {
    let (Ok(number), Ok(words)) = (std::env::var(DENIED), std::env::var(WORDS)) else {
        return;
    };
    let statement = |code, k| sock_filter {
        code,
        jt: 0,
        jf: 0,
        k,
    };
    // Load the number; if it is this one, fail with EPERM; else allow.
    let equal = sock_filter {
        code: 0x15,
        jt: 0,
        jf: 1,
        k: number.parse().unwrap(),
    };
    let program = [
        statement(0x20, 0),
        equal,
        statement(0x06, 0x0005_0001),
        statement(0x06, 0x7fff_0000),
    ];
    apply_filter(&program).unwrap();
    let words: Vec<String> = serde_json::from_str(&words).unwrap();
    panic!("{}", Command::new(&words[0]).args(&words[1..]).exec());
}

/// The words that run others without this system call.
fn without_call(number: u32, words: &[OsString]) -> Command {
    let words: Vec<_> = words.iter().map(|word| word.to_str().unwrap()).collect();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "rooms::refused::runs_without_a_call_when_asked"])
        .args(["--nocapture", "--quiet"])
        .env(DENIED, number.to_string())
        .env(WORDS, serde_json::to_string(&words).unwrap());
    command
}

fn said_without_call(number: u32, words: &[OsString]) -> String {
    let output = without_call(number, words).output().unwrap();
    String::from_utf8(output.stderr).unwrap()
}

const IN_CONTAINER: &str = "in a container, start it with `--security-opt seccomp=unconfined`";
const FILTER: &str = "a filter of system calls (seccomp) denies it, as in a container";

#[test]
fn a_filter_of_system_calls_is_named() {
    in_both(|| {
        let nix = scratch();
        for (number, operation) in NUMBERS.into_iter().zip([CREATING, MOUNTING]) {
            assert_eq!(
                said_without_call(number, &entering(nix.path())),
                error(operation, FILTER, NOT_PERMITTED, IN_CONTAINER)
            );
        }
    });
}

/// As on Ubuntu: namespaces can be made, and have no rights.
#[test]
fn the_restriction_of_apparmor_is_named() {
    if !is_root() {
        return;
    }
    let nix = scratch();
    let entering = entering(nix.path());
    let through = without_call(NUMBERS[1], &entering);
    let mut command = Command::new("unshare");
    let settings = "mount -t tmpfs t /proc/sys/kernel &&
        echo 1 > /proc/sys/kernel/apparmor_restrict_unprivileged_userns && exec \"$@\"";
    command
        .args(["-m", "sh", "-c", settings, "sh"])
        .args(words(&through));
    for (name, value) in through.get_envs() {
        command.env(name, value.unwrap());
    }
    let said = String::from_utf8(command.output().unwrap().stderr).unwrap();
    let shellpack = fs::canonicalize(&entering[0]).unwrap();
    let hint = format!(
        "allow them to shellpack, by a profile of AppArmor: `printf 'abi <abi/4.0>,\\nprofile \
         shellpack \"%s\" flags=(unconfined) {{\\n  userns,\\n}}\\n' {} | sudo tee \
         /etc/apparmor.d/shellpack && sudo apparmor_parser -r /etc/apparmor.d/shellpack`",
        shellpack.display()
    );
    assert_eq!(
        said,
        error(
            MOUNTING,
            "kernel.apparmor_restrict_unprivileged_userns is 1",
            NOT_PERMITTED,
            &hint
        )
    );
}

/// It is told to the caller, before any program was to start.
#[test]
fn a_try_is_refused_in_the_same_words() {
    // `way_in` in a process without the call.
    if let Some(nix) = std::env::var_os("ROOM_TEST_WAY_IN") {
        let proot = std::env::var_os("ROOM_TEST_PROOT").map(Into::into);
        let way = portable(Path::new(&nix)).with_proot(proot);
        match way.way_in(&Report::silent()) {
            Ok(WayIn::Proot { proot, dir, .. }) => println!("by {proot:?} in {dir:?}"),
            Ok(other) => println!("{other:?}"),
            Err(error) => println!("failed: {error}"),
        }
        return;
    }
    in_both(|| {
        let nix = scratch();
        let dir = nix.path().to_str().unwrap();
        let proot = nix.path().join("proot");
        let said = |static_or_not: Option<&str>| {
            if let Some(program) = static_or_not {
                let _ = fs::remove_file(&proot);
                fs::copy(program, &proot).unwrap();
                fs::set_permissions(&proot, fs::Permissions::from_mode(0o755)).unwrap();
            }
            let own = std::env::current_exe().unwrap().into_os_string();
            let test = "rooms::refused::a_try_is_refused_in_the_same_words";
            let line = [own, "--exact".into(), test.into(), "--nocapture".into()];
            let mut command = without_call(NUMBERS[0], &line);
            command.env("ROOM_TEST_WAY_IN", dir);
            if static_or_not.is_some() {
                command.env("ROOM_TEST_PROOT", &proot);
            }
            printed(&command.output().unwrap())
        };
        let text = said(None);
        let refused = format!(
            "failed: could not make a room in which the store is at /nix: {CREATING} is not allowed here: {FILTER}\n"
        );
        assert!(text.contains(&refused), "{text}");
        let text = said(Some("/bin/sh"));
        let dynamic = format!(
            "failed: could not use {}: it is not static, and needs ",
            proot.display()
        );
        assert!(text.contains(&dynamic), "{text}");
        let text = said(Some("/usr/bin/busybox"));
        assert!(
            text.contains(&format!("by {proot:?} in {dir:?}\n")),
            "{text}"
        );
        fs::write(&proot, "#!/bin/sh\n").unwrap();
        let text = said(None);
        assert!(text.contains(&refused), "{text}");
    });
}

/// Debian's proot is not static, so that few machines have one for this.
#[test]
#[ignore = "needs a static proot, which ROOM_TEST_STATIC_PROOT names"]
fn a_store_is_seen_by_proot() {
    let proot = std::env::var_os("ROOM_TEST_STATIC_PROOT").unwrap();
    let (nix, here) = (scratch(), scratch());
    fs::write(nix.path().join("x"), "of the bundle\n").unwrap();
    let way = WayIn::Proot {
        proot: proot.into(),
        dir: nix.path().to_owned(),
        why: String::new(),
    };
    assert!(way.caveat().is_some());
    let dir = here.path().join("a b");
    fs::create_dir(&dir).unwrap();
    let script = "pwd; cat; cat /nix/x; env -u _ -u SHLVL -u PWD env; exit 7";
    let mut command = way.command("/bin/sh", "sh").unwrap();
    command.args(["-c", script]).current_dir(&dir).env_clear();
    command
        .env("A", "1")
        .stdin(fs::File::open("/dev/null").unwrap());
    let output = command.output().unwrap();
    let dir = dir.display();
    assert_eq!(printed(&output), format!("{dir}\nof the bundle\nA=1\n"));
    assert_eq!(output.status.code(), Some(7));
}
