//! Store paths, their references and their sizes.

use shellpack_format::bundle::manifest::ClosurePath;
use shellpack_format::store::store_path::{StoreDir, StorePath};

use crate::synthetic::refusals::{with, with_tables};
use crate::synthetic::{Bundle, faults};

#[test]
fn a_store_path_that_is_listed_twice_is_refused() {
    let said = with(|manifest| {
        let first = manifest.closure.paths[0].clone();
        manifest.closure.paths.push(first);
    });
    assert_eq!(said, format!("{:032}-bash is listed twice", 1));
}

/// The message for these references of the sample's third path.
fn with_references(references: &[u32]) -> String {
    with(|manifest| manifest.closure.paths[2].references = references.to_vec())
}

/// References come before referrers: nothing is ever registered before what it needs, and
/// there is no loop but to oneself.
#[test]
fn references_point_backwards() {
    for forward in [[3], [4], [u32::MAX]] {
        let said = format!("the references of {:032}-libgreet-1.0 are not in order", 3);
        assert_eq!(with_references(&forward), said);
    }
}

#[test]
fn references_are_sorted_and_stated_once() {
    for references in [[1, 0], [0, 0]] {
        let said = format!("the references of {:032}-libgreet-1.0 are not in order", 3);
        assert_eq!(with_references(&references), said);
    }
}

#[test]
fn a_path_may_refer_to_itself() {
    let mut bundle = Bundle::sample();
    bundle.manifest.closure.paths[2].references = vec![2];
    bundle.cut(&[]);
    assert!(faults(&bundle.bytes()).is_empty());
}

#[test]
fn references_that_are_no_numbers_are_refused() {
    for references in [
        toml::Value::from(vec![-1]),
        vec![1i64 << 32].into(),
        vec!["0"].into(),
    ] {
        let said = with_tables(|tables| {
            tables["closure"]["paths"][3]["references"] = references.clone();
        });
        assert!(said.starts_with("invalid "), "{said}");
    }
}

#[test]
fn a_segment_has_content_and_at_most_128_mib() {
    for segments in [vec![0], vec![(128 << 20) + 1], vec![1 << 60], vec![100, 0]] {
        let said = with(|manifest| manifest.closure.segments.clone_from(&segments));
        assert_eq!(said, "a segment is empty or larger than 134217728 bytes");
    }
}

#[test]
fn segments_add_up_to_the_store_paths() {
    for change in [vec![], vec![1], vec![900, 900], vec![128 << 20; 1000]] {
        let said = with(|manifest| manifest.closure.segments.clone_from(&change));
        assert_eq!(
            said,
            "the segments' sizes do not add up to the store paths'"
        );
    }
}

#[test]
fn sizes_that_overflow_are_refused() {
    let huge = i64::MAX.unsigned_abs();
    let said = with(|manifest| {
        let paths = &mut manifest.closure.paths;
        for path in paths {
            path.nar_size = huge;
        }
    });
    assert_eq!(said, "its sizes are too large");
}

#[test]
fn a_nar_of_exabytes_costs_nothing() {
    let said = with(|manifest| manifest.closure.paths[0].nar_size = 1 << 60);
    assert_eq!(
        said,
        "the segments' sizes do not add up to the store paths'"
    );
}

#[test]
fn a_path_starts_where_the_sizes_say() {
    let said = format!(
        "{:032}-libgreet-1.0 does not start where the manifest says",
        3
    );
    let third =
        |change: fn(&mut ClosurePath)| with(|manifest| change(&mut manifest.closure.paths[2]));
    assert_eq!(third(|path| *path.offset.as_mut().unwrap() += 1), said);
    assert_eq!(third(|path| *path.segment.as_mut().unwrap() += 1), said);
    assert_eq!(third(|path| path.segment = Some(u32::MAX)), said);
}

/// They go into lines of a database and of a protocol. Newer versions of Nix cannot read an entry
/// whose signature is none.
#[test]
fn signatures_and_ca_have_their_form() {
    let said = format!(
        "the signatures or ca of {:032}-libgreet-1.0 are malformed",
        3
    );
    for word in [
        "a b",
        "a\nb",
        "a\u{1b}[31m",
        "a\0",
        "",
        "garbage",
        "a:",
        ":AAAA",
        "a:b c",
    ] {
        assert_eq!(
            with(|manifest| manifest.closure.paths[2].ca = Some(word.into())),
            said
        );
        let signatures = vec![word.to_owned()];
        assert_eq!(
            with(|manifest| manifest.closure.paths[2].signatures = signatures),
            said
        );
    }
    for claim in [
        "fixed:r:sha256:short",
        "fixed:sha3:143xibwh31h9bvxzalr0sjvbbvpa6ffs",
    ] {
        assert_eq!(
            with(|manifest| manifest.closure.paths[2].ca = Some(claim.into())),
            said
        );
    }
}

/// Nix takes `HASH-x.lock` for the lock of `HASH-x`, and more names like this for files of its own.
#[test]
fn two_paths_of_one_hash_part_are_refused() {
    for ending in [".lock", ".check", ".chroot", "-dev", ""] {
        let said = with(|manifest| {
            let other = format!("{:032}-greet-1.0{ending}", 3);
            manifest.closure.paths[3].path = StorePath::from_base_name(&other).unwrap();
        });
        let paths = format!(
            "{0:032}-libgreet-1.0 and {0:032}-greet-1.0{ending} have one hash part",
            3
        );
        assert_eq!(said, paths);
    }
}

#[test]
fn another_store_directory_is_another_stream() {
    let mut bundle = Bundle::sample();
    bundle.manifest.closure.store = StoreDir::parse("/gnu/store").unwrap();
    bundle.manifest.shells[0].bash = None;
    bundle.manifest.shells[0].nix_path.clear();
    // It is that of a path in `/nix/store`.
    bundle.manifest.closure.paths[1].ca = None;
    bundle.cut(&[]);
    assert!(faults(&bundle.bytes()).is_empty());
}
