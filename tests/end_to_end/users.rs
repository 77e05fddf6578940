//! An ordinary user who owns the store.

use crate::support::{Machine, bundle};

#[test]
fn an_ordinary_user_packs_for_root() {
    let (a, b) = (Machine::online_of_a_user(), Machine::offline());
    a.sh("test $(id -u) = 1000").succeeds();
    a.shellpack("create fixtures/shells/source -o x.shellpack")
        .succeeds()
        .shows("entered nix-shell");
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    b.greets("open x.shellpack");
}

#[test]
fn an_ordinary_user_opens_what_root_packed() {
    let b = Machine::offline_of_a_user();
    b.receive(&bundle("imports"), "x.shellpack");
    b.greets("open x.shellpack");
    b.sh("nix-store --verify --check-contents").succeeds();
    b.shellpack("open x.shellpack --no-shell")
        .succeeds()
        .says("imported 0 store paths");
}

#[test]
fn an_ordinary_user_rehearses() {
    let a = Machine::online_of_a_user();
    a.receive(&bundle("channel"), "x.shellpack");
    a.shellpack("rehearse x.shellpack --run 'test \"$MESSAGE\"'")
        .succeeds();
}
