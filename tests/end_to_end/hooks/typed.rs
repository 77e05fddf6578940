//! A shell whose file is not in the directory where nix-shell was typed: its hook runs where it was
//! typed.

use crate::support::flakes::flake_packed;
use crate::support::shells::line_to_enter;
use crate::support::{Machine, machine_a};

const HOOK: &str = ". ./env.sh; export TOP=$PWD";
const SAYS: &str = r"--run 'echo $MODE ${TOP##*/} ${PWD##*/}'";

/// Packs `nix/shell.nix` of `fixtures/shells/NAME` from there, with these words, after a script has
/// prepared that directory. The hook reads `env.sh`, which is there.
fn typed_above(name: &str, words: &str, prepare: &str) -> Machine {
    let (a, b) = (machine_a(), Machine::offline());
    a.write_shell(
        &format!("{name}/nix"),
        &format!("pkgs.mkShell {{ shellHook = ''{HOOK}''; }}"),
    );
    a.sh(&format!(
        "cd fixtures/shells/{name}; echo 'export MODE=dev' > env.sh; {prepare}
        shellpack create {words} -o ~/{name}.shellpack"
    ))
    .succeeds()
    .shows("read by the hook: env.sh\n")
    .never_says("warning: the shell");
    b.receive(&a.home(&format!("{name}.shellpack")), "x.shellpack");
    b
}

const GIT: &str = "git init -q .; git add .";

#[test]
fn a_shell_is_entered_where_it_was_typed() {
    for (name, words) in [
        ("typed-file", "nix/shell.nix"),
        ("typed-dir", "nix"),
        ("typed-no-eval", "nix/shell.nix --no-eval"),
    ] {
        let b = typed_above(name, words, GIT);
        let expected = format!("dev {name} {name}");
        b.shellpack(&format!("open x.shellpack {SAYS}"))
            .succeeds()
            .prints(&expected);
        b.shellpack(&format!("open x.shellpack --no-eval {SAYS}"))
            .succeeds()
            .prints(&expected);
        b.sh(&format!("cd {name}/nix; shellpack enter {SAYS}"))
            .succeeds()
            .prints(&expected);
    }
}

#[test]
fn the_line_to_type_enters_there() {
    let b = typed_above("typed-by-hand", "nix/shell.nix", GIT);
    let line = line_to_enter(&b, "");
    assert!(
        line.contains("/typed-by-hand && ") && line.ends_with(" nix-shell ./nix/shell.nix"),
        "{line}"
    );
    b.sh(&format!("{line} {SAYS}"))
        .succeeds()
        .prints("dev typed-by-hand typed-by-hand");
    b.sh(&format!(
        "tar -xf x.shellpack shell; tar -xOf x.shellpack manifest.toml > m
        line=$(sed -n 's/^#   \\(cd .*\\)/\\1/p' m); eval \"$line {}\"",
        SAYS.replace('$', "\\$")
    ))
    .succeeds()
    .prints("dev shell shell");
}

/// Beside the shell file's directory, and not above it.
#[test]
fn it_may_be_typed_in_any_directory_of_the_project() {
    let prepare = format!("mkdir work; mv env.sh work; {GIT}; cd work");
    let (a, b) = (machine_a(), Machine::offline());
    a.write_shell(
        "typed-beside/nix",
        &format!("pkgs.mkShell {{ shellHook = ''{HOOK}''; }}"),
    );
    a.sh(&format!(
        "cd fixtures/shells/typed-beside; echo 'export MODE=dev' > env.sh; {prepare}
        shellpack create ../nix/shell.nix -o ~/typed-beside.shellpack"
    ))
    .succeeds()
    .never_says("warning: the shell");
    b.receive(&a.home("typed-beside.shellpack"), "x.shellpack");
    b.shellpack(&format!("open x.shellpack {SAYS}"))
        .succeeds()
        .prints("dev work work");
}

/// Without a repository, the project is what is carried: an included file makes it larger.
#[test]
fn without_a_repository_a_file_is_named_and_can_be_included() {
    let a = machine_a();
    a.write_shell(
        "typed-no-git/nix",
        &format!("pkgs.mkShell {{ shellHook = ''{HOOK}''; }}"),
    );
    a.sh(
        "cd fixtures/shells/typed-no-git; echo 'export MODE=dev' > env.sh
        shellpack create nix/shell.nix -o ~/typed-no-git.shellpack",
    )
    .succeeds()
    .says("warning: the shellHook mentions 1 file of the current directory")
    .says("--include env.sh\n");
    a.sh("cd fixtures/shells/typed-no-git
        shellpack create nix/shell.nix --include env.sh -f -o ~/typed-no-git.shellpack")
        .succeeds()
        .never_says("warning: the shell")
        .never_says("warning: evaluation reads");
    let b = Machine::offline();
    b.receive(&a.home("typed-no-git.shellpack"), "x.shellpack");
    b.shellpack(&format!("open x.shellpack {SAYS}"))
        .succeeds()
        .prints("dev typed-no-git typed-no-git");
}

/// From outside of the project, it is the shell file's directory that counts.
#[test]
fn typed_elsewhere_it_is_entered_beside_its_file() {
    let a = machine_a();
    a.write_shell(
        "typed-elsewhere/nix",
        &format!("pkgs.mkShell {{ shellHook = ''{HOOK}''; }}"),
    );
    a.sh("cd fixtures/shells/typed-elsewhere; echo 'export MODE=dev' > nix/env.sh; git init -q .; git add .
        cd; shellpack create fixtures/shells/typed-elsewhere/nix/shell.nix -o ~/typed-elsewhere.shellpack")
        .succeeds()
        .never_says("warning: the shell");
    let b = Machine::offline();
    b.receive(&a.home("typed-elsewhere.shellpack"), "x.shellpack");
    b.shellpack(&format!("open x.shellpack {SAYS}"))
        .succeeds()
        .prints("dev nix nix");
}

/// nix develop stays where it was typed, too.
#[test]
fn a_flake_is_entered_where_it_was_typed() {
    let shell = "pkgs.mkShell { shellHook = \". ./env.sh; export TOP=\\$PWD\"; }";
    let prepare = "mkdir work; echo 'export MODE=dev' > work/env.sh; git add .; cd work";
    let b = flake_packed("typed-flake", shell, prepare, "..#");
    b.shellpack(&format!("open x.shellpack {SAYS}"))
        .succeeds()
        .prints("dev work work");
}

/// Each is entered beside its file, and a file that its hook finds only here is named.
#[test]
fn several_shells_are_entered_beside_their_files() {
    let a = machine_a();
    let shell = format!("pkgs.mkShell {{ shellHook = ''{HOOK}''; }}");
    a.write_shell("typed-several/a", &shell);
    a.write_shell("typed-several/b", &shell.replace("env.sh", "own.sh"));
    a.sh(&format!(
        "cd fixtures/shells/typed-several; touch b/own.sh env.sh; {GIT}
        shellpack create a b -o ~/typed-several.shellpack"
    ))
    .succeeds()
    .says("warning: a: the shellHook mentions 1 file of the current directory")
    .says("pack the shell by itself: shellpack create a/shell.nix\n")
    .never_says("warning: b: ");
    // nix-shell reads this one, and the target the other.
    for (own, is_told) in [("export MODE=own", true), ("", false)] {
        let outcome = a.sh(&format!(
            "cd fixtures/shells/typed-several; echo '{own}' > a/env.sh; echo > env.sh; git add .
            shellpack create a b -f -o ~/typed-several.shellpack"
        ));
        let outcome = outcome.succeeds();
        if is_told {
            outcome.says("warning: a: the shellHook mentions 1 file of the current directory, and the target runs it elsewhere, in the directory of the shell file:\n  env.sh\n");
        } else {
            outcome.never_says("of the current directory");
        }
    }
    let b = Machine::offline();
    b.receive(&a.home("typed-several.shellpack"), "x.shellpack");
    b.shellpack("open x.shellpack --shell b --run 'echo ${TOP##*/}'")
        .succeeds()
        .prints("b");
}

/// An expression is entered where it is opened.
#[test]
fn a_file_that_an_expression_finds_is_named() {
    let a = machine_a();
    a.write_shell(
        "typed-expression",
        "pkgs.mkShell { shellHook = \"source env.sh\"; }",
    );
    a.sh("cd fixtures/shells/typed-expression; touch env.sh
        shellpack create -E \"$(cat shell.nix)\" -o ~/typed-expression.shellpack")
        .succeeds()
        .says("warning: the shellHook mentions 1 file of the current directory")
        .says(
            "to carry it, write the expression to a shell.nix beside, and type: shellpack create\n",
        );
}
