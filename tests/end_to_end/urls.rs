//! The URL of a tarball in place of a file, as nix-shell takes it.

use crate::support::{Machine, machine_a};

/// Packs a URL, and opens it on a machine without the tarball.
fn arrives(words: &str, run: &str) -> String {
    let (a, b) = (machine_a(), Machine::offline());
    a.sh(&format!("shellpack create {words} -o x.shellpack"))
        .succeeds()
        .shows("entered nix-shell");
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    b.sh(&format!("shellpack open x.shellpack --run '{run}'"))
        .succeeds()
        .text()
}

#[test]
fn an_attribute_of_a_tarball() {
    let said = arrives(
        "file://$HOME/fixtures/nixpkgs.tar.gz -A hello",
        r#"echo "$name" $(basename "$PWD")"#,
    );
    assert_eq!(said, "hello-2.10 nixpkgs");
}

#[test]
fn the_file_that_nix_shell_takes() {
    let a = machine_a();
    a.write("tree/t/default.nix", "{ which ? \"none\" }: derivation { name = \"default-${which}\"; system = builtins.currentSystem; builder = \"/bin/sh\"; }");
    a.write(
        "tree/t/shell.nix",
        "derivation { name = \"shell\"; system = builtins.currentSystem; builder = \"/bin/sh\"; }",
    );
    let script = "mkdir urls; cd urls; tar -C ../tree -czf t.tar.gz t; url=file://$PWD/t.tar.gz
        nix-shell --run 'echo $name' --argstr which its $url > t.plain
        shellpack create --argstr which its $url -o t.shellpack
        shellpack rehearse t.shellpack --run 'echo $name' > t.ours; diff t.plain t.ours >&2; cat t.ours";
    a.sh(script).succeeds().shows("entered nix-shell");
}

#[test]
fn a_flake_without_a_hash_sign_has_a_hint() {
    Machine::online()
        .shellpack("create github:owner/name")
        .exits_with(1)
        .says("hint: pack it as a flake: shellpack create --flake github:owner/name");
}
