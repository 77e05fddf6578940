//! Errors that take a machine: one that the bundle is not for, whose disk is full, where rooms
//! are forbidden, or whose user presses Ctrl-C. Nothing is left behind by any of them.

use std::fs;

use crate::support::{Machine, Outcome, bundle};
use crate::synthetic::Bundle;

/// Brings a synthetic bundle to a machine; opening it needs no evaluation with `--no-shell`.
fn receive(machine: &Machine, bundle: &Bundle) {
    fs::write(machine.home("x.shellpack"), bundle.bytes()).unwrap();
}

/// B on which opening a bundle fails; neither store nor home nor roots have changed.
#[track_caller]
fn cannot_open(b: &Machine, bundle: &Bundle, says: &str) {
    receive(b, bundle);
    let script =
        "nix-store --init; list() { find ~ /nix/store 2>/dev/null | sort; }; list > /run/before
        code=0; shellpack open --no-shell x.shellpack || code=$?
        list | diff /run/before - || exit 99; exit $code";
    let outcome = b.sh(script).exits_with(125);
    assert_eq!(outcome.stderr, says);
}

#[test]
fn a_bundle_for_another_system() {
    let b = Machine::offline().with_room(|room| room.env("NIX_CONFIG", "system = aarch64-linux"));
    cannot_open(
        &b,
        &Bundle::minimal(),
        "error: could not open x.shellpack: it is for x86_64-linux, and this machine is aarch64-linux\n\
         \n\
         hint: create the bundle on another aarch64-linux machine\n",
    );
}

#[test]
fn a_bundle_for_another_store() {
    let b = Machine::offline().with_room(|room| room.env("NIX_STORE_DIR", "/tmp/gnu/store"));
    cannot_open(
        &b,
        &Bundle::minimal(),
        "error: could not open x.shellpack: its store is /nix/store, and this machine's is /tmp/gnu/store\n",
    );
}

#[test]
fn a_nix_that_is_too_old() {
    let mut bundle = Bundle::minimal();
    bundle.manifest.shells[0].minimum_nix_version = Some("99.1".into());
    let b = Machine::offline();
    let here = b.sh("nix-store --version").succeeds().text();
    let here = here.rsplit(' ').next().unwrap();
    cannot_open(
        &b,
        &bundle,
        &format!(
            "error: could not open x.shellpack: its nixpkgs needs Nix 99.1 or newer, and this machine has {here}\n\
             \n\
             hint: enter it as it was packed: shellpack open --no-shell x.shellpack --no-eval; or install Nix 99.1 or newer here\n"
        ),
    );
}

/// The expression is that of nixpkgs, which sees nothing of this machine.
#[test]
fn a_nix_that_lacks_features() {
    let mut bundle = Bundle::minimal();
    let features = r#"let
  features = [
    { description = "the builtin nixVersion"; condition = builtins ? nixVersion; }
    { description = "the builtin of tomorrow"; condition = builtins ? ofTomorrow; }
    { description = "a file"; condition = builtins.pathExists "/etc/passwd"; }
  ];
  sorted = builtins.partition ({ condition, ... }: condition) features;
in { missing = sorted.wrong; }
# The end."#;
    bundle.manifest.shells[0].required_nix_features = Some(features.into());
    let b = Machine::offline();
    let here = b.sh("nix-store --version").succeeds().text();
    let here = here.rsplit(' ').next().unwrap();
    cannot_open(
        &b,
        &bundle,
        &format!(
            "error: could not open x.shellpack: its nixpkgs needs a Nix with the builtin of tomorrow, a file, and this machine's Nix {here} lacks that\n\
             \n\
             hint: enter it as it was packed: shellpack open --no-shell x.shellpack --no-eval; or install a newer Nix here\n"
        ),
    );
}

#[test]
fn a_project_file_that_differs() {
    let b = Machine::offline();
    b.write("synthetic/shell.nix", "mine");
    cannot_open(
        &b,
        &Bundle::minimal(),
        "error: could not write the project files: /root/synthetic/shell.nix exists and differs from the one in the bundle\n\
         \n\
         hint: open into another directory: shellpack open BUNDLE --dir DIR; or replace what differs: --overwrite\n",
    );
}

#[test]
fn an_output_that_exists() {
    let a = Machine::online();
    a.write("x.shellpack", "mine");
    let outcome = a.shellpack("create -q fixtures/shells/blog -o x.shellpack");
    assert_eq!(
        outcome.exits_with(1).stderr,
        "error: could not write x.shellpack: it already exists\n\
         \n\
         hint: choose another file, or replace this one: --force\n"
    );
}

#[test]
fn an_output_that_the_next_evaluation_would_copy() {
    let a = Machine::online();
    let outcome = a.sh("cd fixtures/shells/source; exec shellpack create -q");
    assert_eq!(
        outcome.exits_with(1).stderr,
        "error: could not write source.shellpack: evaluation copies /root/fixtures/shells/source, \
         so the next evaluation would copy the bundle as well\n\
         \n\
         hint: choose a file elsewhere, for example: -o ../NAME.shellpack\n"
    );
}

#[test]
fn a_name_that_is_none() {
    let a = Machine::online();
    let outcome = a.shellpack("create -q fixtures/shells/blog --name ../x");
    assert_eq!(
        outcome.exits_with(1).stderr,
        "error: could not use the name: '../x' is not a bundle name: it must be made of letters, \
         digits and ._+- and not start with - or .\n\
         \n\
         hint: choose another with --name NAME\n"
    );
}

/// A machine A on which a script that packs the blog's shell fails and leaves nothing in `out`.
#[track_caller]
fn cannot_create(before: &str, options: &str) -> Outcome {
    let script = format!(
        "mkdir out; {before}
        code=0; shellpack create fixtures/shells/blog -o out/x.shellpack {options} || code=$?
        ls -A out; exit $code"
    );
    Machine::online().sh(&script).exits_with(1).prints("")
}

const DISK_FULL: &str = "error: could not write out/x.shellpack\n\
    caused by: No space left on device (os error 28)\n\
    \n\
    hint: free some space, and try again\n";

#[test]
fn a_disk_that_is_full_when_a_bundle_is_created() {
    let said = cannot_create("mount -t tmpfs -o size=200k none out", "--no-rehearsal").stderr;
    assert!(said.ends_with(DISK_FULL), "{said}");
}

#[test]
fn a_disk_that_has_no_room_for_a_bundle_to_open() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    let script = "nix-store --init; mount -t tmpfs -o size=100k none /nix/store; code=0
        shellpack open x.shellpack --run true || code=$?; ls /nix/store; exit $code";
    let outcome = b.sh(script).exits_with(125).prints("");
    let said = outcome.stderr;
    assert!(
        said.starts_with("error: could not open the bundle: it needs ")
            && said.ends_with(
                "iB on the file system of /nix/store, which has 100.00 KiB free\n\
                 \n\
                 hint: free some space, for example: nix-collect-garbage\n"
            ),
        "{said}"
    );
    b.sh("ls -A ~ ~/.local/state/shellpack/roots 2>&1 | grep -c -e '^blog$' -e '^[.]shellpack' || true")
        .prints("0");
}

/// There is room for the bytes, but not for as many files: nobody can know that before. What
/// was complete stays, valid; of the rest there is nothing.
#[test]
fn a_disk_that_becomes_full_while_a_bundle_is_opened() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    for inodes in [8, 12, 20] {
        let script = format!(
            "nix-store --init; mount -t tmpfs -o nr_inodes={inodes} none /nix/store; code=0
            shellpack open x.shellpack --run true || code=$?
            nix-store --verify --check-contents >&2 || exit 99
            for path in /nix/store/*; do nix-store --check-validity $path 2>&1 || true; done
            ls -d blog .shellpack-* ~/.local/state/shellpack/roots/* 2>/dev/null || true
            nix-store --gc >&2; exit $code"
        );
        let outcome = b.sh(&script).exits_with(125).prints("");
        outcome.says("caused by: No space left on device (os error 28)\n");
    }
    let outcome = b.shellpack("open x.shellpack --run true");
    outcome.succeeds();
}

/// The project files' file system may be another one than the store's.
#[test]
fn a_disk_that_is_full_of_project_files() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    let script = "mkdir small; mount -t tmpfs -o nr_inodes=2 none small; code=0
        shellpack open x.shellpack --dir small/blog --run true || code=$?
        ls -A small; exit $code";
    let outcome = b.sh(script).exits_with(125).prints("");
    outcome
        .says("error: could not create /root/small/.shellpack-")
        .says("\ncaused by: No space left on device (os error 28)\n");
}

/// As an ordinary user where an administrator has forbidden user namespaces.
const FORBIDDEN: &str = r#"forbidden() {
    unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_user_namespaces &&
        exec setpriv --bounding-set=-all --inh-caps=-all "$@"' sh "$@"
}"#;

#[test]
fn user_namespaces_that_are_forbidden() {
    let a = Machine::online_of_a_user();
    let script = format!(
        "{FORBIDDEN}\ncode=0
        forbidden shellpack create fixtures/shells/blog -o x.shellpack || code=$?
        ls -A /nix/store 2>/dev/null | grep -c . ; ls x.shellpack 2>/dev/null; exit $code"
    );
    let outcome = a.sh(&script).exits_with(1);
    assert_eq!(
        outcome.stderr,
        "error: could not make a room with no network: creating a user namespace is not allowed here: \
         user.max_user_namespaces is 0\n\
         caused by: No space left on device (os error 28)\n\
         \n\
         hint: allow user namespaces: `sudo sysctl -w user.max_user_namespaces=10000`; \
         or skip the proof: `shellpack create --no-rehearsal`\n"
    );
}

#[test]
fn create_continues_without_user_namespaces_on_request() {
    let a = Machine::online_of_a_user();
    let create = "forbidden shellpack create fixtures/shells/blog -o x.shellpack --no-rehearsal";
    a.sh(&format!("{FORBIDDEN}\n{create}")).succeeds();
    a.shellpack("inspect x.shellpack")
        .succeeds()
        .shows("\nproof     none: it was created with --no-rehearsal\n");
    let b = Machine::offline();
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    b.shellpack("open x.shellpack --run 'echo \"$MESSAGE\"'")
        .succeeds()
        .prints("Hello, world!");
}

/// Runs a command until it has said something, then presses Ctrl-C: the whole process group
/// gets the signal, as from a terminal, and a pipe that feeds it ends.
const INTERRUPT: &str = r#"interrupted() { python3 -c '
import os, signal, subprocess, sys
words, *command = sys.argv[1:]
fed = open(os.environ["FEED"], "rb").read() if "FEED" in os.environ else b""
child = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
child.stdin.write(fed[: len(fed) // 2])
child.stdin.flush()
said = b""
while words.encode() not in said:
    part = os.read(child.stderr.fileno(), 4096)
    assert part, said
    said += part
os.killpg(child.pid, signal.SIGINT)
child.stdin.close()
said += child.stderr.read()
sys.stderr.buffer.write(said)
sys.exit(child.wait(30))
' "$@"; }"#;

/// Presses Ctrl-C while A packs a shell, once it has said these words.
#[track_caller]
fn interrupted_create(words: &str, expression: &str) {
    let a = Machine::online();
    a.write_shell("slow", expression);
    let script = format!(
        "{INTERRUPT}\nmkdir out; list() {{ find out fixtures/shells/slow /tmp /var/tmp | sort; }}
        list > before; code=0
        interrupted '{words}' shellpack create fixtures/shells/slow -o out/x.shellpack || code=$?
        list | diff before - || exit 99; exit $code"
    );
    let said = a.sh(&script).exits_with(130).prints("").stderr;
    assert!(said.ends_with("error: interrupted\n"), "{said}");
}

const SHELL: &str = "pkgs.mkShell { }";

#[test]
fn ctrl_c_while_nix_evaluates() {
    interrupted_create("evaluating", SHELL);
}

#[test]
fn ctrl_c_while_nix_builds() {
    interrupted_create(
        "the builder speaks",
        r#"pkgs.mkShell { packages = [ (pkgs.runCommand "slow" { } "echo the builder speaks; sleep 60") ]; }"#,
    );
}

#[test]
fn ctrl_c_during_the_rehearsal() {
    interrupted_create("rehearsing", SHELL);
}

#[test]
fn ctrl_c_while_a_bundle_is_written() {
    interrupted_create("packing", SHELL);
}

#[test]
fn ctrl_c_while_a_bundle_is_opened() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    let script = format!(
        "{INTERRUPT}\ncode=0; export FEED=x.shellpack
        interrupted importing shellpack open - --run true || code=$?
        nix-store --verify --check-contents >&2 || exit 99
        ls -d blog .shellpack-* ~/.local/state/shellpack/roots/* 2>/dev/null || true; exit $code"
    );
    let outcome = b.sh(&script).exits_with(130).prints("");
    outcome.says("\nerror: interrupted\n");
    b.shellpack("open x.shellpack --run true").succeeds();
}

/// The next program may rely on the output; a program that reads no further is no failure.
#[test]
fn output_that_cannot_be_printed_is_an_error() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    for command in ["inspect --json", "verify", "split --volume-size 1M --json"] {
        b.sh(&format!("shellpack {command} x.shellpack >/dev/full"))
            .exits_with(1)
            .says("error: could not write standard output\ncaused by: No space left on device");
    }
    b.sh("{ shellpack inspect --json x.shellpack; echo ended $? >&2; } | true")
        .says("ended 0\n");
}
