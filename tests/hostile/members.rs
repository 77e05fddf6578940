//! tar members that the manifest does not call for: more, fewer, in another order, or with a
//! header that differs in any field, although every checksum is right.

use tar::{EntryType, Header};

use shellpack_format::bundle::reader::{Piped, ReadError, Reader};
use shellpack_format::bundle::signature::Signature;
use shellpack_format::bundle::{BadBundle, manifest, signature};
use shellpack_format::store::key::{KeyName, SecretKey};

use crate::synthetic::{Bundle, Member, Members, fault, faults};

fn sample() -> Members {
    Members::of(&Bundle::sample().bytes())
}

fn not_in_place(member: &str) -> String {
    format!("the tar header of {member} is damaged, or {member} is not in its place")
}

/// The message of `verify` when one header is changed.
fn with_header(name: &str, edit: impl FnOnce(&mut Header)) -> String {
    let mut members = sample();
    members.edit_header(name, edit);
    fault(&members.bytes())
}

type Edit = fn(&mut Header);

/// Each is another form of a header that a reader could accept as the same.
const EDITS: [(&str, Edit); 12] = [
    ("owner", |header| header.set_uid(1000)),
    ("group", |header| header.set_gid(1000)),
    ("time", |header| header.set_mtime(1_700_000_000)),
    ("mode", |header| header.set_mode(0o4755)),
    ("type", |header| header.set_entry_type(EntryType::Symlink)),
    ("old type", |header| header.as_mut_bytes()[156] = 0),
    ("name", |header| header.as_mut_bytes()[0] = b'S'),
    ("a name's rest", |header| header.as_mut_bytes()[99] = b'x'),
    ("link target", |header| header.as_mut_bytes()[157] = b'/'),
    ("user's name", |header| header.as_mut_bytes()[265] = b'r'),
    ("device", |header| header.as_mut_bytes()[329] = b'1'),
    ("padding", |header| header.as_mut_bytes()[511] = 1),
];

#[test]
fn headers_have_one_form() {
    for (what, edit) in EDITS {
        for name in ["manifest.sig", "shell/run", "closure/0001.zst"] {
            assert_eq!(with_header(name, edit), not_in_place(name), "{what}");
        }
        assert_ne!(with_header("manifest.toml", edit), "", "{what}");
    }
}

#[test]
fn long_names_have_one_form() {
    let long = format!("shell/nix/{}", "a-long-name-".repeat(9));
    let mut members = sample();
    members.get("././@LongLink").content[3] = b'X';
    assert_eq!(fault(&members.bytes()), not_in_place(&long));
}

#[test]
fn a_pax_header_is_refused() {
    let mut members = sample();
    let mut header = members.get("shell/run").header.clone();
    header.set_entry_type(EntryType::XHeader);
    header.set_size(17);
    header.set_cksum();
    let content = b"17 path=../evil\n\0".to_vec();
    let at = members.index("shell/run");
    members.0.insert(at, Member { header, content });
    assert_eq!(fault(&members.bytes()), not_in_place("shell/run"));
}

#[test]
fn a_member_that_the_manifest_does_not_name_is_refused() {
    let names = [
        "shell/nix/",
        "shell/run",
        "closure/0000.zst",
        "closure/0001.zst",
    ];
    for before in names {
        let mut members = sample();
        let mut extra = members.get("shell/shell.nix").clone();
        extra.header.set_path("shell/extra").unwrap();
        extra.header.set_cksum();
        let at = members.index(before);
        members.0.insert(at, extra);
        assert_eq!(fault(&members.bytes()), not_in_place(before));
    }
}

#[test]
fn a_member_after_the_last_is_refused() {
    let mut members = sample();
    let again = members.get("closure/0002.zst").clone();
    members.0.push(again);
    assert_eq!(fault(&members.bytes()), not_in_place("its end mark"));
}

#[test]
fn a_missing_member_is_refused() {
    for (missing, next) in [
        ("manifest.sig", "manifest.sig"),
        ("shell/run", "shell/run"),
        ("closure/0001.zst", "closure/0001.zst"),
        ("closure/0002.zst", "closure/0002.zst"),
    ] {
        let mut members = sample();
        let at = members.index(missing);
        members.0.remove(at);
        assert_eq!(fault(&members.bytes()), not_in_place(next));
    }
}

#[test]
fn members_in_another_order_are_refused() {
    for (one, two) in [
        ("shell/run", "shell/shell.nix"),
        ("closure/0000.zst", "closure/0001.zst"),
        ("manifest.sig", "shell/run"),
    ] {
        let mut members = sample();
        let (a, b) = (members.index(one), members.index(two));
        members.0.swap(a, b);
        assert_eq!(fault(&members.bytes()), not_in_place(one));
    }
}

#[test]
fn a_manifest_that_is_not_first_makes_no_bundle() {
    let mut members = sample();
    members.0.swap(0, 1);
    assert!(matches!(
        faults(&members.bytes()).as_slice(),
        [BadBundle::NotABundle]
    ));
}

#[test]
fn padding_is_zero() {
    let bytes = Bundle::sample().bytes();
    let after = |name: &str| format!("the padding after {name} is damaged");
    for name in ["manifest.toml", "shell/run", "closure/0001.zst"] {
        let mut bad = bytes.clone();
        let members = Members::of(&bytes);
        let end = members.end_of(name);
        bad[end] = 1;
        assert_eq!(fault(&bad), after(name));
    }
}

/// A reader must not believe the number before it has seen the bytes.
#[test]
fn a_manifest_of_200_mb_is_refused_by_its_header() {
    assert_eq!(manifest::MAX_SIZE, 64 << 20);
    for size in [200 << 20, manifest::MAX_SIZE + 1, 1 << 60, u64::MAX, 0] {
        let said = with_header("manifest.toml", |header| header.set_size(size));
        assert_eq!(said, not_in_place("manifest.toml"), "{size}");
    }
}

#[test]
fn a_manifest_that_claims_the_most_and_ends_is_cut_short() {
    let mut header = sample().get("manifest.toml").header.clone();
    header.set_size(manifest::MAX_SIZE);
    header.set_cksum();
    assert_eq!(
        fault(header.as_bytes()),
        "it is cut short: it ends within manifest.toml"
    );
}

#[test]
fn signatures_that_are_garbage_are_refused() {
    let line = |bytes: &[u8]| format!("lab-1:{}\n", data_encoding::BASE64.encode(bytes));
    let (good, short) = (line(&[7; 64]), line(&[7; 63]));
    let bad = [
        b"garbage".to_vec(),
        b"lab-1:AAAA\n".to_vec(),
        good.trim_end().into(),
        short.into(),
        [b"\x1b[31m".as_slice(), good.as_bytes()].concat(),
        [good.as_bytes(), b"\0\0", good.as_bytes()].concat(),
        vec![0xff; signature::SIZE],
        b":\n".to_vec(),
    ];
    for text in bad {
        let mut members = sample();
        members.get("manifest.sig").content[..text.len()].copy_from_slice(&text);
        assert_eq!(
            fault(&members.bytes()),
            "its signatures (manifest.sig) are damaged"
        );
    }
}

/// Only someone who has the key can tell whether it is a forgery.
#[test]
fn a_signature_without_its_key_is_read() {
    let line = format!("lab-1:{}\n", data_encoding::BASE64.encode(&[7; 64]));
    let mut members = sample();
    members.get("manifest.sig").content[..line.len()].copy_from_slice(line.as_bytes());
    let bytes = members.bytes();
    assert!(faults(&bytes).is_empty());
    let reader = Reader::open(Piped(bytes.as_slice())).unwrap();
    let lines: Vec<_> = reader
        .signatures()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(lines, [line.trim_end()]);
}

/// A signature that carries its key can be checked by everyone.
#[test]
fn a_signature_over_another_manifest_is_refused() {
    let name = KeyName::parse("lab-1").unwrap();
    let key = SecretKey::from_seed(name, &[7; 32]);
    let line = format!("{}\n", Signature::by(&key, b"another manifest"));
    let mut members = sample();
    members.get("manifest.sig").content[..line.len()].copy_from_slice(line.as_bytes());
    assert_eq!(
        fault(&members.bytes()),
        "a signature in it does not match its manifest"
    );
}

#[test]
fn other_files_are_no_bundles() {
    let elf = std::fs::read("/proc/self/exe").unwrap();
    let others: [&[u8]; 6] = [
        &elf,
        b"x",
        b"PK\x03\x04",
        &[0; 4096],
        b"manifest.tomb",
        b"\n",
    ];
    for bytes in others {
        let said = Reader::open(Piped(bytes)).unwrap_err();
        assert!(
            matches!(said, ReadError::Bad(BadBundle::NotABundle)),
            "{said:?}"
        );
    }
}
