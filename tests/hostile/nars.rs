//! NARs that are none, although the manifest states their hash and size as they are: made by
//! an author who can write a manifest. `verify` finds them, and unpacking stops at them.

use std::fs;

use shellpack::internals::{Error, Restore};
use shellpack_format::bundle::BadBundle;

use crate::synthetic::{Bundle, entry, faults, nar, nar_of_entries};

/// The error of unpacking; it may have touched nothing but the tree's own place.
fn unpacked(nar: &[u8]) -> String {
    let scratch = tempfile::tempdir().unwrap();
    let (tree, beside) = (scratch.path().join("tree"), scratch.path().join("beside"));
    fs::write(&beside, "untouched").unwrap();
    let mut restore = Restore::new(tree.clone());
    let outcome = restore.write(nar).and_then(|()| restore.finish());
    shellpack::internals::delete_tree(&tree).unwrap();
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(&beside).unwrap(), "untouched");
    match outcome.unwrap_err() {
        Error::BadNar { source, .. } => source.to_string(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn is_refused(nar: Vec<u8>, because: &str) {
    assert_eq!(unpacked(&nar), format!("not a valid NAR: {because}"));
    let found = faults(&Bundle::minimal().with_nar(nar).bytes());
    let path = format!("{:032}-bash", 1);
    let reason = format!("it is not a valid NAR: {because}");
    let is_it = |fault: &BadBundle| matches!(fault, BadBundle::StorePath { path: named, reason: said } if *named == path && said.to_string() == reason);
    assert!(
        found.len() == 1 && is_it(&found[0]),
        "{because}: verify found {found:?}"
    );
}

#[test]
fn an_entry_that_leaves_its_directory_is_refused() {
    for name in ["..", ".", "", "/", "/etc/passwd", "../x", "a/b", "a\0b"] {
        is_refused(
            nar_of_entries(&[&entry(name)]),
            "an entry has an unsafe name",
        );
    }
}

#[test]
fn unsorted_entries_are_refused() {
    let entries = [&*entry("b"), &*entry("a")];
    is_refused(nar_of_entries(&entries), "its entries are not in order");
}

#[test]
fn duplicate_entries_are_refused() {
    let entries = [&*entry("a"), &*entry("a")];
    is_refused(nar_of_entries(&entries), "its entries are not in order");
}

/// First a way out, then a file through it.
#[test]
fn an_entry_below_a_symlink_is_refused() {
    let node = ["(", "type", "symlink", "target", "..", ")", ")"];
    let link = [&["entry", "(", "name", "a", "node"][..], &node].concat();
    let directory = ["entry", "(", "name", "a", "node", "(", "type", "directory"];
    let below = [&directory[..], &entry("beside"), &[")", ")"]].concat();
    is_refused(
        nar_of_entries(&[&link, &below]),
        "its entries are not in order",
    );
}

#[test]
fn directories_that_nest_too_deeply_are_refused() {
    let mut strings = vec!["nix-archive-1", "(", "type", "directory"];
    for _ in 0..300 {
        strings.extend(["entry", "(", "name", "d", "node", "(", "type", "directory"]);
    }
    strings.extend([")"; 601]);
    is_refused(nar(&strings), "its directories nest too deeply");
}

#[test]
fn a_string_that_claims_exabytes_is_refused() {
    let mut bytes = nar(&["nix-archive-1", "(", "type", "symlink", "target"]);
    bytes.extend((1u64 << 60).to_le_bytes());
    is_refused(bytes, "a name or keyword is too long");
}

#[test]
fn contents_that_claim_exabytes_are_refused() {
    let mut bytes = nar(&["nix-archive-1", "(", "type", "regular", "contents"]);
    bytes.extend((1u64 << 60).to_le_bytes());
    bytes.extend([7; 64]);
    is_refused(bytes, "it ends too early");
}

#[test]
fn an_empty_nar_is_refused() {
    is_refused(Vec::new(), "it ends too early");
}

#[test]
fn bytes_after_a_nar_are_refused() {
    let mut bytes = nar_of_entries(&[&entry("a")]);
    bytes.extend([0; 8]);
    is_refused(bytes, "there are bytes after its end");
}

#[test]
fn padding_that_is_not_zero_is_refused() {
    let mut bytes = nar_of_entries(&[&entry("a")]);
    *bytes.last_mut().unwrap() = 1;
    is_refused(bytes, "its padding is not zero");
}

#[test]
fn kinds_of_files_that_nix_does_not_have_are_refused() {
    for kind in ["device", "fifo", "Regular", "regular\0"] {
        let strings = ["nix-archive-1", "(", "type", kind, ")"];
        is_refused(nar(&strings), "an unexpected keyword");
    }
}

#[test]
fn another_version_of_nars_is_refused() {
    let strings = ["nix-archive-2", "(", "type", "directory", ")"];
    is_refused(nar(&strings), "an unexpected keyword");
}

#[test]
fn symlinks_to_nothing_are_refused() {
    for target in ["", "a\0b"] {
        let node = ["(", "type", "symlink", "target", target, ")"];
        let strings = [&["nix-archive-1"][..], &node].concat();
        is_refused(nar(&strings), "a symlink has no usable target");
    }
}
