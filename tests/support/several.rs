//! Several shells in one bundle; each prints which one it is.

use serde_json::Value;

use super::bundles::machine_a;
use super::machine::Machine;
use super::shells::MESSAGE;

/// Makes a shell of these tests print which one it is.
pub(crate) const WHICH: &str = "--run 'echo \"$WHICH\"'";

/// A shell that says hello, has a tool of its own, and has these lines.
pub(crate) fn shell(which: &str, lines: &str) -> String {
    let tool = format!("(pkgs.runCommand \"tool-of-{which}\" {{ }} \"mkdir $out\")");
    format!(
        "pkgs.mkShell {{ WHICH = \"{which}\"; packages = [ pkgs.hello {tool} ]; shellHook = ''export MESSAGE=\"$(hello)\"''; {lines} }}"
    )
}

/// Writes shells `a` and `tools/b` of a project on machine A.
pub(crate) fn write_pair(name: &str, lines: [&str; 2]) {
    let a = machine_a();
    a.write_shell(&format!("{name}/a"), &shell("a", lines[0]));
    a.write_shell(&format!("{name}/tools/b"), &shell("b", lines[1]));
}

/// Packs the shells of a project with these words, after a script in its directory.
pub(crate) fn packed(name: &str, make: &str, words: &str) -> Machine {
    let (a, b) = (machine_a(), Machine::offline());
    a.sh(&format!(
        "cd ~/fixtures/shells/{name}\n{make}\nshellpack create {words} -o ~/{name}.shellpack"
    ))
    .succeeds();
    b.receive(&a.home(&format!("{name}.shellpack")), "x.shellpack");
    b
}

/// Packs shells `a` and `tools/b` of a project of this name.
pub(crate) fn packed_pair(name: &str, words: &str) -> Machine {
    write_pair(name, ["", ""]);
    packed(name, "", &format!("a tools/b/shell.nix {words}"))
}

/// The manifest of a bundle, as `inspect --json` prints it.
pub(crate) fn inspected(machine: &Machine, bundle: &str) -> Value {
    let json = machine.shellpack(&format!("inspect --json {bundle}"));
    serde_json::from_str(&json.succeeds().stdout).unwrap()
}

/// Names of the store paths of a bundle, without the text of derivations, which differs.
pub(crate) fn carried(bundle: &Value) -> Vec<&str> {
    let paths = bundle["closure"]["paths"].as_array().unwrap().iter();
    let paths = paths.map(|path| path["path"].as_str().unwrap());
    let mut paths: Vec<_> = paths
        .filter(|path| !path.ends_with("-shell-derivations"))
        .collect();
    paths.sort_unstable();
    paths
}

/// Every shell is the one that it is called, however it is entered.
#[track_caller]
pub(crate) fn arrive(b: &Machine, ways: &[&str]) {
    for (name, which) in [("a", "a"), ("tools/b", "b")] {
        for way in ways {
            b.shellpack(&format!(
                "open x.shellpack --shell {name} {way} --run 'echo \"$WHICH, $MESSAGE\"'"
            ))
            .succeeds()
            .prints(&format!("{which}, {MESSAGE}"));
        }
    }
}

/// The lines that `open` prints work as they are, also when all have been printed.
#[track_caller]
pub(crate) fn by_hand(b: &Machine, shells: &[(&str, &str)]) {
    let said = b.shellpack("open x.shellpack --no-shell").succeeds().stderr;
    for (name, which) in shells {
        let start = format!("to enter {name} by hand: ");
        let line = said.lines().find_map(|line| line.strip_prefix(&start));
        b.sh(&format!("{} {WHICH}", line.unwrap()))
            .succeeds()
            .prints(which);
    }
}
