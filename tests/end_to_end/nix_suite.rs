//! The assertions of Nix's own functional tests about what a user gets in nix-shell and `nix develop`.
//! The table in `docs/reference/nix-tests.md` has each of them, and the test that holds it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::markdown;

/// The shell of a flake, beside `nix develop`.
mod develop;
/// Everything that nix-shell takes as a file.
mod files;
/// Scripts, of which nix-shell is the interpreter.
mod scripts;
/// Structured attributes and graphs of references.
mod structured;

const TABLE: &str = "docs/reference/nix-tests.md";

/// The first words of a result. The last ones need no test.
const RESULTS: [&str; 4] = ["same", "refused", "differs", NO_SHELL];
const NO_SHELL: &str = "not a shell";

/// The functions of all tests below a directory.
fn functions(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let names = text.lines().filter_map(|line| line.strip_prefix("fn "));
        let names = names.filter_map(|rest| rest.split_once("()"));
        found.extend(names.map(|(name, _)| name.to_owned()));
    }
}

/// Each row has a result and a test that exists, and each case of this suite has its rows.
#[test]
fn every_row_of_the_table_has_its_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut known = BTreeSet::new();
    functions(&tests, &mut known);
    let mut named = BTreeSet::new();
    for row in markdown::read(TABLE).lines() {
        if !row.starts_with("| ") || row.starts_with("| what") {
            continue;
        }
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, result, by] = cells[..] else {
            panic!("not three cells: {row}");
        };
        let is_known = |known: &&str| result.starts_with(known);
        assert!(RESULTS.iter().any(is_known), "no result: {row}");
        let by: Vec<_> = by.split('`').skip(1).step_by(2).collect();
        let unknown = by.iter().find(|name| !known.contains(**name));
        assert_eq!(unknown, None, "no such test: {row}");
        assert!(
            !by.is_empty() || result.starts_with(NO_SHELL),
            "no test: {row}"
        );
        named.extend(by.into_iter().map(str::to_owned));
    }
    let own = tests.join("end_to_end/nix_suite");
    let mut cases = BTreeSet::new();
    functions(&own, &mut cases);
    cases.retain(|name| is_test(&own, name) && !named.contains(name));
    assert!(cases.is_empty(), "not in {TABLE}: {cases:?}");
}

/// Whether a function is a test, and not a help for others.
fn is_test(directory: &Path, name: &str) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        text.contains(&format!("#[test]\nfn {name}()"))
    })
}
