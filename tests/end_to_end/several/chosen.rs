//! Which of them is entered, and how they are shown.

use serde_json::Value;

use crate::support::several::{WHICH, by_hand, inspected, packed_pair};
use crate::support::{Machine, bundle, machine_a};

#[test]
fn the_first_is_entered_and_the_others_are_told() {
    let b = packed_pair("first", "");
    for way in ["", "--no-eval"] {
        b.shellpack(&format!("open x.shellpack {way} {WHICH}"))
            .succeeds()
            .says("the shell is a; use --shell to enter another: tools/b\n")
            .prints("a");
    }
    b.shellpack(&format!("open x.shellpack --shell a {WHICH}"))
        .succeeds()
        .never_says("--shell: ");
}

#[test]
fn a_shell_that_is_not_there_is_named() {
    let b = packed_pair("unknown", "");
    let said = "error: could not find the shell b in unknown: it has a, tools/b\n\nhint: name one of them: --shell a\n";
    b.shellpack("open x.shellpack --shell b")
        .exits_with(125)
        .says(said);
    b.sh("test ! -e unknown; test ! -e .local").succeeds();
    b.shellpack("rehearse x.shellpack --shell b")
        .exits_with(125)
        .says(said);
    b.shellpack("open x.shellpack --no-shell").succeeds();
    b.shellpack("enter unknown --shell b")
        .exits_with(125)
        .says(said);
}

#[test]
fn one_alone_has_no_name() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    b.shellpack("open x.shellpack --shell blog")
        .exits_with(125)
        .says("could not find the shell blog in blog: it has only one, which has no name")
        .says("hint: leave --shell out");
}

/// The stick is gone. Somewhere in the project it is told by the directory which one is meant.
#[test]
fn the_directory_says_which_is_entered() {
    let b = packed_pair("inside", "");
    b.sh("shellpack open x.shellpack --no-shell; rm x.shellpack; mkdir inside/tools/b/deep inside/tools/c")
        .succeeds();
    for way in ["", "--no-eval"] {
        for (place, which) in [("a", "a"), ("tools/b", "b"), ("tools/b/deep", "b")] {
            b.sh(&format!("cd inside/{place}; shellpack enter {way} {WHICH}"))
                .succeeds()
                .never_says("--shell: ")
                .prints(which);
        }
        for place in ["inside", "inside/tools/c", "."] {
            b.sh(&format!("cd {place}; shellpack enter inside {way} {WHICH}"))
                .succeeds()
                .says("the shell is a; use --shell to enter another: tools/b\n")
                .prints("a");
        }
        b.sh(&format!(
            "cd inside/a; shellpack enter --shell tools/b {way} {WHICH}; shellpack enter inside {way} {WHICH}"
        ))
        .succeeds()
        .prints("b\na");
    }
    // Each evaluated derivation has a root of its own.
    b.sh("cd .local/state/shellpack/roots/inside-*; readlink derivation-a 'derivation-tools=b'")
        .succeeds()
        .shows("/nix/store/");
    b.sh("rm -r inside/tools").succeeds();
    b.sh(&format!("cd inside/a; shellpack enter {WHICH}"))
        .succeeds()
        .prints("a");
    b.sh("cd inside/a; shellpack enter --shell tools/b")
        .exits_with(125)
        .says("inside/tools/b/shell.nix is gone");
}

/// The collector takes nothing of either, and all of both when they are let go of.
#[test]
fn both_are_kept_and_let_go_of() {
    let b = packed_pair("kept", "");
    b.sh("shellpack open x.shellpack --no-shell; rm x.shellpack; nix-collect-garbage")
        .succeeds();
    for (name, which) in [("a", "a"), ("tools/b", "b")] {
        b.shellpack(&format!("enter kept --shell {name} {WHICH}"))
            .succeeds()
            .prints(which);
    }
    b.sh("shellpack remove kept; nix-collect-garbage; ls /nix/store | grep tool-of || true")
        .succeeds()
        .shows("store paths can be freed")
        .never_says("tool-of-a\n");
}

#[test]
fn each_is_entered_by_hand() {
    let b = packed_pair("hands", "");
    by_hand(&b, &[("a", "a"), ("tools/b", "b")]);
    b.shellpack("open x.shellpack --no-shell --shell tools/b")
        .succeeds()
        .says("to enter tools/b by hand: ")
        .never_says("to enter a by hand");
    b.sh("tar -xOf x.shellpack manifest.toml | head -n 11")
        .succeeds()
        .shows("#   cd shell/a && nix-shell --option substitute false\n#   or: cd shell/tools/b && nix-shell --option substitute false\n");
}

#[test]
fn what_was_packed_is_shown() {
    let b = packed_pair("shown", "");
    b.shellpack("inspect x.shellpack")
        .succeeds()
        .shows("shell     a: a/shell.nix → ")
        .shows("shell     tools/b: tools/b/shell.nix → ")
        .shows("a, tools/b: entered nix-shell\n");
    let bundle = inspected(&b, "x.shellpack");
    b.shellpack("open x.shellpack --no-shell").succeeds();
    b.shellpack("list")
        .succeeds()
        .shows("  2 shells: a, tools/b\n");
    let listed = b.shellpack("list --json").succeeds().stdout;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    for (index, file) in ["a/shell.nix", "tools/b/shell.nix"].iter().enumerate() {
        let (listed, shell) = (&listed[0]["shells"][index], &bundle["shells"][index]);
        assert_eq!(listed["name"], shell["name"]);
        assert_eq!(listed["file"], **file);
        let derivation = shell["derivation"].as_str().unwrap();
        assert_eq!(listed["derivation"], format!("/nix/store/{derivation}"));
        let line = format!("  {}: {derivation}\n", shell["name"].as_str().unwrap());
        b.shellpack("list -v").succeeds().shows(&line);
    }
}

#[test]
fn every_shell_is_rehearsed_again() {
    packed_pair("again", "");
    let a = machine_a();
    a.shellpack(&format!("rehearse again.shellpack {WHICH}"))
        .succeeds()
        .prints("a\nb");
    a.shellpack(&format!("rehearse again.shellpack --shell tools/b {WHICH}"))
        .succeeds()
        .prints("b");
    a.shellpack("rehearse again.shellpack --run 'echo $WHICH; test $WHICH != a || exit 7'")
        .exits_with(7)
        .says("opening it for the shell a")
        .prints("a");
}
