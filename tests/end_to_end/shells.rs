//! Each fixture shell arrives and works.

use std::process::Command;

use crate::support::shells::{MESSAGE, PRINT, enters_by_hand};
use crate::support::{Machine, bundle, machine_a};

/// `MESSAGE` is what it must be in each of the ways in.
fn arrives(shell: &str) -> Machine {
    let b = Machine::offline();
    b.receive(&bundle(shell), "x.shellpack");
    for option in ["", "--pure"] {
        let outcome = b.shellpack(&format!("open x.shellpack {option} {PRINT}"));
        outcome.succeeds().prints(MESSAGE);
    }
    enters_interactively(&b);
    enters_by_hand(&b, MESSAGE);
    b
}

/// On a terminal there is nix-shell's prompt, and what is typed is run.
fn enters_interactively(b: &Machine) {
    let typed = r#"printf 'echo "<$MESSAGE>"\nexit 3\n'"#;
    let outcome = b.sh(&format!(
        "{typed} | script -qec 'shellpack open x.shellpack' /dev/null"
    ));
    let outcome = outcome.exits_with(3).shows("[nix-shell:");
    outcome.shows(&format!("<{MESSAGE}>"));
}

#[test]
fn the_blogs_shell_arrives() {
    let b = arrives("blog");
    b.sh(&format!("cd blog && nix-shell {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn a_shell_pinned_with_niv_arrives() {
    let b = arrives("niv");
    b.sh(&format!("cd niv && nix-shell {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn a_shell_of_a_channel_arrives() {
    arrives("channel");
}

#[test]
fn a_shell_of_many_files_arrives() {
    let b = arrives("imports");
    b.sh(&format!("cd imports/env && nix-shell {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn a_shell_with_its_own_source_arrives() {
    let b = arrives("source");
    b.sh(&format!("cd source && nix-shell {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

/// Modes, symlinks and empty directories are part of what a derivation copies.
#[test]
fn project_files_arrive_exactly() {
    let (a, b) = (Machine::online(), Machine::offline());
    let change = "cd ~/fixtures/shells/source; mkdir -m 750 empty; mkdir -p deep/empty; ln -s message link;
        ln -s nowhere dangling; echo x > private; chmod 600 private; chmod 555 scripts/message.sh scripts/nested";
    a.sh(&format!(
        "{change}; shellpack create . -o ~/x.shellpack; chmod 755 ."
    ))
    .succeeds();
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    b.greets("open x.shellpack");
    let list = |machine: &Machine, dir: &str| {
        let list = "find . -mindepth 1 -printf '%P %y %m %l\\n' | LC_ALL=C sort; tar --sort=name --mtime=@1 --owner=0 --group=0 -c . | sha256sum";
        machine.sh(&format!("cd {dir}; {list}")).succeeds().text()
    };
    assert_eq!(list(&b, "source"), list(&a, "fixtures/shells/source"));
}

/// In a directory of another name, evaluation would copy another source.
#[test]
fn a_copied_directory_keeps_its_name() {
    let b = Machine::offline();
    b.receive(&bundle("source"), "x.shellpack");
    let run = "--run 'basename $PWD; basename $src'";
    let outcome = b
        .shellpack(&format!("open x.shellpack --dir elsewhere {run}"))
        .succeeds();
    let mut lines = outcome.stdout.lines();
    assert_eq!(lines.next(), Some("source"), "{outcome}");
    assert!(lines.next().unwrap().ends_with("-source"), "{outcome}");
}

#[test]
fn a_finished_bundle_can_be_rehearsed() {
    let a = crate::support::machine_a();
    bundle("blog");
    a.shellpack(r#"rehearse blog.shellpack --run 'test "$MESSAGE" = "Hello, world!"'"#)
        .succeeds();
    a.shellpack("rehearse blog.shellpack --run 'exit 9'")
        .exits_with(9);
}

#[test]
fn every_bundle_verifies_and_is_plain_tar() {
    for shell in ["blog", "imports", "source"] {
        let bundle = bundle(shell);
        let name = format!("{shell}.shellpack");
        let outcome = crate::support::machine_a().shellpack(&format!("verify {name}"));
        outcome.succeeds().shows("sound");
        let listed = Command::new("tar").arg("-tf").arg(&bundle).output();
        let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
        assert_eq!(listed.lines().next(), Some("manifest.toml"), "{listed}");
    }
}

/// Like `nix-shell -p` and `-E`: there is no file.
#[test]
fn packages_and_expressions_arrive() {
    let (a, b) = (machine_a(), Machine::offline());
    let create = "export NIX_PATH=nixpkgs=$HOME/fixtures/nixpkgs; shellpack create";
    a.sh(&format!("{create} -p hello gnugreet")).succeeds();
    b.receive(&a.home("hello-gnugreet.shellpack"), "x.shellpack");
    b.shellpack("open x.shellpack --pure --run 'hello; gnugreet'")
        .succeeds()
        .prints(&format!("{MESSAGE}\n{MESSAGE}"));
    let expression = "with import <nixpkgs> { }; mkShell { packages = [ hello ]; }";
    a.sh(&format!(
        "{create} -E '{expression}' --name one -o ~/one.shellpack"
    ))
    .succeeds();
    b.receive(&a.home("one.shellpack"), "y.shellpack");
    b.shellpack("open y.shellpack --run hello")
        .succeeds()
        .prints(MESSAGE);
    a.sh(&format!("{create} -E 'import ./x.nix'"))
        .exits_with(1)
        .says("relative path");
}
