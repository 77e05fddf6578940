//! The garbage collector deletes nothing that is needed.

use crate::support::shells::{MESSAGE, PRINT};
use crate::support::{Machine, bundle};

/// Collects over and over while what comes before it runs in the background, and ends as that.
const COLLECT_MEANWHILE: &str = "& work=$!
    while kill -0 $work 2>/dev/null; do nix-collect-garbage >/dev/null 2>&1; done; wait $work";

#[test]
fn garbage_collection_during_open_deletes_nothing() {
    let b = Machine::offline();
    // Nix makes its directories on first use, which several cannot do at the same time.
    b.sh("nix-store --init").succeeds();
    for shell in ["imports", "large"] {
        b.receive(&bundle(shell), "x.shellpack");
        b.sh(&format!("shellpack open x.shellpack --dir {shell} --no-shell {COLLECT_MEANWHILE}; rm x.shellpack"))
            .succeeds();
        b.receive(&bundle(shell), "x.shellpack");
        b.shellpack(&format!("open x.shellpack --dir {shell} --no-shell"))
            .succeeds()
            .says("imported 0 store paths");
        b.shellpack(&format!(
            "open x.shellpack --dir {shell} {PRINT}; rm x.shellpack"
        ))
        .succeeds()
        .prints(MESSAGE);
    }
}

#[test]
fn garbage_collection_after_open_deletes_nothing() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    b.shellpack("open x.shellpack --no-shell").succeeds();
    b.sh("nix-collect-garbage -d").succeeds();
    b.shellpack("open x.shellpack --no-shell")
        .succeeds()
        .says("imported 0 store paths");
    b.sh(&format!("cd blog; nix-shell {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

/// Entering evaluates, and what that makes is kept as well.
#[test]
fn garbage_collection_after_entry_deletes_nothing() {
    let b = Machine::offline();
    b.receive(&bundle("channel"), "x.shellpack");
    b.shellpack(&format!("open x.shellpack {PRINT}")).succeeds();
    b.sh("nix-collect-garbage -d").succeeds();
    b.greets("open x.shellpack");
}

/// A user who deletes the roots wants the space back.
#[test]
fn without_its_roots_a_shell_is_collected() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    b.shellpack("open x.shellpack --no-shell").succeeds();
    b.sh("rm -r ~/.local/state/shellpack; nix-collect-garbage; ls /nix/store | grep -c hello || true")
        .succeeds()
        .shows("\n0\n");
}

#[test]
fn garbage_collection_during_create_deletes_nothing() {
    let (a, b) = (Machine::online(), Machine::offline());
    let create = "shellpack create ~/fixtures/shells/imports/env -o x.shellpack";
    // Two processes of Nix that meet a store for the first time trip over each other.
    a.sh(&format!("nix-store --init; {create} {COLLECT_MEANWHILE}"))
        .succeeds();
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    b.greets("open x.shellpack");
}

#[test]
fn create_leaves_no_roots_behind() {
    let a = Machine::online();
    a.shellpack("create ~/fixtures/shells/blog -o x.shellpack")
        .succeeds();
    a.sh("nix-collect-garbage >/dev/null; ls /nix/store | wc -l")
        .succeeds()
        .prints("0");
}
