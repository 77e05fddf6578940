//! A shell that asks the machine gets the answers of machine A on machine B.

use crate::support::shells::{HELLO, PRINT, arrives, by_hand, packed};
use crate::support::{Machine, Outcome, machine_a};

mod builtins;
mod files;

/// A package whose derivation has this text: another one would have to be built.
pub(super) fn saying(text: &str) -> String {
    format!("pkgs.writeShellScriptBin \"say\" \"echo ${{{text}}}\"")
}

/// The output of `inspect` for `x.shellpack`.
pub(super) fn inspected(b: &Machine) -> Outcome {
    b.shellpack("inspect x.shellpack").succeeds()
}

#[test]
fn a_package_of_the_time_arrives() {
    let package = saying("toString builtins.currentTime");
    let shell = format!("pkgs.mkShell {{ {HELLO} TIME = [ ({package}) ]; }}");
    let a = machine_a();
    a.write_shell("time", &shell);
    a.sh("cd fixtures/shells/time; shellpack create -o ~/time.shellpack")
        .succeeds()
        .says("the shell depends on the time (builtins.currentTime in shell.nix): everywhere, it is evaluated as of now, 20");
    let b = Machine::offline();
    b.receive(&a.home("time.shellpack"), "x.shellpack");
    // The clock of the test has moved on, by a second at least.
    std::thread::sleep(std::time::Duration::from_secs(1));
    arrives(&b);
    by_hand(&b, "");
    b.shellpack(&format!("rehearse x.shellpack {PRINT}"))
        .succeeds();
    inspected(&b)
        .shows("the time: 20")
        .shows("Z (builtins.currentTime = ");
}

#[test]
fn a_time_of_no_effect_is_not_carried() {
    let shell = format!("assert builtins.currentTime > 1600000000; pkgs.mkShell {{ {HELLO} }}");
    let b = packed("timeless", &shell, "", "");
    arrives(&b);
    let needs =
        b.sh("tar -xOf x.shellpack manifest.toml | grep -c -e '^needs = \\[\\]$' -e '^\\[answers'");
    needs.succeeds().prints("1");
}

/// By a file in the store, and at the time of a build that evaluation reads.
#[test]
fn a_time_that_others_ask_for_arrives() {
    let shell = format!(
        r#"let
  now = import (builtins.toFile "now.nix" "builtins.currentTime");
  built = derivation {{
    name = "built"; system = builtins.currentSystem; builder = "${{pkgs.bash}}/bin/bash";
    time = now; args = [ "-c" "echo -n 550 > $out" ];
  }};
in pkgs.mkShell {{ {HELLO} DRIVER = builtins.readFile built; }}"#
    );
    let b = packed("time-of-others", &shell, "", "");
    std::thread::sleep(std::time::Duration::from_secs(1));
    arrives(&b);
    b.shellpack("open x.shellpack --run 'echo $DRIVER'")
        .succeeds()
        .prints("550");
}
