//! Which of them is entered, and how they are shown.

use serde_json::{Value, json};

use crate::support::several::{WHICH, by_hand, inspected, packed_pair};
use crate::support::{Machine, bundle, machine_a};

#[test]
fn the_first_is_entered_and_the_others_are_listed() {
    let b = packed_pair("first", "");
    for way in ["", "--no-eval"] {
        b.shellpack(&format!("open x.shellpack {way} {WHICH}"))
            .succeeds()
            .says("entering the shell named a; use --shell to enter another: tools/b\n")
            .prints("a");
    }
    b.shellpack(&format!("open x.shellpack --shell a {WHICH}"))
        .succeeds()
        .never_says("--shell: ");
}

#[test]
fn a_shell_that_is_not_there_is_named() {
    let b = packed_pair("unknown", "");
    let said = "error: could not find the shell b in unknown: it has a, tools/b\n\nhint: choose one of them: --shell a\n";
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
        .says("could not find the shell blog in blog: its only shell has no name")
        .says("hint: enter it without --shell");
}

/// The bundle is gone. Inside the project, the current directory selects the shell.
#[test]
fn the_directory_says_which_is_entered() {
    let b = packed_pair("inside", "");
    b.runs("shellpack open x.shellpack --no-shell; rm x.shellpack; mkdir inside/tools/b/deep inside/tools/c");
    for way in ["", "--no-eval"] {
        for (place, which) in [("a", "a"), ("tools/b", "b"), ("tools/b/deep", "b")] {
            b.runs(&format!("cd inside/{place}; shellpack enter {way} {WHICH}"))
                .never_says("--shell: ")
                .prints(which);
        }
        for place in ["inside", "inside/tools/c", "."] {
            b.runs(&format!("cd {place}; shellpack enter inside {way} {WHICH}"))
                .says("entering the shell named a; use --shell to enter another: tools/b\n")
                .prints("a");
        }
        let named = format!("shellpack enter --shell tools/b {way} {WHICH}");
        let here = format!("shellpack enter inside {way} {WHICH}");
        b.runs(&format!("cd inside/a; {named}; {here}"))
            .prints("b\na");
    }
    // Each evaluated derivation has a root of its own.
    b.runs("cd .local/state/shellpack/roots/inside-*; readlink derivation-a 'derivation-tools=b'")
        .shows("/nix/store/");
}

/// The collector keeps both, and frees both once they are removed.
#[test]
fn both_shells_are_kept_until_they_are_removed() {
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
fn one_whose_files_are_gone_is_named() {
    let b = packed_pair("half-gone", "");
    b.runs("shellpack open x.shellpack --no-shell; rm -r half-gone/tools");
    b.runs(&format!("cd half-gone/a; shellpack enter {WHICH}"))
        .prints("a");
    b.sh("cd half-gone/a; shellpack enter --shell tools/b")
        .exits_with(125)
        .says("half-gone/tools/b/shell.nix is gone");
}

#[test]
fn packed_shells_are_shown() {
    let b = packed_pair("shown", "");
    b.runs("shellpack inspect x.shellpack")
        .shows("shell     a: a/shell.nix → ")
        .shows("shell     tools/b: tools/b/shell.nix → ")
        .shows("a, tools/b: entered nix-shell\n");
}

#[test]
fn opened_shells_are_listed_by_name() {
    let b = packed_pair("listed-by-name", "");
    let bundle = inspected(&b, "x.shellpack");
    b.runs("shellpack open x.shellpack --no-shell");
    b.runs("shellpack list").shows("  2 shells: a, tools/b\n");
    let listed: Value = serde_json::from_str(&b.runs("shellpack list --json").stdout).unwrap();
    for (index, name) in ["a", "tools/b"].into_iter().enumerate() {
        let (listed, shell) = (&listed[0]["shells"][index], &bundle["shells"][index]);
        assert_eq!(
            (&listed["name"], &shell["name"]),
            (&json!(name), &json!(name))
        );
        assert_eq!(listed["file"], format!("{name}/shell.nix"));
        let derivation = shell["derivation"].as_str().unwrap();
        assert_eq!(listed["derivation"], format!("/nix/store/{derivation}"));
        let line = format!("  {name}: {derivation}\n");
        b.runs("shellpack list -v").shows(&line);
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
        .says("opening the bundle for the shell named a")
        .prints("a");
}
