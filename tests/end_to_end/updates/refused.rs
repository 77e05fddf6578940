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

/// The full bundle would be gone, and the update is nothing without it.
#[test]
fn an_update_does_not_replace_what_it_is_made_from() {
    let a = machine_a();
    a.write_shell("updates-over", "pkgs.mkShell { }");
    a.runs("cd ~/fixtures/shells/updates-over; shellpack create -o ~/over.shellpack");
    a.sh("cd ~/fixtures/shells/updates-over; shellpack create -o ~/../root/over.shellpack --base ~/over.shellpack --force")
        .exits_with(1)
        .says("over.shellpack: it belongs to the bundle being read")
        .says("choose another file: -o FILE");
    a.runs("shellpack verify over.shellpack");
}

/// A package that comes out differently each time, and that this machine has built again since.
#[test]
fn a_path_with_other_contents_on_the_target_is_refused() {
    let name = "updates-other";
    let a = Machine::online();
    let shell = |message: &str| {
        format!(
            r#"pkgs.mkShell {{
  DATA = pkgs.runCommand "noise-1" {{ }} "head -c 90000 /dev/urandom | od > $out";
  MESSAGE = "{message}";
}}"#
        )
    };
    a.write_shell(name, &shell("v1"));
    let create = |words: &str| {
        a.sh(&format!(
            "cd ~/fixtures/shells/{name}; shellpack create {words}"
        ))
    };
    create("-o ~/v1.shellpack").succeeds();
    a.runs("tar -xOf v1.shellpack manifest.toml > v1.toml");
    let b = Machine::offline();
    b.receive(&a.home("v1.shellpack"), "v1.shellpack");
    b.shellpack("open v1.shellpack --no-shell").succeeds();
    b.runs("shellpack inventory -o have.spi");
    a.receive(&b.home("have.spi"), "have.spi");
    a.write_shell(name, &shell("v2"));
    let path = a.runs("echo /nix/store/*-noise-1").text();
    a.runs(&format!("nix-store --delete --ignore-liveness {path}"));
    for base in [
        "--for ~/have.spi",
        "--base ~/v1.shellpack",
        "--base ~/v1.toml",
    ] {
        create(&format!("-o ~/u2.shellpack {base}"))
            .exits_with(1)
            .says(&format!("{path} has other contents there"))
            .says(&format!("nix-store --delete {path}"));
    }
    a.runs("test ! -e u2.shellpack");
    // The way that the hint tells.
    a.runs(&format!(
        "nix-store --delete {path}; shellpack open v1.shellpack --no-shell --dir old"
    ));
    create("-o ~/u2.shellpack --for ~/have.spi").succeeds();
    b.receive(&a.home("u2.shellpack"), "u2.shellpack");
    b.shellpack(&format!(
        "open u2.shellpack {}",
        crate::support::shells::PRINT
    ))
    .succeeds()
    .prints("v2");
}

#[test]
fn a_base_is_a_file() {
    let a = machine_a();
    a.write_shell("updates-piped", "pkgs.mkShell { }");
    a.runs("cd ~/fixtures/shells/updates-piped; shellpack create -o ~/piped.shellpack");
    a.sh("cd ~/fixtures/shells/updates-piped; shellpack create -o ~/never.shellpack --base - < ~/piped.shellpack")
        .exits_with(1)
        .says("could not make an update from standard input: the bundle must be in a file");
}
