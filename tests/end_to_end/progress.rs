//! Progress, for people and for logs. For programs see [`super::json`].

use crate::support::waiting::{LOCK, said_while_waiting};
use crate::support::{Machine, bundle};

#[test]
fn a_log_shows_that_a_silent_build_continues() {
    let a = Machine::online();
    a.write_shell(
        "sleeps",
        r#"pkgs.mkShell { packages = [ (pkgs.runCommand "sleeps" { } "sleep 8; mkdir $out") ]; }"#,
    );
    let create = "create fixtures/shells/sleeps -o x.shellpack --no-rehearsal";
    let said = a.shellpack(create).succeeds().says("building …\n").stderr;
    assert!(after_some_seconds(&said, "still building"), "{said}");
}

/// Whether a line says so, after five seconds or, on a busy machine, a little later.
fn after_some_seconds(said: &str, words: &str) -> bool {
    (5..8).any(|seconds| said.contains(&format!("{words} ({seconds}s)\n")))
}

#[test]
fn a_log_names_the_lock_that_is_waited_for() {
    let said = said_while_waiting("");
    let waits = format!("0 of 9 paths, waiting for another process that holds {LOCK}");
    assert!(after_some_seconds(&said, &waits), "{said}");
}

/// A bar that is drawn once more would run through nix-shell's prompt.
#[test]
fn nothing_is_drawn_once_nix_shell_has_the_terminal() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    let typed = r"printf 'sleep 1\nexit 3\n'";
    let open = "TERM=xterm script -qec 'shellpack open x.shellpack' /dev/null";
    let shown = b.sh(&format!("{typed} | {open}")).exits_with(3).stdout;
    let (before, after) = shown.split_once("[nix-shell:").unwrap();
    assert!(before.contains("importing …"), "{shown}");
    assert!(!after.contains("\u{1b}[2K"), "{shown}");
}
