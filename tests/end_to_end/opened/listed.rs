//! What was opened is listed, for people and for programs.

use serde_json::Value;

use crate::support::opened::{listed, open, with_the_blogs_shell};
use crate::support::sizes::is_size;
use crate::support::{Machine, bundle};

#[test]
fn what_was_opened_is_listed() {
    let b = with_the_blogs_shell();
    open(&b, "imports");
    let list = b.shellpack("list").succeeds();
    let mut lines = list.stdout.lines();
    assert_eq!(
        lines.next().unwrap().split_whitespace().collect::<Vec<_>>(),
        ["NAME", "SIZE", "OPENED", "(UTC)", "ROOTS", "DERIVATION"]
    );
    for (name, at) in [("blog", 0), ("imports", 1)] {
        let told = &listed(&b)[at];
        let size = told["nar-bytes"].as_u64().unwrap();
        let row: Vec<_> = lines.next().unwrap().split("  ").map(str::trim).collect();
        let row: Vec<_> = row.into_iter().filter(|cell| !cell.is_empty()).collect();
        let derivation = told["derivation"].as_str().unwrap();
        assert_eq!(row[0], name, "{list}");
        assert!(is_size(row[1], size), "{size} bytes\n{list}");
        assert_eq!(format!("/nix/store/{}", row[4]), derivation, "{list}");
        assert_eq!(lines.next().unwrap(), format!("  /root/{name}"), "{list}");
    }
    assert_eq!(lines.next(), None);
    b.shellpack("list -v").succeeds().shows("-hello-2.10\n");
}

/// The derivation has a line of its own there.
#[test]
fn the_list_fits_a_narrow_terminal() {
    let b = with_the_blogs_shell();
    let script = "script -qec 'stty cols 60; shellpack list' /dev/null";
    let shown = b.sh(script).succeeds().text();
    assert_eq!(shown.lines().count(), 4, "{shown}");
    assert!(shown.lines().all(|line| line.len() <= 60), "{shown}");
}

#[test]
fn a_program_is_told_what_was_opened() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    b.shellpack("open x.shellpack --no-shell").succeeds();
    let inspected = b.shellpack("inspect --json x.shellpack").succeeds().stdout;
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    let listed = listed(&b);
    let [told] = &listed[..] else {
        panic!("not one: {listed:?}")
    };
    for field in ["name", "nar-bytes", "manifest-digest"] {
        assert_eq!(told[field], inspected[field]);
    }
    let roots = inspected["shells"][0]["roots"].as_array().unwrap();
    assert_eq!(told["roots"].as_array().unwrap().len(), roots.len());
    assert_eq!(told["missing-roots"].as_array().unwrap().len(), 0);
    assert_eq!(told["projects"][0]["directory"], "/root/blog");
    assert_eq!(told["projects"][0]["exists"], true);
    assert_eq!(told["problem"], Value::Null);
    let today = b.sh("date -u +%Y-%m-%dT").succeeds().text();
    assert!(
        told["opened"].as_str().unwrap().starts_with(&today),
        "{told}"
    );
}

#[test]
fn where_nothing_was_opened_nothing_is_listed() {
    let b = Machine::offline();
    b.shellpack("list")
        .succeeds()
        .prints("")
        .says("nothing was opened here yet");
    b.shellpack("list --json").succeeds().prints("[]");
}

#[test]
fn list_and_its_errors_take_no_nix() {
    let b = with_the_blogs_shell();
    let without = "PATH=/nowhere $(command -v shellpack)";
    b.sh(&format!("{without} list")).succeeds().shows("blog");
    b.sh(&format!("{without} enter other"))
        .exits_with(125)
        .says("could not find other");
}
