//! A shell that evaluates to another derivation on B: the explanation, word for word.

use crate::support::shells::packed;
use crate::support::{Machine, Outcome};

/// A shell with a program that says what the machine is called.
const SAYS: &str = r#"let text = builtins.getEnv "HOSTNAME"; in
pkgs.mkShell { name = "says-shell"; packages = [ (pkgs.writeShellScriptBin "say" "echo ${text}") ]; }"#;

fn drifts(b: &Machine, script: &str) -> Outcome {
    let outcome = b.sh(&format!("{script} --run true"));
    let outcome = outcome.exits_with(125).never_says("building");
    outcome.says("could not enter the shell: here it evaluates to another derivation")
}

#[test]
fn a_variable_is_named() {
    let b = packed("drift-variable", SAYS, "", "");
    let outcome = drifts(&b, "HOSTNAME=hello shellpack open x.shellpack");
    outcome
        .says("  the difference is `text` of say, an input of says-shell:\n    in the bundle: ")
        .says(
            "  it contains the value of the environment variable HOSTNAME, which the shell reads\n",
        );
}

#[test]
fn an_input_that_comes_and_goes_is_named() {
    let shell = r#"let text = builtins.getEnv "HOSTNAME"; in
pkgs.mkShell { packages = [ (pkgs.writeShellScriptBin "say-${text}" "echo ${text}") ]; }"#;
    let b = packed("drift-input", shell, "", "");
    let outcome = drifts(&b, "HOSTNAME=other shellpack open x.shellpack").says("-say-other");
    outcome.says(
        "
  the difference is an input of nix-shell:
    in the bundle: say-
    here:          say-other
  the shell reads environment variables, which may differ here: HOME, HOSTNAME
",
    );
}

#[test]
fn an_edited_file_is_named() {
    let shell = r#"pkgs.mkShell { name = "edited-shell"; packages = [ (pkgs.writeShellScriptBin "say" (import ./text.nix)) ]; }"#;
    let b = packed("drift-edited", shell, r#"echo '"one"' > text.nix"#, "");
    b.shellpack("open x.shellpack --run say");
    b.write("drift-edited/text.nix", "\"two\"\n");
    drifts(&b, "shellpack open x.shellpack")
        .says("files that were edited in /root/drift-edited stay: text.nix; to take the bundle's: --overwrite\n");
}

#[test]
fn the_place_is_named() {
    let shell = r#"pkgs.mkShell { name = "place-shell"; packages = [ (pkgs.writeShellScriptBin "say" "echo ${toString ./.}") ]; }"#;
    let a = crate::support::machine_a();
    a.write_shell("drift-place", shell);
    // Its rehearsal, at another place, finds out; so it is made without.
    a.shellpack("create fixtures/shells/drift-place --no-rehearsal -o drift-place.shellpack")
        .succeeds();
    let b = Machine::offline();
    b.receive(&a.home("drift-place.shellpack"), "x.shellpack");
    drifts(&b, "shellpack open x.shellpack").says(
        "  the difference is `text` of say, an input of place-shell:
    in the bundle: ",
    );
    drifts(&b, "shellpack open x.shellpack")
        .says("  it contains the path of the project directory\n");
}

/// Its own inputs come after it, and their paths may be many.
#[test]
fn the_shells_own_missing_input_is_listed_first() {
    let shell = r#"let text = builtins.getEnv "HOSTNAME"; part = n: pkgs.runCommand "part-${toString n}" { } "echo ${text} > $out"; in
pkgs.mkShell { packages = pkgs.lib.optional (text != "") (pkgs.writeShellScriptBin "whole" "cat ${toString (map part [ 1 2 3 4 5 6 7 8 ])}"); }"#;
    let b = packed("drift-parts", shell, "", "");
    let said = drifts(&b, "HOSTNAME=x shellpack open x.shellpack")
        .says("which needs 9 paths that the bundle does not have\n  /nix/store/")
        .says("-whole.drv\n")
        .says("\n  and 4 more\n")
        .stderr;
    let listed: Vec<_> = said.lines().filter(|line| line.ends_with(".drv")).collect();
    assert_eq!(listed.len(), 5, "{said}");
    assert!(listed[0].ends_with("-whole.drv"), "{said}");
}

/// A build on B is announced: B may build if that needs no network.
const MAY_BUILD: &str = "export NIX_CONFIG='max-jobs = 1'";

#[test]
fn a_missing_path_can_be_built() {
    let b = packed("drift-build", SAYS, "", "");
    let hint = "--no-eval; or build the missing paths, which needs no network: --build";
    drifts(&b, "HOSTNAME=hello shellpack open x.shellpack").says(hint);
    b.sh(&format!(
        "{MAY_BUILD}; HOSTNAME=hello shellpack open x.shellpack --build --run say"
    ))
    .succeeds()
    .prints("hello");
    // It was built once, and is kept.
    b.sh(
        "nix-collect-garbage >/dev/null 2>&1; HOSTNAME=hello shellpack enter drift-build --run say",
    )
    .succeeds()
    .prints("hello")
    .never_says("building");
}

#[test]
fn a_path_that_would_be_fetched_cannot_be_built() {
    let shell = r#"let text = builtins.getEnv "HOSTNAME"; in
pkgs.mkShell { packages = pkgs.lib.optional (text != "") (pkgs.runCommand text {
  outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = builtins.hashString "sha256" text; } ""); }"#;
    let b = packed("drift-fetch", shell, "", "");
    let script = format!("{MAY_BUILD}; HOSTNAME=x shellpack open x.shellpack --build");
    drifts(&b, &script).says("pack it again where there is a network");
}

/// At a terminal the choice is the user's.
#[test]
fn at_a_terminal_the_choice_is_offered() {
    let b = packed("drift-choice", SAYS, "", "");
    let script = |answers: &str| {
        format!(
            "{MAY_BUILD}; export HOSTNAME=hello; {{ sleep 2; printf '{answers}'; sleep 4; }} |
script -qec 'shellpack open x.shellpack --run \"say | tr a-z A-Z\"' /dev/null"
        )
    };
    let asked = "enter it as it was [p]acked, [b]uild 1 derivation with no network, or [q]uit? ";
    b.sh(&script(r"what\nq\n"))
        .exits_with(125)
        .shows("the difference is `text` of say")
        .shows(asked)
        .shows("the shell was not entered");
    b.sh(&script(r"p\n")).succeeds().shows("\r\n\r\n");
    b.sh(&script(r"b\n")).succeeds().shows("HELLO");
}
