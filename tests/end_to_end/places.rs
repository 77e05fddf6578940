//! The places of files: a shell may name that of its directory, of its files, and of the store.

use crate::support::machine_a;
use crate::support::shells::{HELLO, MESSAGE, arrives, packed};

/// A rehearsal has the directory that `open` makes.
#[test]
fn a_shell_that_is_called_as_its_directory_arrives() {
    let shell = format!(
        "pkgs.mkShell {{ name = \"${{baseNameOf ./.}}-env\"; {HELLO} SAY = [ (pkgs.writeShellScriptBin (baseNameOf ./.) \"echo hi\") ]; }}"
    );
    let b = packed("named-place", &shell, "", "");
    arrives(&b);
    b.shellpack("open x.shellpack --run 'echo $name; $SAY/bin/named-place'")
        .succeeds()
        .prints("named-place-env\nhi");
}

/// As home-manager, lorri and others make them. The store path is carried, and nothing is copied.
#[test]
fn a_link_into_the_store_that_evaluation_follows_arrives() {
    let make = format!(
        "mkdir linked-place; echo '\"{MESSAGE}\"' > linked-place/default.nix; echo '[ ]' > linked-place/none.nix
path=$(nix-store --add linked-place); rm -r linked-place; ln -s $path one; ln -s $path/ two; ln -s one three"
    );
    let shell = r#"assert import ./one == import ./two; assert import (./three + "/default.nix") == import ./one;
pkgs.mkShell { MESSAGE = import ./one; NONE = import ./three/none.nix; TEXT = builtins.readFile ./two/default.nix; }"#;
    let b = packed("linked-place", shell, &make, "");
    arrives(&b);
    b.runs("cd linked-place; ls; readlink one three | cut -d- -f2-")
        .prints("one\nshell.nix\nthree\ntwo\nlinked-place\none");
}

#[test]
fn an_input_that_is_made_of_the_place_says_how_to_pack_it() {
    let a = machine_a();
    let say = r#"pkgs.writeShellScriptBin "say" "cat ${toString ./data}""#;
    a.write_shell(
        "place-in-input",
        &format!("pkgs.mkShell {{ {HELLO} SAY = [ ({say}) ]; }}"),
    );
    let create =
        "cd fixtures/shells/place-in-input; shellpack create -o ~/place-in-input.shellpack";
    a.sh(create)
        .exits_with(1)
        .says("would still have to be built or fetched")
        .says("hint: an input contains the place of the project's directory")
        .says("without evaluation on the target: --no-eval");
    a.sh(&format!("{create} --no-eval")).succeeds();
}

/// The target has the project in another place.
#[test]
fn a_file_of_the_project_that_is_named_by_its_place_is_refused() {
    let a = machine_a();
    let create = |name: &str, path: &str| {
        a.write_shell(name, &format!("pkgs.mkShell {{ X = import {path}; }}"));
        a.sh(&format!(
            "cd fixtures/shells/{name}; echo 1 > ~/place-common.nix; echo 1 > common.nix
shellpack create -o ~/{name}.shellpack"
        ))
        .exits_with(1)
        .never_says("so that the project begins at")
    };
    create("place-of-home", "~/place-common.nix")
        .says("shell.nix: it names a file of the project by its place on this machine, ~/place-common.nix\n")
        .says("hint: write ../../../place-common.nix there\n");
    create(
        "place-of-root",
        "/root/fixtures/shells/place-of-root/common.nix",
    )
    .says("hint: write ./common.nix there\n");
}

#[test]
fn a_file_above_the_shell_is_told_as_read_or_as_included() {
    let a = machine_a();
    a.write_shell("above-told", &format!("pkgs.mkShell {{ {HELLO} }}"));
    let create = |words: &str| {
        a.sh(&format!(
            "cd fixtures/shells/above-told; echo 1 > ../above.txt; shellpack create {words} -fo ~/above-told.shellpack"
        ))
        .succeeds()
    };
    create("--include ../above.txt")
        .says("warning: /root/fixtures/shells/above.txt is included, so that the project begins at /root/fixtures/shells;");
    a.write_shell(
        "above-told",
        &format!("pkgs.mkShell {{ {HELLO} X = builtins.readFile ../above.txt; }}"),
    );
    create("").says(
        "warning: evaluation reads /root/fixtures/shells/above.txt, so that the project begins at",
    );
    create("--no-eval").never_says("begins at");
}

/// A path in it would have no base directory.
#[test]
fn an_expression_may_have_a_text_that_looks_like_a_path() {
    let a = machine_a();
    a.sh("shellpack create -E 'import ./x.nix' -o ~/expression.shellpack")
        .exits_with(1)
        .says("a relative path in it has no base directory");
    a.sh(r#"shellpack create -E 'derivation { name = "x"; system = builtins.currentSystem; builder = "/bin/sh"; A = "see ./x"; B = "\n  ./run\n"; }' -o ~/expression.shellpack"#)
        .succeeds();
}
