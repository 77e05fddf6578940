//! Progress as JSON: `--progress json`.

use serde_json::{Value, json};

use crate::support::waiting::{LOCK, said_while_waiting};
use crate::support::{Machine, bundle, machine_a};

/// Every line, as JSON.
#[track_caller]
fn events(text: &str) -> Vec<Value> {
    let event = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    text.lines().map(event).collect()
}

/// The phases, in order.
fn phases(events: &[Value]) -> Vec<&str> {
    let phases = events.iter().filter(|event| event["event"] == "phase");
    phases.filter_map(|event| event["phase"].as_str()).collect()
}

/// The last progress of a phase: bytes and paths, each with its total.
fn done(events: &[Value], phase: &str) -> [u64; 4] {
    let is_progress = |event: &&Value| event["event"] == "progress" && event["phase"] == phase;
    let last = events.iter().rfind(is_progress).unwrap();
    ["bytes", "total-bytes", "paths", "total-paths"].map(|name| last[name].as_u64().unwrap())
}

/// How many events there are of a kind.
fn number(events: &[Value], kind: &str) -> usize {
    events.iter().filter(|event| event["event"] == kind).count()
}

#[test]
fn json_reports_how_far_create_is() {
    let a = machine_a();
    let create = "create fixtures/shells/blog -o told.shellpack --progress json";
    let told = events(&a.shellpack(create).succeeds().shows("closure").stderr);
    let order = "evaluate build query rehearse pack sync read-back";
    assert_eq!(phases(&told).join(" "), order);
    let inspected = a.shellpack("inspect --json told.shellpack").succeeds();
    let closure: Value = serde_json::from_str(&inspected.stdout).unwrap();
    let (bytes, paths) = (closure["nar-bytes"].as_u64().unwrap(), 9);
    assert_eq!(done(&told, "pack"), [bytes, bytes, paths, paths]);
    let size = a.sh("stat -c %s told.shellpack").text().parse().unwrap();
    assert_eq!(done(&told, "read-back"), [size, size, paths, paths]);
    assert_eq!(told.last(), Some(&json!({ "event": "done" })));
    assert_eq!(number(&told, "done"), 1);
}

/// Progress counts bytes that are read and written, and most of these are no NAR.
#[test]
fn json_reports_how_much_of_the_file_was_copied() {
    let a = machine_a();
    a.runs("mkdir told-v told-w; cp -R fixtures/shells/blog fixtures/shells/copied; head -c 3000000 /dev/urandom >fixtures/shells/copied/data");
    a.runs("shellpack create fixtures/shells/copied --include fixtures/shells/copied/data -o copied.shellpack --no-rehearsal");
    let size: u64 = a
        .runs("stat -c %s copied.shellpack")
        .text()
        .parse()
        .unwrap();
    assert!(size > 4_000_000, "{size}");
    for (command, phase) in [
        ("copy copied.shellpack told-v --read-back", "copy"),
        ("split copied.shellpack --volume-size 1M -o told-w", "split"),
        ("join told-w/copied.shellpack -o joined", "join"),
        ("verify told-w/copied.shellpack", "verify"),
    ] {
        let told = a.runs(&format!("shellpack {command} --progress json"));
        let [read, total, ..] = done(&events(&told.stderr), phase);
        assert_eq!((read, total), (size, size), "{command}");
    }
    let told = a.runs("shellpack verify --progress json - <copied.shellpack");
    let [bytes, total, ..] = done(&events(&told.stderr), "verify");
    assert!(bytes == total && bytes != size);
}

/// Words of the command are not part of the stream, which ends before the command begins.
#[test]
fn json_reports_when_open_hands_over() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    let run = "--run 'echo from the command >&2; exit 4'";
    let open = b.shellpack(&format!("open x.shellpack --progress json {run}"));
    let said = open.exits_with(4).stderr;
    let told = said.strip_suffix("from the command\n").unwrap();
    let told = events(told);
    assert_eq!(phases(&told), ["check", "import", "sync", "evaluate"]);
    let [bytes, total, paths, _] = done(&told, "import");
    assert!(bytes == total && bytes > 0 && paths == 9, "{told:?}");
    assert_eq!(told.last(), Some(&json!({ "event": "done" })));
}

#[test]
fn json_reports_when_enter_hands_over() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    b.shellpack("open x.shellpack --no-shell").succeeds();
    let run = "--run 'echo from the command >&2; exit 4'";
    let enter = b.shellpack(&format!("enter blog --progress json {run}"));
    let said = enter.exits_with(4).stderr;
    let told = events(said.strip_suffix("from the command\n").unwrap());
    assert_eq!(phases(&told), ["check", "evaluate"]);
    assert_eq!(told.last(), Some(&json!({ "event": "done" })));
}

#[test]
fn json_reports_when_a_rehearsal_hands_over() {
    let a = machine_a();
    bundle("blog");
    let run = "--run 'echo from the command >&2'";
    let rehearse = a.shellpack(&format!("rehearse blog.shellpack --progress json {run}"));
    let said = rehearse.succeeds().stderr;
    let told = events(said.strip_suffix("from the command\n").unwrap());
    assert_eq!(number(&told, "done"), 1);
    assert_eq!(told.last(), Some(&json!({ "event": "done" })));
}

/// The log of a build that says something that is neither JSON nor fit for a terminal.
const SPEAKS: &str = r#"printf 'the \"builder\" speaks\n\n'; echo on stderr >&2;"#;

/// A machine A with a shell `NAME` whose build speaks, and then does this.
fn with_build(name: &str, then: &str) -> Machine {
    let a = Machine::online();
    let build = format!("pkgs.runCommand \"{name}\" {{ }} ''{SPEAKS} {then}''");
    let shell = format!("pkgs.mkShell {{ packages = [ ({build}) ]; }}");
    a.write_shell(name, &shell);
    a
}

#[test]
fn json_reports_the_log_of_a_build() {
    let a = with_build("speaks", "mkdir $out");
    let create = "create fixtures/shells/speaks -o x.shellpack --progress json";
    let told = events(&a.shellpack(create).succeeds().stderr);
    for line in [r#"the "builder" speaks"#, "", "on stderr"] {
        let log = json!({ "event": "log", "line": line });
        assert!(told.contains(&log), "{line} is not in {told:?}");
    }
    assert_eq!(told.last(), Some(&json!({ "event": "done" })));
}

#[test]
fn json_reports_why_a_build_failed() {
    let a = with_build("fails", "exit 1");
    let create = "create fixtures/shells/fails -o x.shellpack --progress json";
    let failed = json!({
        "event": "error",
        "message": "nix-store failed (exit status 100)",
        "causes": [],
        "hint": null,
        "exit-code": 1
    });
    let told = events(&a.shellpack(create).exits_with(1).stderr);
    let log = json!({ "event": "log", "line": "on stderr" });
    assert!(told.contains(&log), "{told:?}");
    assert_eq!(told.last(), Some(&failed));
    let quiet = a.shellpack(&format!("{create} --quiet")).exits_with(1);
    let [error] = &events(&quiet.stderr)[..] else {
        panic!("more than an error: {quiet}")
    };
    assert!(error["message"].as_str().unwrap().contains("on stderr"));
}

#[test]
fn json_reports_which_lock_is_waited_for() {
    let told = events(&said_while_waiting("--progress json"));
    let waits = |event: &&Value| {
        event["event"] == "waiting"
            && event["phase"] == "import"
            && event["waiting-for"] == format!("another process that holds {LOCK}")
    };
    let waits: Vec<_> = told.iter().filter(waits).collect();
    let seconds = |event: &Value| event["seconds"].as_u64().unwrap();
    assert!(seconds(waits[0]) <= 2, "{told:?}");
    assert!(seconds(waits.last().unwrap()) >= 5, "{told:?}");
}
