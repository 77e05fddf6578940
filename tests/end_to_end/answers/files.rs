//! Files that evaluation looks for or lists: on the machine, and in the project.

use super::{inspected, saying};
use crate::support::shells::{HELLO, MESSAGE, PRINT, arrives, packed};
use crate::support::{Machine, machine_a};

/// Packs a shell with a package of this text, and returns what `create` says.
fn created(name: &str, text: &str, make: &str) -> (Machine, String) {
    let a = machine_a();
    let package = saying(text);
    a.write_shell(
        name,
        &format!("pkgs.mkShell {{ {HELLO} FOUND = [ ({package}) ]; }}"),
    );
    let script =
        format!("cd ~/fixtures/shells/{name}\n{make}\nshellpack create -o ~/{name}.shellpack");
    let said = a.sh(&script).succeeds().stderr;
    let b = Machine::offline_of_a_user();
    b.receive(&a.home(&format!("{name}.shellpack")), "x.shellpack");
    (b, said)
}

/// The shell says on B what it said on A.
#[track_caller]
fn finds(b: &Machine, expected: &str) {
    b.shellpack("open x.shellpack --dir there --run '$FOUND/bin/say'")
        .succeeds()
        .prints(expected);
}

#[test]
fn files_of_the_home_directory_are_there_or_not_as_on_a() {
    let text = r#"let home = builtins.getEnv "HOME"; at = file: if builtins.pathExists (home + file) then "yes" else "no";
in at "/.probed" + at "/.not-there" + builtins.toJSON (builtins.readDir (home + "/probed"))"#;
    let make = "touch ~/.probed; mkdir ~/probed; touch ~/probed/marked";
    let (b, said) = created("probes", &format!("({text})"), make);
    for words in [
        "/root/.probed is there",
        "/root/.not-there is not there",
        "/root/probed is listed",
    ] {
        assert!(said.contains(words), "{said}");
    }
    // There it is the other way round.
    b.sh("touch .not-there").succeeds();
    finds(&b, "yesno{marked:regular}");
    inspected(&b)
        .shows("of the machine: ~/.probed is there")
        .shows("of the machine: ~/.not-there is not there");
}

#[test]
fn the_machines_own_files_are_there_as_on_a() {
    let text = r#"(if builtins.pathExists /tmp/probed then "yes" else "no")"#;
    let (b, said) = created("machine-probes", text, "touch /tmp/probed");
    assert!(said.contains("/tmp/probed is there"), "{said}");
    finds(&b, "yes");
}

/// As nixpkgs offers its builtins: `lib.pathExists`.
#[test]
fn files_that_the_project_looks_for_by_nixpkgs_are_there_as_on_a() {
    let text = r#"(if pkgs.lib.pathExists /tmp/looked-for then "yes" else "no") + builtins.toJSON (pkgs.lib.readDir /tmp/listed-by-lib)"#;
    let make = "touch /tmp/looked-for; mkdir -p /tmp/listed-by-lib; touch /tmp/listed-by-lib/x";
    let (b, said) = created("lib-probes", &format!("({text})"), make);
    for words in ["/tmp/looked-for is there", "/tmp/listed-by-lib is listed"] {
        assert!(said.contains(words), "{said}");
    }
    finds(&b, "yes{x:regular}");
    let text = r#"(if pkgs.lib.pathExists /tmp/not-looked-for then "yes" else "no")"#;
    let (b, said) = created("lib-probes-nothing", text, "");
    assert!(said.contains("/tmp/not-looked-for is not there"), "{said}");
    b.runs(
        "touch /tmp/not-looked-for; shellpack open x.shellpack --dir there --run '$FOUND/bin/say'",
    )
    .prints("no");
}

/// A check that makes no difference is nothing to carry, nor to tell.
#[test]
fn a_probe_of_no_effect_is_not_carried() {
    let text = r#"(if builtins.pathExists /tmp/unprobed then "same" else "same")"#;
    let (b, said) = created("no-probes", text, "");
    assert!(!said.contains("/tmp/unprobed"), "{said}");
    finds(&b, "same");
    b.sh("tar -xOf x.shellpack manifest.toml | grep '^\\[answers'")
        .exits_with(1);
}

/// The home directory does not become the project because of a file in it.
#[test]
fn a_probe_beside_the_project_leaves_the_root_where_it_is() {
    let text = r#"(if builtins.pathExists ../beside && builtins.pathExists ../../../.gitconfig then "yes" else "no")"#;
    let (b, _) = created(
        "rooted",
        text,
        "printf '[secret-of-a]\\n\\tx = y\\n' | tee ../beside > ~/.gitconfig",
    );
    finds(&b, "yes");
    b.sh("ls there; grep -rq secret-of-a there")
        .exits_with(1)
        .prints("shell.nix");
}

/// Names of a listing arrive, and contents only of what is read.
#[test]
fn what_is_only_listed_is_not_carried() {
    let text = "toString (builtins.attrNames (builtins.readDir ./.) ++ builtins.attrNames (builtins.readDir ./empty))";
    let make =
        "echo secret-of-a > .env; mkdir empty node_modules; echo x > node_modules/x; mkfifo pipe";
    let (b, said) = created("listing", &format!("({text})"), make);
    assert!(
        said.contains("only their names are carried: .env, node_modules, pipe"),
        "{said}"
    );
    finds(&b, ".env empty node_modules pipe shell.nix");
    b.sh("ls -A there").succeeds().prints("empty\nshell.nix");
    inspected(&b).shows("3 files of the project by name only:");
}

/// As everywhere, a new file takes effect, and the others stay.
#[test]
fn a_new_file_is_listed_with_the_others() {
    let shell =
        format!("pkgs.mkShell {{ {HELLO} NAMES = builtins.attrNames (builtins.readDir ./.); }}");
    let b = packed("listed-later", &shell, "touch core", "");
    b.shellpack("open x.shellpack --run 'echo $NAMES'")
        .succeeds()
        .prints("core shell.nix");
    b.sh("cd listed-later; touch new; shellpack enter --run 'echo $NAMES'")
        .succeeds()
        .prints("core new shell.nix");
}

/// A hook reads one of the files, so that this one is carried, and another above the shell's
/// directory, so that the project begins there.
#[test]
fn a_listed_file_that_the_hook_reads_is_carried() {
    let a = machine_a();
    let shell = r#"pkgs.mkShell {
  SAY = [ (pkgs.writeShellScriptBin "say" (toString (builtins.attrNames (builtins.readDir ./.)))) ];
  shellHook = ''read MESSAGE < ./words; read MORE < ../more'';
}"#;
    a.write_shell("hook-lists/env", shell);
    a.sh(
        "cd fixtures/shells/hook-lists; git init -q; echo 'Hello, world!' > env/words; echo more > more
touch env/core; git add .; cd env; shellpack create -o ~/hook-lists.shellpack",
    )
    .succeeds();
    let b = Machine::offline();
    b.receive(&a.home("hook-lists.shellpack"), "x.shellpack");
    b.shellpack("open x.shellpack --dir there --run 'echo $MESSAGE $MORE'")
        .succeeds()
        .prints("Hello, world! more");
    b.sh("cd there; ls -A . env")
        .succeeds()
        .prints(".:\nenv\nmore\n\nenv:\nshell.nix\nwords");
    inspected(&b).shows("env/core");
}

/// By nixpkgs' code, as by `lib.fileset`, which insists on files that it leaves out.
#[test]
fn files_that_others_look_for_need_not_be_carried() {
    let shell = format!(
        r#"let without = import (builtins.toFile "without.nix" ''
  dir: file: assert builtins.pathExists file; builtins.path {{
    path = dir; name = "source"; filter = path: _: path != toString file;
  }}
''); in pkgs.mkShell {{ {HELLO} src = without ./. ./core; }}"#
    );
    let b = packed("without", &shell, "echo secret-of-a > core; touch kept", "");
    arrives(&b);
    b.shellpack("open x.shellpack --run 'ls $src; ls'")
        .succeeds()
        .prints("kept\nshell.nix\nkept\nshell.nix");
}

/// Where nothing depends on it, no file is even named.
#[test]
fn a_listing_of_no_effect_is_not_carried() {
    let shell = r#"let
  isNix = name: builtins.match ".*\\.nix" name != null && name != "shell.nix";
  files = builtins.filter isNix (builtins.attrNames (builtins.readDir ./.));
in pkgs.mkShell { MESSAGE = builtins.concatStringsSep "" (map (file: import (./. + "/${file}")) files); }"#;
    let make = "echo secret-of-a > .env; echo '\"Hello, \"' > a.nix; echo '\"world!\"' > b.nix";
    let b = packed("modules", shell, make, "");
    arrives(&b);
    b.sh("ls -A modules; tar -xOf x.shellpack manifest.toml | grep '^needs'")
        .succeeds()
        .prints("a.nix\nb.nix\nshell.nix\nneeds = []");
    // An edit takes effect.
    b.sh(&format!(
        "cd modules; echo '\" And more.\"' > c.nix; shellpack enter {PRINT}"
    ))
    .succeeds()
    .prints(&format!("{MESSAGE} And more."));
}
