//! The environment of an opened shell, for other tools.

use crate::support::Machine;
use crate::support::shells::packed;

const SHELL: &str = r#"pkgs.mkShell { name = "environment-shell"; packages = [ (pkgs.writeShellScriptBin "say" "echo said") ];
    PLAIN = "plain"; ODD = "a 'b' \"c\" $d \\ e"; LINES = "one\ntwo"; shellHook = "export HOOKED=yes; echo noise"; }"#;

fn opened(name: &str) -> Machine {
    let b = packed(name, SHELL, "", "");
    b.shellpack("open x.shellpack --no-shell").succeeds();
    b
}

/// For a POSIX shell: what the shell's variables are, and that the machine's own stay.
const SHOW: &str = r#"
own() { echo "${SHELL-}:$HOME:$TERM:${TMPDIR-}"; }
PATH=$PATH:/mine before=$(own)
eval "$(shellpack env environment)"
say; echo "$PLAIN|$ODD|$LINES|$IN_NIX_SHELL|${HOOKED-no}"
case $PATH in *:/mine) echo mine; esac
[ "$before" = "$(own)" ] && echo same"#;

#[test]
fn a_shell_takes_the_environment() {
    let b = opened("environment");
    b.write("show", SHOW);
    for shell in ["bash", "dash"] {
        b.sh(&format!("exec {shell} -eu show"))
            .succeeds()
            .prints("said\nplain|a 'b' \"c\" $d \\ e|one\ntwo|impure|no\nmine\nsame");
    }
    // Inside the project it needs no name, and nothing needs Nix.
    b.sh(r#"cd environment; bin=$(dirname "$(command -v shellpack)"); PATH=$bin; eval "$(shellpack env)"; echo "$PLAIN""#)
        .succeeds()
        .prints("plain");
}

#[test]
fn the_hook_runs_on_request() {
    let b = opened("environment-hook");
    b.sh(r#"eval "$(shellpack env environment-hook --hook)"; echo "$HOOKED""#)
        .succeeds()
        .prints("yes");
    b.sh(r#"eval "$(shellpack env environment-hook)"; echo "${HOOKED-no}""#)
        .succeeds()
        .prints("no");
}

#[test]
fn programs_get_it_in_their_form() {
    let b = opened("environment-forms");
    let told = b
        .shellpack("env environment-forms --json")
        .succeeds()
        .stdout;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["PLAIN"], "plain");
    assert_eq!(told["LINES"], "one\ntwo");
    assert!(told["PATH"].as_str().unwrap().ends_with("/usr/sbin:/sbin"));
    assert!(told["HOME"].is_null() && told["TMPDIR"].is_null());
    b.shellpack("env environment-forms --dotenv")
        .succeeds()
        .shows("PLAIN='plain'\n")
        .shows("ODD=\"a 'b' \\\"c\\\" \\$d \\\\ e\"\n")
        .shows("LINES='one\ntwo'\n");
    // A shell runs nothing in it.
    b.sh("shellpack env environment-forms --dotenv > env; set -a; . ./env; [ \"$ODD\" = \"a 'b' \\\"c\\\" \\$d \\\\ e\" ]; echo \"$LINES\"")
        .succeeds()
        .prints("one\ntwo");
    b.shellpack("env environment-forms --direnv")
        .succeeds()
        .prints("eval \"$(shellpack env environment-forms)\"");
}

/// `open` says what to write where it finds an `.envrc`.
#[test]
fn direnv_is_told() {
    let make = "echo 'use nix' > .envrc; git init -q; git add .";
    let b = packed("with-envrc", SHELL, make, "--include .envrc");
    b.shellpack("open x.shellpack --no-shell")
        .succeeds()
        .says("to use direnv here, put this into .envrc: eval \"$(shellpack env with-envrc)\"\n");
}

/// The words of a shell that cannot be started reach the user.
#[test]
fn a_shell_that_ends_says_why() {
    let shell = r#"pkgs.mkShell { name = "ends-shell"; shellHook = "echo no license; exit 3"; }"#;
    let b = packed("environment-ends", shell, "", "--no-rehearsal");
    b.shellpack("open x.shellpack --no-shell").succeeds();
    b.shellpack("env environment-ends").succeeds();
    b.shellpack("env environment-ends --hook")
        .exits_with(1)
        .says("error: could not find out the environment of the shell: it ended before (exit status 3)\n  no license\n");
}
