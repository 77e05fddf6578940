//! Targets that no update can be made for.

use crate::support::shells::packed as packed_shell;
use crate::support::{Machine, machine_a};

#[test]
fn a_file_that_is_no_base_is_refused_before_anything_is_built() {
    let a = machine_a();
    a.write_shell("updates-refused", "pkgs.mkShell { }");
    a.write("not-a-base", "PK");
    a.write("not-a-manifest", "# something\n");
    a.write("damaged.toml", "# A shellpack bundle: x\n");
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
        .says("it is not a shellpack bundle");
    create("--base ~/damaged.toml")
        .exits_with(1)
        .says("its manifest is damaged")
        .says("hint: copy it again, or print it again: shellpack inspect --manifest BUNDLE\n");
    create("--base ~/missing")
        .exits_with(1)
        .says("could not open");
    a.runs("test ! -e never.shellpack");
}

/// Only the first file after `--base` or `--for` belongs to it.
#[test]
fn a_bundle_is_no_shell_file() {
    let a = machine_a();
    a.write_shell("updates-shell-file", "pkgs.mkShell { }");
    for (file, content, is, hint) in [
        (
            "s.shellpack",
            "manifest.toml",
            "a bundle",
            "each bundle needs its own --base: --base",
        ),
        (
            "s.toml",
            "# A shellpack bundle: x\n",
            "the manifest of a bundle",
            "each bundle needs its own --base: --base",
        ),
        (
            "s.spi",
            "# shellpack inventory 1\n",
            "an inventory",
            "each inventory needs its own --for: --for",
        ),
    ] {
        a.write(file, content);
        a.sh(&format!("cd ~/fixtures/shells/updates-shell-file; exec shellpack create . ~/{file} -o ~/never.shellpack"))
            .exits_with(1)
            .says(&format!("/{file}: it is {is}, not a shell file\n\nhint: for an update, {hint} "))
            .says(&format!("/{file}\n"));
    }
}

#[test]
fn a_list_of_paths_says_where_it_serves() {
    let b = Machine::offline();
    b.write("x.toml", "# A shellpack bundle: x\n");
    b.write("x.spi", "# shellpack inventory 1\n");
    for (file, option, is) in [
        (
            "x.toml",
            "base",
            "the manifest of a bundle; make an update of that",
        ),
        ("x.spi", "for", "an inventory; make an update for it"),
    ] {
        for (words, code) in [("inspect", 1), ("verify", 1), ("open", 125)] {
            b.shellpack(&format!("{words} {file}"))
                .exits_with(code)
                .says("it is not a shellpack bundle\n")
                .says(&format!("hint: it is {is}: shellpack create --{option} {file}; or compare it: shellpack diff {file} BUNDLE\n"));
        }
    }
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
