//! Shells that ask which builtins there are: features and versions of Nix differ.

use super::{inspected, saying};
use crate::support::shells::HELLO;
use crate::support::{Machine, machine_a};

/// The setting that brings `getFlake` and `fetchTree`.
const FLAKES: &str = "export NIX_CONFIG='experimental-features = nix-command flakes fetch-tree'";

/// Without these features.
const NONE: &str = "export NIX_CONFIG=";

const QUESTIONS: [(&str, &str); 5] = [
    (
        "has",
        "if builtins ? getFlake then \"flakes\" else \"none\"",
    ),
    (
        "or",
        "if builtins.getFlake or null == null then \"none\" else \"flakes\"",
    ),
    (
        "names",
        "toString (builtins.length (builtins.attrNames builtins))",
    ),
    (
        "alias",
        "let b = builtins; in if b ? fetchTree then \"flakes\" else \"none\"",
    ),
    ("version", "builtins.nixVersion"),
];

/// Packs where one setting holds and opens where the other does.
fn moves(name: &str, question: &str, at_a: &str, at_b: &str) {
    let a = machine_a();
    let package = saying(&format!("({question})"));
    a.write_shell(
        name,
        &format!("pkgs.mkShell {{ {HELLO} FOUND = [ ({package}) ]; }}"),
    );
    let file = format!("~/{name}.shellpack");
    let plain = a
        .sh(&format!(
            "cd fixtures/shells/{name}; {at_a}; shellpack create -o {file} >&2; nix-shell --run '$FOUND/bin/say'"
        ))
        .succeeds();
    let b = Machine::offline();
    b.receive(&a.home(&format!("{name}.shellpack")), "x.shellpack");
    b.sh(&format!(
        "{at_b}; shellpack open x.shellpack --run '$FOUND/bin/say'"
    ))
    .succeeds()
    .prints(&plain.text());
    inspected(&b).shows("the builtins and the version of the Nix");
}

#[test]
fn a_builtin_that_was_not_there_is_hidden() {
    for (name, question) in QUESTIONS {
        moves(&format!("hidden-{name}"), question, NONE, FLAKES);
    }
}

#[test]
fn a_builtin_that_was_there_is_there() {
    for (name, question) in QUESTIONS {
        moves(&format!("shown-{name}"), question, FLAKES, NONE);
    }
}

/// nixpkgs asks, too, and has the same result everywhere.
#[test]
fn the_questions_of_nixpkgs_need_no_answers() {
    let b = crate::support::offline_with("blog");
    b.sh("tar -xOf x.shellpack manifest.toml | grep '^\\[answers'")
        .exits_with(1);
}
