//! Updates that presume what cannot be, or would make a reader read without an end.

use shellpack_format::bundle::manifest::{Delta, Piece, Prefix};

use crate::synthetic::refusals::{invalid, refused_text, with};
use crate::synthetic::store_path;
use crate::synthetic::update::Update;

/// Why the sample's manifest is not valid once it is changed.
#[track_caller]
fn changed(edit: impl FnOnce(&mut Update)) -> String {
    let mut update = Update::sample();
    edit(&mut update);
    let bytes = update.bundle.manifest.to_bytes().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let body = text.rsplit_once("# sha256:").unwrap().0;
    invalid(&refused_text(body))
}

#[track_caller]
fn with_delta(edit: impl FnOnce(&mut Delta)) -> String {
    changed(|update| edit(update.delta()))
}

#[test]
fn needs_and_delta_belong_together() {
    let words = "its delta and its needs contradict each other";
    assert_eq!(
        changed(|update| update.bundle.manifest.needs.clear()),
        words
    );
    assert_eq!(
        with(|manifest| manifest.needs.push("delta".to_owned())),
        words
    );
}

#[test]
fn a_path_is_either_carried_or_presumed() {
    let neither = format!("{:032}-bash is neither carried nor presumed", 1);
    let first = |edit: fn(&mut shellpack_format::bundle::manifest::ClosurePath)| {
        changed(|update| edit(&mut update.bundle.manifest.closure.paths[0]))
    };
    assert_eq!(first(|path| path.presumed = false), neither);
    assert_eq!(first(|path| path.segment = Some(0)), neither);
    assert_eq!(first(|path| path.offset = Some(0)), neither);
    // Nor does a bundle presume anything that is no update.
    let said = with(|manifest| {
        let path = &mut manifest.closure.paths[0];
        (path.presumed, path.segment, path.offset) = (true, None, None);
    });
    assert!(said.ends_with("is neither carried nor presumed"), "{said}");
}

/// It would become valid without its references.
#[test]
fn what_is_presumed_refers_to_what_is_presumed() {
    let said = changed(|update| {
        let paths = &mut update.bundle.manifest.closure.paths;
        (paths[2].presumed, paths[2].segment, paths[2].offset) = (true, None, None);
        paths[2].references = vec![0, 1];
    });
    let (path, other) = (store_path(3, "parade"), store_path(2, "greet-1.1"));
    assert_eq!(
        said,
        format!("{path} is presumed, but not {other}, to which it refers")
    );
}

#[test]
fn pairs_bases_and_prefixes_are_in_order() {
    let said = changed(|update| update.replace(&[(3, 1), (2, 1)]));
    assert_eq!(said, "the hash parts to replace are not in order");
    let said = changed(|update| update.replace(&[(3, 1), (3, 2)]));
    assert_eq!(said, "the hash parts to replace are not in order");
    let said = with_delta(|delta| delta.bases.swap(0, 1));
    assert_eq!(said, "the bases are not in order");
    let said = with_delta(|delta| {
        let first = delta.prefixes[0].clone();
        delta.prefixes.push(first);
    });
    assert_eq!(said, "the prefixes are not in order");
}

/// A target could have only one of the two.
#[test]
fn a_base_is_not_another_path_of_that_hash_part() {
    let said = format!("the base {} is not what is presumed", store_path(1, "bash"));
    assert_eq!(with_delta(|delta| delta.bases[0].nar_size += 1), said);
    let other = with_delta(|delta| delta.bases[0].path = store_path(1, "other"));
    assert!(other.ends_with("is not what is presumed"), "{other}");
    // What is carried is not there yet.
    let carried = with_delta(|delta| delta.bases[1].path = store_path(2, "greet-1.1"));
    assert!(carried.ends_with("is not what is presumed"), "{carried}");
}

#[test]
fn a_prefix_lies_in_its_bases_and_fits_its_segment() {
    let piece = |base, offset, size| Piece { base, offset, size };
    let bad = "a piece of a prefix is empty, or not in its base";
    let of = |piece: Piece| with_delta(|delta| delta.prefixes[0].pieces = vec![piece]);
    for wrong in [
        piece(2, 0, 1),
        piece(0, 0, 0),
        piece(0, 0, 1 << 20),
        piece(0, u64::MAX >> 1, 1),
        piece(0, 1 << 62, u64::MAX >> 1),
    ] {
        assert_eq!(of(wrong), bad, "{wrong:?}");
    }
    let said = with_delta(|delta| delta.prefixes[0].pieces.clear());
    assert!(said.starts_with("a prefix is empty"), "{said}");
    let said = with_delta(|delta| {
        delta.prefixes.push(Prefix {
            segment: 1,
            pieces: vec![piece(0, 0, 1)],
        });
    });
    assert_eq!(said, "there is a prefix without a segment");
    // A base may be huge: what is read of it at once may not.
    let said = with_delta(|delta| {
        delta.bases[1].nar_size = 1 << 40;
        delta.prefixes[0].pieces = vec![piece(1, 0, 1 << 27)];
    });
    assert!(
        said.contains("more than 134217728 bytes with its segment"),
        "{said}"
    );
}

/// Thousands of small segments could each make a reader read a whole base. Another base, which is said to be
/// huge, lifts no limit.
#[test]
fn bases_are_not_read_over_and_over() {
    let said = with_delta(|delta| {
        let whole = delta.prefixes[0].pieces[0];
        delta.prefixes[0].pieces = vec![whole; 10];
        delta.bases[0].nar_size = 1 << 50;
        delta.bases[0].path = store_path(0, "huge");
    });
    assert!(
        said.starts_with("its prefixes have much more of "),
        "{said}"
    );
}

#[test]
fn a_pair_is_two_hash_parts() {
    let text = |pair: &str| {
        let mut update = Update::sample();
        let tables = update.bundle.tables().to_string();
        let old = update.delta().replace[0].to_string();
        invalid(&refused_text(&tables.replace(&old, pair)))
    };
    for pair in [
        "",
        "0",
        &"0".repeat(32),
        &format!("{} {}", "0".repeat(32), "e".repeat(32)),
        &format!("{0} {0} ", "0".repeat(32)),
    ] {
        let said = text(pair);
        assert!(said.contains("is not two hash parts"), "{said}");
    }
}
