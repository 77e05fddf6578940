//! An update says that it is one: what it carries, what it leaves out, and what it was made from.

use serde_json::Value;

use super::{bring, packed};
use crate::support::Machine;
use crate::support::opened::ids;
use crate::support::shells::PRINT;

#[test]
fn an_update_says_what_it_is() {
    let name = "updates-described";
    let a = packed(name);
    let created = a.runs(&format!(
        "cd fixtures/shells/{name}
         shellpack create -o ~/u3.shellpack --level fast --base ~/v1.shellpack"
    ));
    let json = a.shellpack("inspect --json u3.shellpack").succeeds().stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    let (it, from) = (&json["update"], &json["update"]["made-from"][0]);
    let number = |field: &str| it[field].as_u64().unwrap();
    let is_presumed = |path: &&Value| path["presumed"] == true;
    let paths = json["closure"]["paths"].as_array().unwrap();
    let presumed: Vec<_> = paths.iter().filter(is_presumed).collect();
    let bytes = |path: &&Value| path["nar-size"].as_u64().unwrap();
    assert_eq!(number("presumed-paths"), presumed.len() as u64);
    assert_eq!(
        number("presumed-nar-bytes"),
        presumed.iter().map(bytes).sum::<u64>()
    );
    assert_eq!(
        number("carried-paths") + number("presumed-paths"),
        paths.len() as u64
    );
    assert_eq!(
        number("carried-nar-bytes") + number("presumed-nar-bytes"),
        json["nar-bytes"].as_u64().unwrap()
    );
    let inspected = a.shellpack("inspect --json v1.shellpack").succeeds().stdout;
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    assert_eq!(inspected["update"], Value::Null);
    assert_eq!(from["manifest-digest"], inspected["manifest-digest"]);
    let b = Machine::offline();
    bring(&a, &b, &["v1.shellpack", "u3.shellpack"]);
    b.shellpack("open v1.shellpack --no-shell").succeeds();
    let first = &ids(&b)[0];
    assert_eq!(from["id"], first.as_str());
    let (carried, left) = (number("carried-paths"), number("presumed-paths"));
    for said in [
        a.shellpack("inspect u3.shellpack").succeeds().stdout,
        created.stdout.clone() + &created.stderr,
    ] {
        for line in [
            format!("update    carries {carried} paths, "),
            format!("          leaves out {left} paths, "),
            format!("made from {first}\n"),
        ] {
            assert!(said.contains(&line), "{line}\n{said}");
        }
    }
    created
        .shows(&format!("\non a target that has opened {first}, run:\n"))
        .never_says("ratio 0.00");
    b.shellpack(&format!("open u3.shellpack {PRINT}"))
        .succeeds()
        .prints("v3")
        .says(&format!(
            "imported {carried} store paths; the other {left} are here"
        ));
    let made = a.runs(&format!(
        "cd fixtures/shells/{name}
         shellpack create -o ~/again.shellpack --level fast --base ~/v1.shellpack --dry-run --json"
    ));
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!(&made["update"], it);
}
