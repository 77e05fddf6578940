//! Opened bundles are listed, for people and for programs.

use serde_json::{Value, json};

use crate::support::opened::{listed, open, with_the_blogs_shell};
use crate::support::several::inspected;
use crate::support::sizes::is_size;
use crate::support::{Machine, offline_with};

/// The cells of a row of a table.
fn cells(row: &str) -> Vec<&str> {
    let cells = row.split("  ").map(str::trim);
    cells.filter(|cell| !cell.is_empty()).collect()
}

#[test]
fn opened_bundles_are_listed() {
    let b = with_the_blogs_shell();
    open(&b, "imports");
    let list = b.runs("shellpack list");
    let mut lines = list.stdout.lines();
    let head = cells(lines.next().unwrap());
    assert_eq!(head.join("|"), "NAME|SIZE|OPENED (UTC)|ROOTS|DERIVATION");
    for (name, told) in ["blog", "imports"].into_iter().zip(listed(&b)) {
        let row = cells(lines.next().unwrap());
        let size = told["nar-bytes"].as_u64().unwrap();
        assert_eq!(row[0], name, "{list}");
        assert!(is_size(row[1], size), "{size} bytes\n{list}");
        let derivation = format!("/nix/store/{}", row[4]);
        assert_eq!(told["derivation"], derivation, "{list}");
        assert_eq!(lines.next().unwrap(), format!("  /root/{name}"), "{list}");
    }
    assert_eq!(lines.next(), None);
    b.runs("shellpack list -v").shows("-hello-2.10\n");
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
fn list_json_reports_opened_bundles() {
    let b = offline_with("blog");
    b.runs("shellpack open x.shellpack --no-shell");
    let bundle = inspected(&b, "x.shellpack");
    let listed = listed(&b);
    let [told] = &listed[..] else {
        panic!("not one: {listed:?}")
    };
    for field in ["name", "nar-bytes", "manifest-digest"] {
        assert_eq!(told[field], bundle[field]);
    }
    let number = |value: &Value| value.as_array().unwrap().len();
    let roots = &bundle["shells"][0]["roots"];
    assert_eq!(number(&told["roots"]), number(roots));
    assert_eq!(told["missing-roots"], json!([]));
    assert_eq!(told["projects"][0]["directory"], "/root/blog");
    assert_eq!(told["projects"][0]["exists"], true);
    assert_eq!(told["problem"], Value::Null);
    let today = b.runs("date -u +%Y-%m-%dT").text();
    let opened = told["opened"].as_str().unwrap();
    assert!(opened.starts_with(&today), "{told}");
}

#[test]
fn where_nothing_was_opened_nothing_is_listed() {
    let b = Machine::offline();
    b.shellpack("list")
        .succeeds()
        .prints("")
        .says("no bundle was opened here yet");
    b.shellpack("list --json").succeeds().prints("[]");
}

#[test]
fn list_and_its_errors_need_no_nix() {
    let b = with_the_blogs_shell();
    let without = "PATH=/nowhere $(command -v shellpack)";
    b.sh(&format!("{without} list")).succeeds().shows("blog");
    b.sh(&format!("{without} enter other"))
        .exits_with(125)
        .says("could not find other");
}
