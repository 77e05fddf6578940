//! Several shells in one bundle.

use serde_json::Value;

use crate::support::several::{
    WHICH, arrive, by_hand, carried, inspected, packed, packed_pair, shell, write_pair,
};
use crate::support::shells::{MESSAGE, UNENTERABLE};
use crate::support::sources::{SERVE, URL, tarball};
use crate::support::{Machine, machine_a};

/// Which of them is entered, and how they are shown.
mod chosen;

/// The tool that is a root of one of a bundle's shells.
fn tool(bundle: &Value, shell: usize) -> &str {
    let roots = bundle["shells"][shell]["roots"].as_array().unwrap().iter();
    let roots = roots.map(|root| root.as_str().unwrap());
    let tools: Vec<_> = roots.filter(|root| root.contains("tool-of")).collect();
    let [tool] = tools[..] else {
        panic!("not one tool: {tools:?}")
    };
    tool
}

#[test]
fn two_shells_share_what_they_have_in_common() {
    let b = packed_pair("shared", "");
    arrive(&b, &["", "--no-eval", "--pure"]);
    let a = machine_a();
    a.runs("cd ~/fixtures/shells/shared; for one in a tools/b; do shellpack create $one -o ~/one-${one##*/}.shellpack; done");
    let both = inspected(a, "shared.shellpack");
    let first = inspected(a, "one-a.shellpack");
    let second = inspected(a, "one-b.shellpack");
    let mut each = [carried(&first), carried(&second)].concat();
    assert!(each.len() > carried(&both).len() + 5, "little is shared");
    each.sort_unstable();
    each.dedup();
    assert_eq!(carried(&both), each);
    // Each has the root of what it needs, and the pin is there once.
    assert_eq!(both["pins"].as_array().unwrap().len(), 1);
    assert!(tool(&both, 0).ends_with("tool-of-a"));
    assert!(tool(&both, 1).ends_with("tool-of-b"));
}

/// The same shell under several names is one shell.
#[test]
fn a_shell_that_is_named_twice_is_one() {
    let a = machine_a();
    a.write_shell("twice", &shell("a", ""));
    a.sh("cd fixtures/shells/twice; shellpack create . shell.nix ../twice -o ~/twice.shellpack")
        .succeeds();
    let shells = inspected(a, "twice.shellpack");
    assert_eq!(shells["shells"].as_array().unwrap().len(), 1);
    assert_eq!(shells["shells"][0]["name"], Value::Null);
}

/// Nothing is written, and it is said which one it is.
#[test]
fn one_broken_shell_stops_create() {
    let a = machine_a();
    write_pair("stops", ["", ""]);
    for (shell, said) in [
        ("throw \"not on a Monday\"", "not on a Monday"),
        (
            UNENTERABLE,
            "the rehearsal failed: c: the shell could not be entered",
        ),
    ] {
        a.write_shell("stops/c", shell);
        a.sh("cd fixtures/shells/stops; mkdir -p ~/stops; shellpack create a c tools/b -o ~/stops/x.shellpack")
            .exits_with(1)
            .says(said);
        a.sh("ls -A stops").succeeds().prints("");
    }
}

/// It is no fault of the bundle; it is said whose it is.
#[test]
fn a_hook_that_needs_the_network_is_reported_with_its_shell() {
    let a = machine_a();
    write_pair("hooked-pair", ["", ""]);
    let hook = "pkgs.mkShell { shellHook = \"(exec 3<>/dev/tcp/192.0.2.1/80) || exit 6\"; }";
    a.write_shell("hooked-pair/c", hook);
    a.sh("cd fixtures/shells/hooked-pair; shellpack create a c tools/b -o ~/hooked-pair.shellpack")
        .succeeds()
        .says("warning: c: the shellHook wants a network, which the target does not have, and ends the shell")
        .shows("a, tools/b: entered nix-shell\n")
        .shows("c: the shellHook wants a network, and ended the shell (exit status: 6)\n")
        .shows("a, c, tools/b: nothing was left to build or to fetch\n");
}

/// A line of a shell that reads what is built, while it is evaluated, under this name.
fn reads_built(read: &str, name: &str) -> String {
    let built = format!("pkgs.runCommand \"{name}\" {{ }} \"printf {name} > $out\"");
    format!("BUILT = {read} ({built});")
}

/// Builds of one evaluation are carried, even if only the rehearsal notices them.
#[test]
fn builds_of_an_evaluation_are_carried() {
    let seen = reads_built("builtins.readFile", "first");
    let unseen = reads_built("builtins.builtins.readFile", "second");
    write_pair("building", [&seen, &unseen]);
    let (a, b) = (machine_a(), Machine::offline());
    a.runs("cd fixtures/shells/building; shellpack create a tools/b -o ~/building.shellpack")
        .never_says("evaluation builds first")
        .says("evaluation builds second and reads it");
    b.receive(&a.home("building.shellpack"), "x.shellpack");
    for (name, built) in [("a", "first"), ("tools/b", "second")] {
        let open = format!("open x.shellpack --shell {name} --run 'echo $BUILT'");
        b.shellpack(&open).succeeds().prints(built);
    }
}

#[test]
fn each_attribute_is_a_shell() {
    let [x, y] = ["x", "y"].map(|which| shell(which, "GREETING = greeting;"));
    let file = format!("{{ greeting ? \"none\" }}: {{ x = {x}; y.\"two words\" = {y}; }}");
    machine_a().write_shell("attributes", &file);
    let words = "-A x -A 'y.\"two words\"' --argstr greeting hi";
    let b = packed("attributes", "", words);
    let run = "--run 'echo $WHICH $GREETING'";
    for (name, which) in [("x", "x"), ("y.-two-words", "y")] {
        for way in ["", "--no-eval"] {
            b.shellpack(&format!("open x.shellpack --shell {name} {way} {run}"))
                .succeeds()
                .prints(&format!("{which} hi"));
        }
    }
    // They are in one directory, which does not tell them apart.
    b.runs(&format!("cd attributes; shellpack enter {run}"))
        .says("entering the shell named x; use --shell to enter another: y.-two-words\n")
        .prints("x hi");
}

#[test]
fn every_file_has_every_attribute() {
    for place in ["a", "b"] {
        let file = format!("{{ x = {}; y = {}; }}", shell("x", ""), shell("y", ""));
        machine_a().write_shell(&format!("crossed/{place}"), &file);
    }
    let b = packed("crossed", "", "a b -A x -A y");
    let names = inspected(&b, "x.shellpack");
    let names = names["shells"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|shell| shell["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a/x", "a/y", "b/x", "b/y"]);
    b.shellpack(&format!("open x.shellpack --shell b/y {WHICH}"))
        .succeeds()
        .prints("y");
}

/// Sources without a hash, in both shells, in one, and in none: the answers are every shell's.
#[test]
fn sources_that_are_not_pinned_arrive_with_each() {
    let both = format!("COMMON = fetchTarball \"{URL}/answers.tar.gz\";");
    let one = format!("{both} OWN = fetchTarball \"{URL}/answers-own.tar.gz\";");
    write_pair("answers", [&one, &both]);
    machine_a().write_shell("answers/c", &shell("c", ""));
    let other = tarball("answers-own").replace(SERVE, "");
    let make = format!("{}\n{other}", tarball("answers"));
    let b = packed("answers", &make, "a tools/b c");
    arrive(&b, &["", "--no-eval"]);
    let said = format!("{{ MESSAGE = \"{MESSAGE}\"; }}");
    for (name, has) in [("a", "COMMON OWN"), ("tools/b", "COMMON"), ("c", "")] {
        let run = format!("--run 'for name in {has}; do cat ${{!name}}/default.nix; done'");
        let open = format!("open x.shellpack --shell {name} {run}");
        let said = vec![said.as_str(); has.split_whitespace().count()].join("\n");
        b.shellpack(&open).succeeds().prints(&said);
    }
    // nixpkgs, and one pin for what both fetch.
    let bundle = inspected(&b, "x.shellpack");
    assert_eq!(bundle["pins"].as_array().unwrap().len(), 3);
    // Each has a copy of its file to itself.
    by_hand(&b, &[("a", "a"), ("tools/b", "b"), ("c", "c")]);
}

/// Makes `changing.tar.gz`, and `other.tar.gz` for what it changes to.
fn changing() -> String {
    let new = "echo '{ MESSAGE = \"new\"; }' > new/default.nix";
    let pack = "tar -czf ~/other.tar.gz new; rm -r new";
    format!("{}\nmkdir new; {new}; {pack}", tarball("changing"))
}

/// The second shell changes, while it is evaluated, what the first one has fetched.
#[test]
fn a_source_that_changes_between_shells_is_refused() {
    let a = machine_a();
    let fetch = format!("import (fetchTarball \"{URL}/changing.tar.gz\")");
    let first = format!("inherit ({fetch}) MESSAGE;");
    let change = "pkgs.runCommand \"change\" { } ''cp /root/other.tar.gz /root/fixtures/changing.tar.gz; echo 1 > $out''";
    let change = format!("builtins.readFile ({change})");
    let second = format!("inherit (builtins.seq ({change}) ({fetch})) MESSAGE;");
    a.write_shell("changing/a", &shell("a", &first));
    a.write_shell("changing/b", &shell("b", &second));
    let make = changing();
    a.sh(&format!(
        "cd ~/fixtures/shells/changing\n{make}\nexport NIX_CONFIG='tarball-ttl = 0'; shellpack create a b -o ~/changing.shellpack"
    ))
    .exits_with(1)
    .says("could not pack the shells together: a source changed between their evaluations\n  fetchTarball http://127.0.0.1:8321/changing.tar.gz\n")
    .says("hint: try again, or pin the source");
    a.runs("test ! -e changing.shellpack");
}

/// One shell does not look up the names of the other.
#[test]
fn each_has_its_own_search_path() {
    for (place, which, name) in [("a", "a", "one"), ("tools/b", "b", "two")] {
        let nixpkgs = format!("import <{name}> {{ config = {{ }}; overlays = [ ]; }}");
        let text = format!("let pkgs = {nixpkgs}; in {}", shell(which, ""));
        let file = format!("fixtures/shells/searching/{place}/shell.nix");
        machine_a().write(&file, &text);
    }
    let words = "a tools/b -I one=$HOME/fixtures/nixpkgs -I two=$HOME/searched";
    let make = "cp -r ~/fixtures/nixpkgs ~/searched; echo '# another' >> ~/searched/default.nix";
    let b = packed("searching", make, words);
    arrive(&b, &["", "--no-eval"]);
    let bundle = inspected(&b, "x.shellpack");
    for (index, name) in ["one", "two"].into_iter().enumerate() {
        let path = bundle["shells"][index]["nix-path"].as_array().unwrap();
        assert!(path.len() == 1 && path[0]["name"] == name, "{path:?}");
    }
    assert_eq!(bundle["pins"].as_array().unwrap().len(), 2);
}

/// Each would use it, and for each something else is in its place.
#[test]
fn the_targets_own_configuration_is_kept_out_of_each() {
    let a = machine_a();
    for (place, which) in [("a", "a"), ("tools/b", "b")] {
        let text = format!("let pkgs = import <nixpkgs> {{ }}; in {}", shell(which, ""));
        a.write(
            &format!("fixtures/shells/configured/{place}/shell.nix"),
            &text,
        );
    }
    let words = "a tools/b -I nixpkgs=$HOME/fixtures/nixpkgs";
    let b = packed("configured", "", words);
    b.write(".config/nixpkgs/config.nix", "{ greeting = \"No\"; }");
    b.write(".config/nixpkgs/overlays/no.nix", "throw \"no\"");
    arrive(&b, &[""]);
    by_hand(&b, &[("a", "a"), ("tools/b", "b")]);
}

/// They are only entered without evaluation, so files for evaluation are left out.
#[test]
fn several_are_carried_without_evaluation() {
    let b = packed_pair("cold", "--no-eval");
    arrive(&b, &["", "--no-eval", "--pure"]);
    b.shellpack("inspect x.shellpack")
        .succeeds()
        .shows("a, tools/b: entered the shell without evaluation")
        .never_says("nixpkgs.tar.gz");
    by_hand(&b, &[("a", "a"), ("tools/b", "b")]);
    b.shellpack("open x.shellpack --no-shell --shell a")
        .succeeds()
        .says("to enter a by hand: cd /root/cold && shellpack enter --shell a\n");
    b.sh("find cold -type f | sort")
        .succeeds()
        .prints("cold/a/shell.nix\ncold/tools/b/shell.nix");
}

/// The file that both import is above them; a directory that is copied keeps its name.
#[test]
fn files_of_both_are_one_project() {
    let a = machine_a();
    let common = "COMMON = import ../common.nix; src = ./.;";
    write_pair(
        "common-files",
        [common, "COMMON = import ../../common.nix;"],
    );
    a.write("fixtures/shells/common-files/common.nix", "\"common\"");
    let b = packed("common-files", "", "a tools/b --name together");
    for name in ["a", "tools/b"] {
        b.shellpack(&format!(
            "open x.shellpack --shell {name} --run 'echo $COMMON; pwd'"
        ))
        .succeeds()
        .prints(&format!("common\n/root/together/{name}"));
    }
    b.shellpack("open x.shellpack --shell a --run 'ls $src'")
        .succeeds()
        .prints("shell.nix");
}

#[test]
fn shells_without_a_directory_in_common_are_refused() {
    let a = machine_a();
    a.write_shell("apart", &shell("a", ""));
    a.sh("mkdir -p /srv/other; mount -t tmpfs none /srv/other; echo '{ }' > /srv/other/shell.nix; \
          cp fixtures/shells/apart/shell.nix /srv/other; shellpack create fixtures/shells/apart /srv/other -o apart.shellpack")
        .exits_with(1)
        .says("could not pack /srv/other/shell.nix: it is outside /root");
}
