//! Everything that nix-shell takes as a file.

use crate::support::classes::Class;
use crate::support::shells::MESSAGE;
use crate::support::{Machine, machine_a};

/// Prints arrays and functions of `setup`, and attributes with unusual characters.
const DECLARED: &str = r#"--run 'printf "<%s>" "${list[@]}" "$PERCENT" "$IN_SHELL" "$(describe)" "${DROPPED-}" "${NIX_ATTRS_SH_FILE-}" "${NIX_ATTRS_JSON_FILE-}"; echo; [[ -n $stdenv ]]; echo "$MESSAGE"'"#;

/// Arrays keep their elements; another setting has no influence on a file that is named.
#[test]
fn declarations_are_there_in_every_way() {
    let declared = Class {
        name: "suite-declared",
        directory: "own-stdenv",
        make: "export NIX_CONFIG='nix-shell-always-looks-for-shell-nix = false'",
        words: "shell.nix -A shell",
    };
    let b = declared.enters_alike(&[
        &format!("ENTER {DECLARED}"),
        &format!("(export DROPPED=mine; ENTER --pure {DECLARED})"),
        &format!("(export DROPPED=mine; ENTER --pure --keep DROPPED {DECLARED})"),
    ]);
    for pure in ["", "--pure"] {
        let evaluated = b.shellpack(&format!("open x.shellpack {pure} {DECLARED}"));
        let evaluated = evaluated.succeeds().shows("<1><2><3 4><x\ny><").text();
        b.shellpack(&format!("open x.shellpack --no-eval {pure} {DECLARED}"))
            .succeeds()
            .prints(&evaluated);
    }
}

/// Input reaches the command, and its output goes down the pipe.
#[test]
fn commands_have_the_standard_input_of_the_user() {
    let b = Machine::offline();
    b.receive(&crate::support::bundle("blog"), "x.shellpack");
    for way in ["", "--no-eval"] {
        b.sh(&format!(
            "echo piped | shellpack open x.shellpack {way} --run cat | cat"
        ))
        .succeeds()
        .prints("piped");
    }
}

/// A shell file that can be executed, below a directory with a shell file that nobody wants.
#[test]
fn an_executable_file_is_the_shell_wherever_it_is_named() {
    let make = r#"mkdir -p ../suite-marco/polo; cd ../suite-marco; cp ../own-stdenv/shell.nix polo/own.nix
echo 'abort "this one was not named"' > shell.nix
{ echo '#!/usr/bin/env nix-shell'; echo '(import ./own.nix { }).shell'; } > polo/default.nix
chmod +x polo/default.nix"#;
    let named = Class {
        name: "suite-marco",
        directory: "own-stdenv",
        make,
        words: "polo/default.nix",
    };
    // By `-E`, since nix-shell takes what follows the name of such a file for the file's own.
    let (a, b) = (machine_a(), Machine::offline());
    let script = format!(
        "cd fixtures/shells/own-stdenv\n{make}\nshellpack create {} --name {1} -o ~/{1}.shellpack >&2\nexport NIX_BUILD_SHELL=bash; nix-shell -E 'import ./polo/default.nix' --run 'echo $out; greet'",
        named.words, named.name
    );
    let here = a.sh(&script).succeeds().text();
    b.receive(&a.home("suite-marco.shellpack"), "x.shellpack");
    for way in ["", "--no-eval", "--pure"] {
        b.shellpack(&format!("open x.shellpack {way} --run 'echo $out; greet'"))
            .succeeds()
            .prints(&here);
    }
}

/// A link leads to it, with the extension or without. The hint leads to a bundle of it, and a shell
/// that asks whether it is one has the answer of the derivation.
#[test]
fn derivations_are_refused_with_a_way_to_pack_them() {
    let a = machine_a();
    a.runs(
        "mkdir suite-derivation; cd suite-derivation
for link in x.drv link; do nix-instantiate ../fixtures/shells/own-stdenv/shell.nix -A shell --indirect --add-root $PWD/$link; done",
    );
    let path = a.runs("readlink suite-derivation/link").text();
    let path = path.split('!').next().unwrap();
    let import = format!("shellpack create -E 'import {path}' --no-eval");
    for named in ["x.drv", "link", path] {
        a.sh(&format!("cd suite-derivation; shellpack create {named}"))
            .exits_with(1)
            .says(&format!(
                "could not pack {named}: it is a derivation, not a shell file"
            ))
            .says("hint: pack the shell file that it was made from: shellpack create FILE\n")
            .says(&format!(
                "or pack it as it is, without evaluation on the target: {import}"
            ));
    }
    let print = "--run 'echo $out $IN_SHELL; greet'";
    let here = a.runs(&format!(
        "{import} --name suite-derivation -o ~/suite-derivation.shellpack >&2
export NIX_BUILD_SHELL=bash; nix-shell {path} {print}"
    ));
    let b = Machine::offline();
    b.receive(&a.home("suite-derivation.shellpack"), "x.shellpack");
    let there = b.shellpack(&format!("open x.shellpack {print}")).succeeds();
    let there = there.shows(&format!(" no\n{MESSAGE}"));
    assert_eq!(there.text(), here.text());
}

#[test]
fn a_place_without_a_shell_file_is_refused() {
    let a = machine_a();
    a.runs("mkdir suite-empty");
    for words in ["", "../suite-empty"] {
        a.sh(&format!("cd suite-empty; shellpack create {words}"))
            .exits_with(1)
            .says("could not find a shell to pack: there is no shell.nix or default.nix in /root/suite-empty")
            .says("hint: name the file: shellpack create path/to/shell.nix");
    }
    a.sh("cd suite-empty; shellpack create -I here=.. '<here/suite-empty>'")
        .exits_with(1)
        .says("/suite-empty/default.nix");
}

/// Their outputs have no path before they are built, so a shell of them cannot be the same elsewhere.
#[test]
fn content_addressed_derivations_are_refused() {
    let a = machine_a();
    a.write(
        "suite-content/shell.nix",
        r#"let content = attrs: derivation ({
  system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo > $out" ];
  __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256";
} // attrs); in content { name = "suite-content"; input = content { name = "suite-input"; }; }"#,
    );
    let enable = "export NIX_CONFIG='experimental-features = ca-derivations'";
    a.sh(&format!("cd suite-content; {enable}; shellpack create"))
        .exits_with(1)
        .says("could not pack /nix/store/")
        .says("is known only after a build (content-addressed derivations)");
}
