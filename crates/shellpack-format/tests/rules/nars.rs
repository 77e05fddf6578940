//! The rules for the contents of store paths.

use shellpack_format::store::hash::Digest;
use shellpack_format::store::nar_check::{NarCheck, PathFault};
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::{StoreDir, StorePath};

use crate::synthetic::{Tree, nar};

fn info(base_name: &str, nar: &[u8]) -> PathInfo {
    PathInfo {
        path: StorePath::from_base_name(base_name).unwrap(),
        nar_hash: Digest::of(nar),
        nar_size: nar.len() as u64,
        references: Vec::new(),
        deriver: None,
        ca: None,
        signatures: Vec::new(),
    }
}

/// The fault of a NAR, in slices of any size.
fn checked(info: &PathInfo, nar: &[u8]) -> Option<PathFault> {
    let store = StoreDir::parse("/nix/store").unwrap();
    let outcomes = [nar.len(), nar.len().div_ceil(3), nar.len().div_ceil(50)].map(|step| {
        let mut check = NarCheck::new(info, &store);
        for slice in nar.chunks(step) {
            check.update(slice);
        }
        check.finish().err()
    });
    assert_eq!(outcomes[0], outcomes[1]);
    assert_eq!(outcomes[0], outcomes[2]);
    let [outcome, ..] = outcomes;
    outcome
}

fn named(name: &str, tree: &Tree) -> Option<PathFault> {
    let nar = tree.nar();
    checked(&info(&format!("{:032}-{name}", 1), &nar), &nar)
}

#[test]
fn a_nar_has_its_hash() {
    let nar = Tree::file("x").nar();
    let mut info = info(&format!("{:032}-x", 1), &nar);
    assert_eq!(checked(&info, &nar), None);
    info.nar_hash = Digest::of(b"another");
    assert_eq!(checked(&info, &nar), Some(PathFault::Hash));
    // Damage is the better explanation.
    assert_eq!(checked(&info, b"no NAR"), Some(PathFault::Hash));
}

#[test]
fn what_follows_a_fault_is_not_handed_on() {
    let nar = nar(&["nix-archive-1", "(", "type", "device", ")"]);
    let info = info(&format!("{:032}-x", 1), &nar);
    let mut check = NarCheck::new(&info, &StoreDir::parse("/nix/store").unwrap());
    assert!(check.update(&nar[..40]));
    assert!(!check.update(&nar[40..88]));
    assert!(!check.update(&nar[88..]));
    let fault = check.finish().unwrap_err();
    assert_eq!(
        fault.to_string(),
        "it is not a valid NAR: an unexpected keyword"
    );
}

#[test]
fn a_cut_nar_is_none() {
    let nar = Tree::file("x").nar();
    let cut = &nar[..nar.len() - 8];
    let info = info(&format!("{:032}-x", 1), cut);
    let said = checked(&info, cut).unwrap().to_string();
    assert_eq!(said, "it is not a valid NAR: it ends too early");
}

/// Nix would take them for locks, and for what builds leave.
#[test]
fn a_name_that_nix_uses_is_that_of_a_file_with_contents() {
    for ending in [".lock", ".chroot", ".check", ".tmp"] {
        let name = format!("x{ending}");
        assert_eq!(named(&name, &Tree::file("x")), None);
        let directory = Tree::directory([("a", Tree::file("x"))]);
        for tree in [Tree::file(""), Tree::Symlink("x".into()), directory] {
            assert_eq!(named(&name, &tree), Some(PathFault::Name), "{name}");
            assert_eq!(named("x", &tree), None);
        }
    }
}

#[test]
fn the_paths_of_files_have_a_length_that_programs_take() {
    let part = "d".repeat(250);
    let deep = |rest: usize| {
        let file = Tree::directory([(&*"f".repeat(rest), Tree::file(""))]);
        let deep = (0..16).fold(file, |inner, _| Tree::directory([(&*part, inner)]));
        // An entry behind a directory is in the one above.
        Tree::directory([
            ("a", deep),
            ("b", Tree::directory([])),
            (&*part, Tree::file("")),
        ])
    };
    // 45 bytes are the store path's, and 2 those of `/a`.
    let most = 4095 - 45 - 2 - 16 * 251 - 1;
    assert_eq!(named("x", &deep(most)), None);
    assert_eq!(named("x", &deep(most + 1)), Some(PathFault::LongPath));
}

#[test]
fn a_derivation_is_one() {
    let own = format!("{:032}-x", 2);
    let term = format!(r#"Derive([("out","/nix/store/{own}","","")],[],[],"s","b",[],[])"#);
    assert_eq!(named("x.drv", &Tree::file(&term)), None);
    assert_eq!(named("x.drv", &Tree::program(&term)), None);
    for tree in [
        Tree::file(""),
        Tree::file("x"),
        Tree::Symlink(term.clone()),
        Tree::directory([("x", Tree::file(&term))]),
    ] {
        assert_eq!(named("x.drv", &tree), Some(PathFault::Derivation));
    }
    let larger = Tree::file(term + &" ".repeat(16 << 20));
    assert_eq!(named("x.drv", &larger), Some(PathFault::Derivation));
}

/// A file with `hello`, and what `nix-store --add-fixed` and `builtins.toFile` make of it.
#[test]
fn contents_are_those_of_the_content_address() {
    let sha256 = "00xyyr3fi8l6hb839bv3f7yb86yjv7xi1cgh1xnhipym4asvb4aq";
    let (hello, other) = (Tree::file("hello\n").nar(), Tree::file("hallo\n").nar());
    for (ca, path) in [
        (
            format!("fixed:sha256:{sha256}"),
            "gy454w1cxaq731grqwylhzf4pp9r5izh",
        ),
        (
            "fixed:sha1:iwjz551fyw0cxcjgf4l6c879zabd6wpm".into(),
            "svdva85yi507g9vncgsaxvnd1r808h4w",
        ),
        (
            format!("text:sha256:{sha256}"),
            "qa1w9gdfrba6jl2r57mb3c43863gqywp",
        ),
    ] {
        let fault = |nar: &[u8], name: &str| {
            let mut info = info(&format!("{path}-{name}"), nar);
            info.ca = Some(ca.clone());
            checked(&info, nar)
        };
        assert_eq!(fault(&hello, "hello.txt"), None, "{ca}");
        let bad = Some(PathFault::ContentAddress);
        assert_eq!(fault(&other, "hello.txt"), bad, "{ca}");
        assert_eq!(fault(&hello, "hallo.txt"), bad, "{ca}");
        let link = Tree::Symlink("hello\n".into()).nar();
        assert_eq!(fault(&link, "hello.txt"), bad, "{ca}");
    }
}
