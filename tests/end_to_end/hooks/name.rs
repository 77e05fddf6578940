//! Shells that depend on the name of the project's directory, where the bundle has another.

use crate::support::{Machine, machine_a};

const NOTE: &str = "the shell depends on the name of the project's directory, ";

/// Packs `other.nix` of `fixtures/shells/NAME`, whose shell has these attributes.
fn packed(name: &str, attributes: &str, words: &str, is_told: bool) -> Machine {
    let (a, b) = (machine_a(), Machine::offline());
    a.write_shell(name, &format!("pkgs.mkShell {{ {attributes} }}"));
    let outcome = a.sh(&format!(
        "cd fixtures/shells/{name}; mv shell.nix other.nix; echo export DEV=1 > dev.sh
        shellpack create other.nix {words} -o ~/{name}.shellpack"
    ));
    let outcome = outcome.succeeds().never_says("warning");
    if is_told {
        outcome
            .says(&format!("{NOTE}{name}, which it keeps on the target\n"))
            .shows(&format!("which opens into ./other/{name}\n"));
    } else {
        outcome.never_says(NOTE).shows("which opens into ./other\n");
    }
    b.receive(&a.home(&format!("{name}.shellpack")), "x.shellpack");
    b
}

#[test]
fn a_directory_that_the_shell_knows_by_name_keeps_it() {
    let hook = "shellHook = ''export N=$(basename $PWD)'';";
    for (name, attributes, words) in [
        ("name-of-hook", hook, ""),
        ("name-of-hook-no-eval", hook, "--no-eval"),
        ("name-evaluated", "N = baseNameOf (toString ./.);", ""),
    ] {
        packed(name, attributes, words, true)
            .shellpack("open x.shellpack --run 'echo $N ${PWD##*/}'")
            .succeeds()
            .prints(&format!("{name} {name}"));
    }
}

/// The place alone is no reason.
#[test]
fn a_shell_that_does_not_know_the_name_opens_as_ever() {
    let attributes = "shellHook = '' . ${toString ./.}/dev.sh; export HERE=$PWD; echo in $PWD; export NOW=$(date +%N)'';";
    packed("name-unknown", attributes, "", false)
        .shellpack("open x.shellpack --run 'echo $DEV ${HERE##*/}'")
        .succeeds()
        .shows("1 other\n");
}
