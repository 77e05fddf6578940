//! Targets that no update can be made for.

use crate::support::shells::packed as packed_shell;
use crate::support::{Machine, machine_a};

#[test]
fn a_file_that_is_no_base_is_refused_before_anything_is_built() {
    let a = machine_a();
    a.write_shell("updates-refused", "pkgs.mkShell { }");
    a.write("not-a-base", "PK");
    a.write("not-a-manifest", "# something\n");
    let create = |words: &str| {
        a.sh(&format!(
            "cd ~/fixtures/shells/updates-refused; shellpack create -o ~/never.shellpack {words}"
        ))
    };
    create("--for ~/not-a-base")
        .exits_with(1)
        .says("could not read /root/not-a-base")
        .says("it is not an inventory of shellpack");
    create("--base ~/not-a-base")
        .exits_with(1)
        .says("it is not a shellpack bundle");
    create("--base ~/not-a-manifest")
        .exits_with(1)
        .says("its manifest is damaged");
    create("--base ~/missing")
        .exits_with(1)
        .says("could not open");
    a.runs("test ! -e never.shellpack");
}

/// An older shellpack says by name that it does not know updates.
#[test]
fn an_update_announces_itself() {
    let b = packed_shell(
        "updates-need",
        "pkgs.mkShell { }",
        "shellpack create -o ~/need-1.shellpack",
        "--base ~/need-1.shellpack",
    );
    let manifest = b.runs("tar -xOf x.shellpack manifest.toml").text();
    assert!(manifest.contains("needs = [\"delta\"]"), "{manifest}");
    b.runs("test -z \"$(tar -tf x.shellpack | grep ^closure/)\"");
    let other = Machine::offline();
    drop(other);
}
