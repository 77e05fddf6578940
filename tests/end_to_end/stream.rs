//! From a pipe to a pipe.

use std::process::Stdio;

use super::{MESSAGE, PRINT};
use crate::support::{Machine, Outcome, bundle, machine_a};

#[test]
fn create_streams_into_open() {
    let (a, b) = (machine_a(), Machine::offline());
    let mut create = a
        .command("shellpack create fixtures/shells/blog -o -")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let open = format!("shellpack open - {PRINT}");
    let output = b
        .command(&open)
        .stdin(create.stdout.take().unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output();
    assert!(create.wait().unwrap().success());
    Outcome::new(&open, &output.unwrap())
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn a_stream_cannot_be_read_back_and_says_so() {
    let outcome = machine_a().sh("shellpack create fixtures/shells/blog -o - | tar -t");
    outcome
        .succeeds()
        .shows("manifest.toml\nmanifest.sig\n")
        .says("could not be read back");
}

/// The pipe was the bundle's; whoever reads on gets nothing of it and does not wait for it.
#[test]
fn a_command_does_not_inherit_the_stream() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    b.sh("cat x.shellpack | shellpack open - --run 'cat; echo done'")
        .succeeds()
        .prints("done");
}

#[test]
fn an_interactive_shell_from_a_stream_reads_the_terminal() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    let typed = r#"printf 'echo "<$MESSAGE>"\nexit 3\n'"#;
    b.sh(&format!(
        "{typed} | script -qec 'cat x.shellpack | shellpack open -' /dev/null"
    ))
    .exits_with(3)
    .shows("[nix-shell:")
    .shows(&format!("<{MESSAGE}>"));
}
