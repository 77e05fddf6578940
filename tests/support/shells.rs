//! Shells that say hello: how they are packed, and that they arrive.

use super::bundles::machine_a;
use super::machine::Machine;
use super::outcome::Outcome;

/// For a script: prints the message of the shell.
pub(crate) const PRINT: &str = r#"--run 'echo "$MESSAGE"'"#;

/// The message of the shells of these tests.
pub(crate) const MESSAGE: &str = "Hello, world!";

/// The part of a shell that says hello.
pub(crate) const HELLO: &str =
    r#"packages = [ pkgs.hello ]; shellHook = ''export MESSAGE="$(hello)"'';"#;

/// A shell that cannot be entered: not its hook ends it, but what comes before.
pub(crate) const UNENTERABLE: &str = r#"derivation {
  name = "unenterable";
  system = builtins.currentSystem;
  builder = "${pkgs.bash}/bin/bash";
  stdenv = pkgs.runCommand "ends" { } "mkdir $out; echo 'echo no; exit 4' > $out/setup";
  shellHook = "true";
}"#;

/// Packs a project that a script makes of `fixtures/shells/NAME`, with the words for `create`,
/// and returns a machine B that has received it as `x.shellpack`.
pub(crate) fn packed(name: &str, expression: &str, make: &str, words: &str) -> Machine {
    let (a, b) = (machine_a(), Machine::offline());
    a.write_shell(name, expression);
    let script = format!(
        "cd ~/fixtures/shells/{name}\n{make}\nshellpack create {words} -o ~/{name}.shellpack"
    );
    a.sh(&script).succeeds();
    b.receive(&a.home(&format!("{name}.shellpack")), "x.shellpack");
    b
}

impl Machine {
    /// Runs shellpack with these words; the shell that it enters says hello.
    #[track_caller]
    pub(crate) fn greets(&self, words: &str) -> Outcome {
        let outcome = self.shellpack(&format!("{words} {PRINT}"));
        outcome.succeeds().prints(MESSAGE)
    }
}

/// The shell of `x.shellpack` says hello.
#[track_caller]
pub(crate) fn arrives(b: &Machine) {
    b.greets("open x.shellpack");
}

/// The line to type that `open` prints with these words.
#[track_caller]
pub(crate) fn line_to_enter(b: &Machine, words: &str) -> String {
    let outcome = b.shellpack(&format!("open x.shellpack --no-shell {words}"));
    let said = outcome.succeeds().stderr;
    let start = "to enter by hand: ";
    let line = said.lines().find_map(|line| line.strip_prefix(start));
    line.unwrap().to_owned()
}

/// The line that `open` prints works as it is.
#[track_caller]
pub(crate) fn by_hand(b: &Machine, words: &str) {
    let line = line_to_enter(b, words);
    // nix-shell has nothing to complain of.
    b.runs(&format!("{line} {PRINT}"))
        .never_says("error")
        .prints(MESSAGE);
}

/// The line that `open` prints enters a shell with this message.
#[track_caller]
pub(crate) fn enters_by_hand(b: &Machine, message: &str) {
    let line = line_to_enter(b, "");
    b.runs(&format!("{line} {PRINT}")).prints(message);
}
