//! A shell that Nix cannot evaluate: the words are Nix's own.

use crate::support::{Machine, Outcome};

const FAULTS: [(&str, &str); 8] = [
    ("abort", include_str!("../compat/faults/abort.nix")),
    ("imported", include_str!("../compat/faults/imported.nix")),
    (
        "imported-at-once",
        include_str!("../compat/faults/imported-at-once.nix"),
    ),
    ("missing", include_str!("../compat/faults/missing.nix")),
    ("syntax", include_str!("../compat/faults/syntax.nix")),
    ("throw", include_str!("../compat/faults/throw.nix")),
    ("type", include_str!("../compat/faults/type.nix")),
    ("undefined", include_str!("../compat/faults/undefined.nix")),
];

/// Nix's words for an expression, and the names of files that evaluate a shell for shellpack.
const OURS: [&str; 6] = [
    "«string»",
    "(string)",
    "scope.nix",
    "record.nix",
    "replay.nix",
    "evaluation.nix",
];

/// Nix's words in a message of shellpack: none begins at the margin, where a line is shellpack's own.
fn set_off(words: &str) -> String {
    let is_margin = |line: &str| !line.trim().is_empty() && !line.starts_with("  ");
    let lines = words.lines().map(|line| {
        let margin = if is_margin(line) { "  " } else { "" };
        format!("{margin}{line}\n")
    });
    lines.collect()
}

/// nix-shell says the same, as the end of its output.
#[test]
fn errors_are_those_of_nix_shell() {
    let a = Machine::online();
    for (name, text) in FAULTS {
        a.write(&format!("faults/{name}.nix"), text);
    }
    for (name, _) in FAULTS {
        let file = format!("~/faults/{name}.nix");
        let words = a.sh(&format!("nix-shell {file} --run true")).stderr;
        assert!(words.contains("error:"), "{words}");
        a.shellpack(&format!("create {file} -o x.shellpack"))
            .exits_with(1)
            .says(&set_off(&words));
    }
}

/// An expression has no file, neither on the command line nor in the lines of a script.
#[test]
fn errors_in_an_expression_are_those_of_nix_shell() {
    let a = Machine::online();
    let fault = "nowhere";
    let words = a.sh(&format!("nix-shell -E '{fault}' --run true")).stderr;
    assert!(words.contains("at «string»:1:1:"), "{words}");
    a.write(
        "no.sh",
        &format!("#! /usr/bin/env nix-shell\n#! nix-shell -i bash -E '{fault}'\n"),
    );
    for subject in [&format!("-E '{fault}'"), "no.sh"] {
        a.sh(&format!("shellpack create {subject} -o x"))
            .exits_with(1)
            .says(&set_off(&words));
    }
}

#[test]
fn traces_have_no_frames_of_ours() {
    let a = Machine::online();
    a.configure("show-trace = true");
    for (name, text) in FAULTS {
        a.write(&format!("faults/{name}.nix"), text);
        let outcome = a.shellpack(&format!("create ~/faults/{name}.nix -o x.shellpack"));
        let outcome = outcome.exits_with(1).says("error:");
        OURS.into_iter().fold(outcome, Outcome::never_says);
    }
    // The answers for a fetched source are evaluated around the file.
    a.runs("shellpack create fixtures/shells/blog -o blog.shellpack && shellpack open blog.shellpack --no-shell");
    for (_, text) in FAULTS.into_iter().filter(|(_, text)| !text.contains("./")) {
        a.write("blog/shell.nix", text);
        let nixs = a.sh("nix-shell blog/shell.nix --run true").stderr;
        let error = nixs.lines().find(|line| line.contains("error: ")).unwrap();
        let outcome = a.shellpack("enter blog --run true").exits_with(125);
        let outcome = outcome.says(error.trim());
        OURS.into_iter().fold(outcome, Outcome::never_says);
    }
}

/// The outputs are looked through before the shell is evaluated.
#[test]
fn errors_of_flakes_are_those_of_nix() {
    let a = Machine::online();
    a.configure("show-trace = true");
    for (outputs, error) in [
        ("throw \"no outputs\"", "error: no outputs"),
        ("{ devShells = throw \"no shells\"; }", "error: no shells"),
        ("{ devShells = greeting; }", "undefined variable 'greeting'"),
    ] {
        a.write(
            "faulty/flake.nix",
            &format!("{{ outputs = {{ self }}: {outputs}; }}"),
        );
        let outcome = a.shellpack("create --flake ./faulty").exits_with(1);
        let outcome = outcome.says(error).never_says("shell.nix:");
        // Nix 2.8 calls a file of its own an expression.
        OURS[2..]
            .iter()
            .fold(outcome, |outcome, name| outcome.never_says(name));
    }
}

const SEVERAL: &str = r#"{ make ? true, ... }:
let
  shell = name: derivation { inherit name; system = builtins.currentSystem; builder = "/bin/sh"; };
in
{
  tools = shell "tools";
  "in dots.x" = shell "dots";
  ci = { recurseForDerivations = true; lint = shell "lint"; note = "x"; };
  lazy = { hidden = shell "hidden"; };
  call = { name }: shell name;
  other = if make then { name = 1; } else shell "other";
}
"#;

#[test]
fn several_shells_are_listed() {
    let a = Machine::online();
    a.write("several.nix", SEVERAL);
    let packs = |options: &str| {
        a.shellpack(&format!("create several.nix {options} -o x.shellpack"))
            .exits_with(1)
    };
    packs("")
        .says("error: could not pack /root/several.nix: nix-shell needs one derivation, but it evaluates to 2: ci.lint, tools\n")
        .says("hint: choose one: shellpack create several.nix -o x.shellpack -A ci.lint\n");
    packs("--arg make false").says("it evaluates to 3: ci.lint, other, tools\n");
    packs("-A other")
        .says("it evaluates to none; its attributes: other.name\n")
        .says("hint: choose an attribute that is a shell: -A ATTRIBUTE\n");
}

#[test]
fn elements_of_a_list_are_named_by_index() {
    let a = Machine::online();
    let list = "map (name: derivation { inherit name; system = \"x\"; builder = \"x\"; })";
    a.write("list.nix", &format!("{list} [ \"a\" \"b\" ]"));
    a.write(
        "long.nix",
        &format!("{list} (builtins.genList (at: \"x${{toString at}}\") 30)"),
    );
    a.shellpack("create list.nix")
        .exits_with(1)
        .says("it evaluates to a list of 2: 0, 1\n")
        .says("hint: choose one: shellpack create list.nix -A 0\n");
    a.shellpack("create long.nix")
        .exits_with(1)
        .says("it evaluates to a list of 30: 0, 1, 2, 3, 4, 5, 6, 7 and 22 more\n");
    a.shellpack("create list.nix -A 2")
        .exits_with(1)
        .says("list index 2 in selection path '2' is out of range")
        .says("hint: choose one of 0, 1: shellpack create list.nix -A 0\n");
}

#[test]
fn a_wrong_attribute_is_told_which_there_are() {
    let a = Machine::online();
    a.write("several.nix", SEVERAL);
    a.shellpack("create several.nix -A ci.lnt -o x.shellpack")
        .exits_with(1)
        .says("error: could not pack /root/several.nix: Nix does not find ci.lnt in it\n  error: attribute 'lnt' in selection path 'ci.lnt' not found\n")
        .says("hint: choose one of ci.lint, ci.note: shellpack create several.nix -o x.shellpack -A ci.lint\n");
    a.shellpack("create several.nix -A tools.bin")
        .exits_with(1)
        .says("hint: choose the one that is there: shellpack create several.nix -A tools\n");
    a.write(
        "one.nix",
        "derivation { name = \"x\"; system = builtins.currentSystem; builder = \"x\"; }",
    );
    a.shellpack("create one.nix -A x")
        .exits_with(1)
        .says("hint: it is a single shell, so leave out -A: shellpack create one.nix\n");
    a.shellpack("create -E '{ a = 1; }' -A b")
        .exits_with(1)
        .says("error: could not pack the expression: Nix does not find b in it\n");
    let many = "builtins.listToAttrs (map (name: { name = toString name; value = { }; }) (builtins.genList (at: at) 40))";
    a.shellpack(&format!("create -E '{many}' -A x.y"))
        .exits_with(1)
        .says("hint: choose one of the 40 attributes that are there: -A ATTRIBUTE\n");
}
