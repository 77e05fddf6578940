//! Commands as people type them who come from other tools.

use crate::support::shells::MESSAGE;
use crate::support::{Machine, bundle, offline_with};

#[test]
fn a_command_and_its_arguments_are_run() {
    let b = offline_with("blog");
    let say = r#"-- sh -c 'echo "<$MESSAGE>" "$1" "$#"; exit 3' sh "two words" "a'b""#;
    let said = format!("<{MESSAGE}> two words 2");
    for words in [
        "open x.shellpack",
        "open x.shellpack --no-eval",
        "enter blog",
        "enter blog --pure",
    ] {
        b.shellpack(&format!("{words} {say}"))
            .exits_with(3)
            .prints(&said);
    }
    b.sh(&format!("cd blog; exec shellpack enter {say}"))
        .exits_with(3)
        .prints(&said);
    b.shellpack("open x.shellpack --run true -- true")
        .exits_with(2);
}

#[test]
fn a_redirected_bundle_needs_no_dash() {
    let b = offline_with("blog");
    let run = r#"--run 'echo "$MESSAGE"'"#;
    b.sh(&format!("shellpack open {run} < x.shellpack"))
        .succeeds()
        .prints(MESSAGE);
    b.sh(&format!("cat x.shellpack | shellpack open {run}"))
        .succeeds()
        .prints(MESSAGE);
    b.sh("shellpack open </dev/null")
        .exits_with(2)
        .says("required arguments were not provided:\n  <BUNDLE>");
}

#[test]
fn names_of_other_tools_have_a_tip() {
    let b = Machine::offline();
    for (typed, command) in [
        ("pack", "create"),
        ("unpack", "open"),
        ("save", "create"),
        ("load", "open"),
        ("info", "inspect"),
        ("rm", "remove"),
    ] {
        b.shellpack(&format!("{typed} x"))
            .exits_with(2)
            .says(&format!("unrecognized subcommand '{typed}'"))
            .says(&format!("'{command}'"));
    }
}

#[test]
fn several_bundles_are_verified() {
    let b = offline_with("blog");
    b.receive(&bundle("imports"), "y.shellpack");
    b.sh("shellpack verify x.shellpack y.shellpack")
        .succeeds()
        .shows("x.shellpack: sound (9 store paths, 1 project file)\n")
        .shows("y.shellpack: sound (");
    b.sh("head -c 100000 x.shellpack > cut.shellpack; shellpack verify cut.shellpack gone.shellpack x.shellpack")
        .exits_with(1)
        .shows("x.shellpack: sound (")
        .says("cut.shellpack is damaged")
        .says("could not open gone.shellpack");
    let told = b.sh("shellpack verify --json x.shellpack cut.shellpack");
    let told = told.exits_with(1);
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told[0]["sound"], true);
    assert_eq!(told[0]["bundle"], "x.shellpack");
    assert_eq!(told[1]["sound"], false);
    assert!(
        told[1]["faults"]
            .as_array()
            .is_some_and(|faults| !faults.is_empty())
    );
}

#[test]
fn programs_open_and_remove() {
    let b = offline_with("blog");
    let told = b.shellpack("open x.shellpack --no-shell --json").succeeds();
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["name"], "blog");
    assert_eq!(told["imported"], 9);
    assert_eq!(told["project"], "/root/blog");
    let line = told["shells"][0]["line"].as_str().unwrap().to_owned();
    b.sh(&format!("{line} --run 'echo \"$MESSAGE\"'"))
        .succeeds()
        .prints(MESSAGE);
    let told = b.shellpack("remove blog --json").succeeds();
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert!(told["removed"][0].as_str().unwrap().starts_with("blog@"));
    assert_eq!(told["projects"][0], "/root/blog");
    assert!(told["garbage"]["paths"].as_u64().unwrap() > 0);
}
