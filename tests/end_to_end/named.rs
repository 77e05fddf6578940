//! Store paths that a shell's variables name as mere text, without the context that Nix goes by.

use crate::support::flakes::flake_packed;
use crate::support::shells::{MESSAGE, packed};
use crate::support::{Machine, machine_a};

/// A shell that names a program of a package that A has built.
const SHELL: &str = r#"let hello = builtins.unsafeDiscardStringContext "${pkgs.hello}/bin/hello"; in
pkgs.mkShell {
  packages = [ pkgs.busybox ];
  TOOL = hello;
  shellHook = "greet() { ${hello}; }";
}"#;
const BUILD: &str = "nix-build --no-out-link -E 'with import <nixpkgs> { }; hello' \
    -I nixpkgs=$HOME/fixtures/nixpkgs > /dev/null";

fn greets(b: &Machine, words: &str) {
    for run in ["$TOOL", "greet"] {
        b.shellpack(&format!("open x.shellpack {words} --run '{run}'"))
            .succeeds()
            .prints(MESSAGE);
    }
}

#[test]
fn a_path_that_is_named_as_text_is_carried() {
    greets(
        &packed("named", &SHELL.replace("pkgs.busybox", ""), BUILD, ""),
        "",
    );
}

#[test]
fn a_path_that_is_named_as_text_is_carried_without_evaluation() {
    let b = packed(
        "named-no-eval",
        &SHELL.replace("pkgs.busybox", ""),
        BUILD,
        "--no-eval",
    );
    greets(&b, "");
}

/// The end of a sentence, a query and a list are not part of the name.
#[test]
fn the_end_of_a_name_is_found() {
    let shell = r#"let hello = builtins.unsafeDiscardStringContext "${pkgs.hello}"; in
      pkgs.mkShell { URL = "path:${hello}?x=1"; NOTE = "It is ${hello}."; }"#;
    let b = packed("named-ends", shell, BUILD, "");
    b.shellpack("open x.shellpack --run 'from=${URL#path:}; ${from%?x=1}/bin/hello'")
        .succeeds()
        .prints(MESSAGE);
}

/// It is missing on A, too; the shell's own output is always named, and never needed.
#[test]
fn a_path_that_is_not_valid_is_named() {
    let a = machine_a();
    let missing = format!("/nix/store/{}-gone", "0".repeat(32));
    let shell = format!("pkgs.mkShell {{ GONE = \"{missing}/bin/x\"; }}");
    a.write_shell("named-gone", &shell);
    let outcome = a.shellpack("create fixtures/shells/named-gone -o named-gone.shellpack");
    let warning = format!("warning: the variable GONE names {missing}, which is not in the store");
    let outcome = outcome.succeeds().says(&warning);
    assert_eq!(outcome.stderr.matches("warning").count(), 1, "{outcome}");
}

/// `toString` gives a path without context.
#[test]
fn a_flakes_own_source_is_carried() {
    let shell = "pkgs.mkShell { shellHook = \". ${toString ./hook.sh}\"; }";
    let prepare = "echo \"export MESSAGE='Hello, world!'\" > hook.sh; git add .";
    for (name, words) in [("own-source", ""), ("own-source-no-eval", "--no-eval")] {
        let b = flake_packed(name, shell, prepare, &format!(".# {words}"));
        b.greets("open x.shellpack");
    }
}
