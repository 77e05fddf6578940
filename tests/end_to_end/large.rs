//! An import that is interrupted, and one of a path that spans segments.

use crate::support::{Machine, bundle, machine_a};

fn with_the_large_shell() -> Machine {
    let b = Machine::offline();
    b.receive(&bundle("large"), "large.shellpack");
    b
}

/// The store is sound, and running again finishes the work.
fn is_sound_and_can_be_finished(b: &Machine) {
    let verify = "nix-store --verify --check-contents";
    b.sh(verify).succeeds().never_says("error");
    b.shellpack("open large.shellpack --no-shell")
        .succeeds()
        .never_says("imported 0");
    b.sh(verify).succeeds().never_says("error");
    b.greets("open large.shellpack");
}

/// Sends a signal to `open` in the middle of the large path; prints what it exits with.
fn interrupt(b: &Machine, signal: &str) -> String {
    let script = format!(
        "shellpack open large.shellpack --no-shell & open=$!
         until ls /nix/store/*-large/random >/dev/null 2>&1; do kill -0 $open; done
         kill -{signal} $open; code=0; wait $open || code=$?; echo $code"
    );
    b.sh(&script).succeeds().text()
}

#[test]
fn a_path_that_spans_segments_arrives() {
    let b = with_the_large_shell();
    b.greets("open large.shellpack");
    b.sh("nix-store --verify --check-contents").succeeds();
    b.sh("tar -tf large.shellpack | grep -c closure/.*zst")
        .succeeds()
        .prints("5");
}

#[test]
fn a_path_that_spans_segments_verifies() {
    bundle("large");
    machine_a().shellpack("verify large.shellpack").succeeds();
}

#[test]
fn an_import_that_is_interrupted_can_be_finished() {
    let b = with_the_large_shell();
    assert_eq!(interrupt(&b, "INT"), "130");
    b.sh("ls -A /nix/store | grep -e large -e lock || true")
        .succeeds()
        .prints("");
    is_sound_and_can_be_finished(&b);
}

#[test]
fn an_import_that_is_killed_can_be_finished() {
    let b = with_the_large_shell();
    assert_eq!(interrupt(&b, "KILL"), "137");
    is_sound_and_can_be_finished(&b);
}

#[test]
fn a_bundle_is_there_whole_or_not_at_all() {
    bundle("large");
    let kill = "mkdir killed; touch said; shellpack create fixtures/shells/large --level fast -o killed/killed.shellpack 2>said & create=$!
        until grep -q packing said; do kill -0 $create; done; until ls killed/.*.part; do kill -0 $create; done
        kill -KILL $create; ! wait $create; test ! -e killed/killed.shellpack; ls -A killed | wc -l";
    machine_a().sh(kill).succeeds().shows("\n1\n");
    // The next one that works there removes the part, and nothing else.
    let other = "touch killed/.shellpack-mine.part; shellpack create fixtures/shells/blog --no-rehearsal -o killed/other.shellpack >/dev/null; ls -A killed";
    machine_a()
        .sh(other)
        .succeeds()
        .prints(".shellpack-mine.part\nother.shellpack");
}
