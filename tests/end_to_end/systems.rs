//! Shells for another system than the machine that packs them.

use crate::support::several::inspected;
use crate::support::{Machine, machine_a};

/// A shell for any system.
const ANY: &str = r#"{ system ? builtins.currentSystem }: derivation {
  name = "board"; inherit system; builder = "/bin/sh"; MESSAGE = "for ${system}"; }"#;

/// Packs the shell for a system, with these words, and returns its manifest.
fn packed_for(system: &str, words: &str) -> serde_json::Value {
    let a = machine_a();
    a.write(&format!("board-{system}/shell.nix"), ANY);
    a.sh(&format!(
        "cd board-{system}; shellpack create {words} --argstr system {system} -f -o ../{system}.shellpack"
    ))
    .succeeds();
    inspected(a, &format!("{system}.shellpack"))
}

#[test]
fn a_shell_for_another_processor_is_proved_but_not_entered() {
    let manifest = packed_for("riscv64-linux", "");
    assert_eq!(manifest["shells"][0]["system"], "riscv64-linux");
    let proof = &manifest["proof"];
    assert_eq!(proof["result"], "partial");
    assert_eq!(proof["checks"].as_array().unwrap().len(), 2, "{proof}");
    assert_eq!(
        proof["not-tried"][0],
        "the shell was not entered: this machine does not run programs for riscv64-linux"
    );
    machine_a()
        .shellpack("inspect riscv64-linux.shellpack")
        .succeeds()
        .shows("for riscv64-linux, evaluated by Nix")
        .shows(", but for one thing:")
        .shows("this machine does not run programs for riscv64-linux");
    let b = Machine::offline();
    b.receive(&machine_a().home("riscv64-linux.shellpack"), "x.shellpack");
    b.shellpack("open x.shellpack --run true")
        .exits_with(125)
        .says("it is for riscv64-linux, and this machine is ");
    assert!(!b.home("board-riscv64-linux").exists());
}

#[test]
fn without_evaluation_it_is_not_entered_either() {
    let manifest = packed_for("aarch64_be-linux", "--no-eval");
    assert_eq!(manifest["proof"]["result"], "partial");
}

/// This machine runs its programs.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_shell_for_32_bits_opens() {
    let manifest = packed_for("i686-linux", "");
    assert_eq!(manifest["shells"][0]["system"], "i686-linux");
    assert_eq!(manifest["proof"]["result"], "passed");
    let b = Machine::offline();
    b.receive(&machine_a().home("i686-linux.shellpack"), "x.shellpack");
    b.shellpack("open x.shellpack --run 'echo $MESSAGE'")
        .succeeds()
        .prints("for i686-linux");
}
