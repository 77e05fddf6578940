//! Names, paths and keys at the edge of what is allowed.

use shellpack_format::bundle::manifest::{
    BundleName, ProjectDirectory, RelativePath, ShellName, may_name_root,
};
use shellpack_format::store::key::{BadKey, KeyName, PublicKey, SecretKey, Signature};
use shellpack_format::store::store_path::{StoreDir, StorePath, base32, base32_decode, hash_part};

const HASH: &str = "0123456789abcdfghijklmnpqrsvwxyz";

#[test]
fn names_have_a_length() {
    for (length, is_fine) in [(1, true), (200, true), (201, false)] {
        let name = "x".repeat(length);
        assert_eq!(BundleName::parse(&name).is_ok(), is_fine, "{length}");
        assert_eq!(ShellName::parse(&name).is_ok(), is_fine, "{length}");
        assert_eq!(KeyName::parse(&name).is_ok(), is_fine, "{length}");
    }
    for name in ["a.-+_Z9", "a/b.c/D"] {
        assert_eq!(ShellName::parse(name).unwrap().to_string(), name);
    }
    assert_eq!(BundleName::parse("a.-+_Z9").unwrap().as_str(), "a.-+_Z9");
    let key = KeyName::parse("aZ9._+-@/=~%,").unwrap();
    assert_eq!(key.to_string(), key.as_str());
}

#[test]
fn a_bundle_is_named_like_its_directory() {
    for (directory, name) in [
        ("my env", "my-env"),
        ("--.x ü", "x"),
        ("", "shell"),
        ("...", "shell"),
    ] {
        assert_eq!(BundleName::from_directory(directory).to_string(), name);
    }
    let long = BundleName::from_directory(&"x".repeat(300));
    assert_eq!(long.as_str().len(), 200);
}

#[test]
fn a_shells_name_becomes_words_and_files() {
    let name = ShellName::parse("tools/b").unwrap();
    assert_eq!(name.numbered(2).as_str(), "tools/b-2");
    assert_eq!(name.file_name(), "tools=b");
    assert_eq!(ShellName::before_words(Some(&name)), "tools/b: ");
    assert_eq!(ShellName::before_words(None), "");
}

#[test]
fn a_relative_path_stays_below_its_root() {
    let deep = |parts: usize| vec!["d"; parts].join("/");
    let long = |length: usize| {
        let parts = vec!["x".repeat(249); 15].join("/");
        format!("{parts}/{}", "y".repeat(length - parts.len() - 1))
    };
    for (path, is_fine) in [
        ("a".into(), true),
        ("...".into(), true),
        (".a/..b/c d".into(), true),
        ("x".repeat(255), true),
        ("x".repeat(256), false),
        (deep(256), true),
        (deep(257), false),
        (long(4000), true),
        (long(4001), false),
        (String::new(), false),
        ("a/".into(), false),
        ("/a".into(), false),
        ("a//b".into(), false),
        ("a/./b".into(), false),
        ("a/..".into(), false),
        ("a\0b".into(), false),
    ] {
        let parsed = RelativePath::parse(&path);
        assert_eq!(parsed.is_ok(), is_fine, "{} bytes", path.len());
    }
    let parent = |path: &str| RelativePath::parse(path).unwrap().parent().to_owned();
    assert_eq!([parent("a"), parent("a/b/c")], ["", "a/b"]);
    let below = |path: &str| {
        ProjectDirectory::parse(path)
            .unwrap()
            .below_root()
            .to_owned()
    };
    assert_eq!([below("."), below("a/b")], ["", "a/b"]);
}

#[test]
fn a_root_has_a_name_that_leads_nowhere() {
    for name in ["project", "my project", "a.b", "ü", "-x"] {
        assert!(may_name_root(name), "{name}");
    }
    for name in [
        "",
        ".",
        "..",
        ".git",
        "a/b",
        "GIT~1",
        "a:b",
        "a\\b",
        "a\nb",
        "a\u{200b}",
        "a\u{202e}",
        "a\u{2060}",
        "a\u{feff}",
    ] {
        assert!(!may_name_root(name), "{name:?}");
    }
}

#[test]
fn a_store_path_has_the_name_that_nix_allows() {
    for (name, is_fine) in [
        ("x".repeat(211), true),
        ("x".repeat(212), false),
        (".x".into(), true),
        ("..x".into(), true),
        (".".into(), false),
        ("..".into(), false),
        (".-x".into(), false),
        ("..-x".into(), false),
        ("+-._?=aZ9".into(), true),
        ("a b".into(), false),
    ] {
        let parsed = StorePath::from_base_name(&format!("{HASH}-{name}"));
        assert_eq!(parsed.is_ok(), is_fine, "{name}");
    }
    let path = StorePath::from_base_name(&format!("{HASH}-x.drv")).unwrap();
    assert_eq!([path.hash_part(), path.name()], [HASH, "x.drv"]);
    assert!(path.is_derivation() && !path.is_used_by_nix());
    assert_eq!(path.to_string(), format!("{HASH}-x.drv"));
    for ending in [".lock", ".chroot", ".check", ".tmp"] {
        let path = StorePath::from_base_name(&format!("{HASH}-x{ending}")).unwrap();
        assert!(path.is_used_by_nix() && !path.is_derivation());
    }
    let said = StorePath::from_base_name("short").unwrap_err().to_string();
    assert_eq!(
        said,
        "'short' is not a store path: its hash part is too short"
    );
}

#[test]
fn a_hash_part_has_a_dash_behind_it() {
    for (base, is_one) in [
        (format!("{HASH}-"), true),
        (HASH.into(), false),
        (format!("{HASH}x"), false),
        (format!("{}-x", HASH.replace('0', "e")), false),
        ("x".into(), false),
    ] {
        assert_eq!(hash_part(&base), Some(HASH).filter(|_| is_one), "{base}");
    }
}

#[test]
fn a_store_is_a_plain_absolute_directory() {
    for (length, is_fine) in [(200, true), (201, false)] {
        let dir = format!("/{}", "x".repeat(length - 1));
        assert_eq!(StoreDir::parse(&dir).is_ok(), is_fine, "{length}");
    }
    for dir in ["/.", "/..", "/a/./b", "/a/..", "a", "/a/"] {
        assert!(StoreDir::parse(dir).is_err(), "{dir}");
    }
    let store = StoreDir::parse("/a b/.c").unwrap();
    let path = StorePath::from_base_name(&format!("{HASH}-x")).unwrap();
    let full = format!("/a b/.c/{HASH}-x");
    assert_eq!(store.print(&path), full);
    assert_eq!(store.join(&path).to_str(), Some(&*full));
    assert_eq!(store.parse_path(&full).unwrap(), path);
    assert_eq!([store.as_str(), &store.to_string()], ["/a b/.c"; 2]);
    assert!(store.parse_path(&format!("{full}/")).is_err());
    assert!(store.containing(&format!("/a b/.c{HASH}-x")).is_none());
    assert_eq!(store.containing(&full), Some((path, "")));
}

#[test]
fn base_32_has_one_form() {
    for length in 0..70u8 {
        let bytes: Vec<u8> = (0..length).map(|n| n.wrapping_mul(37) ^ 0x5a).collect();
        let text = base32(&bytes);
        assert_eq!(text.len(), (usize::from(length) * 8).div_ceil(5));
        assert_eq!(base32_decode(&text), Some(bytes));
    }
    // Bits that do not fit.
    assert_eq!(base32_decode("7z"), Some(vec![0xff]));
    assert_eq!(base32_decode("8z"), None);
    assert_eq!(base32_decode("z"), None);
    assert_eq!(base32_decode("0u"), None);
}

#[test]
fn keys_have_their_size() {
    let name = KeyName::parse("lab-1").unwrap();
    let secret = SecretKey::from_seed(name.clone(), &[7; 32]);
    let public = secret.public();
    assert_eq!(secret.name(), &name);
    assert_eq!(public.name(), &name);
    assert_eq!(PublicKey::of(name, public.bytes()).unwrap(), public);
    assert_eq!(public.fingerprint().len(), "SHA256:".len() + 43);
    assert_eq!(format!("{public:?}"), public.to_string());
    assert!(public.fingerprint().starts_with("SHA256:"));
    assert_eq!(SecretKey::parse("a:AAAA").unwrap_err(), BadKey::Size(64));
    assert_eq!(SecretKey::parse("a:!").unwrap_err(), BadKey::Size(64));
    assert_eq!(Signature::parse("a:AAAA").unwrap_err(), BadKey::Size(64));
    assert_eq!(secret.sign(b"m").name().as_str(), "lab-1");
    assert_eq!(KeyName::parse("").unwrap_err(), BadKey::Name);
}
