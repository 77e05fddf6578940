//! Each fixture shell arrives and works.

use crate::support::{Machine, bundle};

/// `MESSAGE` is what it must be in each of the ways in.
fn arrives(shell: &str) {
    let b = Machine::offline();
    b.receive(&bundle(shell).file, "x.shellpack");
    let run = r#"--run 'echo "$MESSAGE"'"#;
    b.shellpack(&format!("open x.shellpack {run}"))
        .succeeds()
        .prints("Hello, world!");
    b.shellpack(&format!("open x.shellpack --pure {run}"))
        .succeeds()
        .prints("Hello, world!");
}

#[test]
fn the_blogs_shell_arrives() {
    arrives("blog");
}

#[test]
fn a_shell_pinned_with_niv_arrives() {
    arrives("niv");
}
