//! Packing again: segments that have not changed are taken over, and the bytes are the same.

use std::fs;

use crate::support::Machine;

/// A machine with a shell of several segments, whose bundle is `first.shellpack`.
fn with_large_shell(name: &str) -> Machine {
    let a = Machine::online();
    a.write_shell(
        name,
        r#"let
  # Numbers of so many million, which shrink to a third.
  numbers = name: from: pkgs.runCommand name { } "seq ${from}000000 ${from}9000000 > $out";
in pkgs.mkShell {
  packages = [ pkgs.hello ];
  NUMBERS = [ (numbers "a" "1") (numbers "b" "2") (numbers "c" "3") ];
  MESSAGE = "v1";
}"#,
    );
    pack(&a, name, "first", "");
    a
}

fn pack(a: &Machine, name: &str, file: &str, words: &str) -> String {
    pack_at(a, name, file, "fast", words)
}

fn pack_at(a: &Machine, name: &str, file: &str, level: &str, words: &str) -> String {
    let script = format!(
        "cd ~/fixtures/shells/{name}; shellpack create -o ~/{file}.shellpack --level {level} {words}"
    );
    a.runs(&script).stderr
}

fn digest(a: &Machine, file: &str) -> String {
    a.runs(&format!("sha256sum < {file}.shellpack")).text()
}

fn edit(a: &Machine, name: &str) {
    a.runs(&format!(
        "sed -i s/v1/v2/ ~/fixtures/shells/{name}/shell.nix"
    ));
}

/// What is damaged shows whether it was read: a segment that is taken over is not compressed, and comes
/// with all of its bytes.
#[test]
fn what_is_taken_over_has_the_bytes_that_it_would_have_anew() {
    let name = "again-same";
    let a = with_large_shell(name);
    edit(&a, name);
    pack(&a, name, "anew", "");
    pack(&a, name, "again", "--reuse ~/first.shellpack");
    assert_eq!(digest(&a, "anew"), digest(&a, "again"));
    // The bundle that is replaced serves, too.
    pack(&a, name, "first", "--force");
    assert_eq!(digest(&a, "anew"), digest(&a, "first"));
    a.shellpack("verify again.shellpack").succeeds();
}

#[test]
fn another_level_is_compressed_anew() {
    let name = "again-level";
    let a = with_large_shell(name);
    let said = pack_at(&a, name, "small", "5", "--reuse ~/first.shellpack");
    assert!(
        said.contains("first.shellpack was compressed in another way"),
        "{said}"
    );
    pack_at(&a, name, "anew", "5", "");
    assert_eq!(digest(&a, "anew"), digest(&a, "small"));
}

/// A bundle that cannot be read is no obstacle: nothing of it is needed.
#[test]
fn a_damaged_bundle_is_passed_over() {
    let name = "again-damaged";
    let a = with_large_shell(name);
    let whole = digest(&a, "first");
    let file = a.home("first.shellpack");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(a.home("flipped.shellpack"), &bytes).unwrap();
    fs::write(a.home("cut.shellpack"), &bytes[..middle]).unwrap();
    fs::write(a.home("other.shellpack"), "no bundle").unwrap();
    for (number, damaged) in ["flipped", "cut", "other", "missing"].iter().enumerate() {
        let to = format!("again-{number}");
        pack(&a, name, &to, &format!("--reuse ~/{damaged}.shellpack"));
        assert_eq!(digest(&a, &to), whole, "{damaged}");
    }
}
