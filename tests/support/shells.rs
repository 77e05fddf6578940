//! Shells that say hello: how they are packed, and that they arrive.

use super::bundles::machine_a;
use super::machine::Machine;

/// For a script: prints the message of the shell.
pub(crate) const PRINT: &str = r#"--run 'echo "$MESSAGE"'"#;

/// What the shells of these tests say.
pub(crate) const MESSAGE: &str = "Hello, world!";

/// The part of a shell that says hello.
pub(crate) const HELLO: &str =
    r#"packages = [ pkgs.hello ]; shellHook = ''export MESSAGE="$(hello)"'';"#;

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

pub(crate) fn arrives(b: &Machine) {
    b.shellpack(&format!("open x.shellpack {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

/// The line that `open` prints works as it is.
pub(crate) fn by_hand(b: &Machine, words: &str) {
    let outcome = b.shellpack(&format!("open x.shellpack --no-shell {words}"));
    let said = outcome.succeeds().stderr;
    let line = said
        .lines()
        .find_map(|line| line.strip_prefix("to enter by hand: "));
    b.sh(&format!("{} {PRINT}", line.unwrap()))
        .succeeds()
        .prints(MESSAGE);
}

/// What `open` prints to type is typed.
pub(crate) fn enters_by_hand(b: &Machine, message: &str) {
    let said = b.shellpack("open x.shellpack --no-shell").succeeds().stderr;
    let line = said
        .lines()
        .find_map(|line| line.strip_prefix("to enter by hand: "));
    b.sh(&format!("{} {PRINT}", line.unwrap()))
        .succeeds()
        .prints(message);
}
