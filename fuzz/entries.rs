//! The fuzzed functions: one for each kind of bytes that comes from others. libFuzzer calls them
//! (`fuzz_targets/`), and so does a test (`tests/hostile/fuzzed.rs`), with the kept inputs and some
//! thousand mutations of them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use shellpack::internals::{
    Dump, ReadBack, RepairOptions, RepairOutcome, Report, Restore, delete_tree, described,
    is_policy, is_signers_file, repair, verify,
};
use shellpack_format::bundle::inventory;
use shellpack_format::bundle::manifest::{Manifest, Replacement};
use shellpack_format::bundle::rebase::Replacements;
use shellpack_format::bundle::segment::{self, Compressor};
use shellpack_format::bundle::signature::{self, Signatures};
use shellpack_format::bundle::writer::Writer;
use shellpack_format::store::derivation::Derivation;
use shellpack_format::store::hash::Digest;
use shellpack_format::store::store_path::{HashPart, StoreDir};

/// Takes bytes, and panics if they break a promise.
pub(crate) type Entry = fn(&[u8]);

/// Each kind, and the function that takes its bytes.
pub(crate) const ENTRIES: [(&str, Entry); 11] = [
    ("bundle", bundle),
    ("delta", delta),
    ("derivation", derivation),
    ("export", export),
    ("inventory", inventory),
    ("manifest", manifest),
    ("nar", nar),
    ("parity", parity),
    ("policy", policy),
    ("record", record),
    ("signatures", signatures),
];

const SAMPLE: &[u8] = include_bytes!("../fixtures/bundles/v1/sample.shellpack");
const MINIMAL: &[u8] = include_bytes!("../fixtures/bundles/v1/minimal.shellpack");
/// The offset, in the head of a parity file, of the digest of everything before it
/// (`bundle-format.md`, section 11.2).
const SEAL: usize = 152;

/// A whole bundle, read as `verify` reads it.
pub(crate) fn bundle(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new_in("/dev/shm").expect("a place in memory");
    file.write_all(bytes).expect("room for the input");
    let findings = verify(file.path(), 1, &Report::silent()).expect("a file can be read");
    assert!(findings.manifest.is_some() || !findings.faults.is_empty());
}

/// The text of a manifest. The digest line is added to it, since no fuzzer would guess that.
pub(crate) fn manifest(text: &[u8]) {
    let Ok(manifest) = Manifest::parse(&framed(text)) else {
        return;
    };
    let again = manifest.to_bytes().expect("what was parsed can be written");
    let again = Manifest::parse(&again).expect("what was written can be parsed");
    assert_eq!(again, manifest);
}

/// A segment of an update: a zero byte parts its prefix from the rest, which is taken as a frame, as contents
/// to compress with the prefix, and as contents of a base in which hash parts are replaced.
pub(crate) fn delta(bytes: &[u8]) {
    let at = bytes.iter().position(|&byte| byte == 0);
    let (prefix, rest) = at.map_or((&[][..], bytes), |at| (&bytes[..at], &bytes[at + 1..]));
    let check = [
        &[0x50, 0x2a, 0x4d, 0x18, 32, 0, 0, 0][..],
        Digest::of(rest).bytes(),
    ]
    .concat();
    for size in [1, 300, 100_000] {
        if let Ok(raw) = segment::decode(prefix, &[rest, &check].concat(), size) {
            assert_eq!(raw.len() as u64, size);
        }
    }
    if !prefix.is_empty() && !rest.is_empty() {
        let mut compressor = Compressor::new(1, rest.len() as u64).expect("memory");
        let mut frame = compressor
            .begin_with_prefix(rest.len() as u64)
            .expect("a frame");
        frame.write(rest).expect("room");
        let member = frame.finish(prefix).expect("a segment");
        let raw = segment::decode(prefix, &member, rest.len() as u64).expect("a sound segment");
        assert!(raw == rest, "other contents came back");
    }
    let part = |text| HashPart::parse(text).expect("a hash part");
    let (a, b) = (
        part("0123456789abcdfghijklmnpqrsvwxyz"),
        part("00000000000000000000000000000000"),
    );
    let pairs = [
        Replacement { from: a, to: b },
        Replacement { from: b, to: a },
    ];
    let replacements = Replacements::new(&pairs);
    let rebased = |step: usize| {
        let (mut rebase, mut out) = (replacements.begin(), Vec::new());
        rest.chunks(step)
            .for_each(|chunk| rebase.push(chunk, &mut out));
        rebase.finish(&mut out);
        out
    };
    let whole = rebased(rest.len().max(1));
    assert_eq!(whole.len(), rest.len());
    assert!(
        rebased(prefix.len() % 40 + 1) == whole,
        "it matters how the base is read"
    );
}

/// An inventory: tables of its head, a zero byte, and its list. Sizes and digests are added, since no fuzzer
/// would guess those. What is accepted is the same after it is written. The bytes themselves are read as one,
/// too.
pub(crate) fn inventory(bytes: &[u8]) {
    let _ = inventory::parse(bytes);
    let zero = bytes.iter().position(|&byte| byte == 0);
    let (tables, list) = bytes.split_at(zero.unwrap_or(bytes.len()));
    let list = list.get(1..).unwrap_or_default();
    let body = zstd::bulk::compress(list, 1).expect("memory");
    let sizes = format!(
        "{}raw-size = {}\nbody-size = {}\nbody-digest = \"{}\"\n",
        inventory::BEGINNING,
        list.len(),
        body.len(),
        Digest::of(&body)
    );
    let head = framed(&[sizes.as_bytes(), tables].concat());
    let file = [&head[..], &body, &[0; signature::SIZE]].concat();
    let Ok((inventory, _)) = inventory::parse(&file) else {
        return;
    };
    let (head, body) = inventory.to_parts().expect("what was read can be written");
    let file = [&head[..], &body, &[0; signature::SIZE]].concat();
    let (again, _) = inventory::parse(&file).expect("what was written can be read");
    assert_eq!(again, inventory);
}

fn framed(text: &[u8]) -> Vec<u8> {
    let line = format!("# sha256:{}\n", Digest::of(text).hex());
    [text, line.as_bytes()].concat()
}

/// A NAR, unpacked into a directory of its own. An accepted NAR comes back byte for byte.
pub(crate) fn nar(bytes: &[u8]) {
    let scratch = tempfile::tempdir_in("/dev/shm").expect("a place in memory");
    let tree = scratch.path().join("tree");
    let mut restore = Restore::new(tree.clone());
    let unpacked = bytes.chunks(61).try_for_each(|slice| restore.write(slice));
    if unpacked.and_then(|()| restore.finish()).is_ok() {
        let mut again = Vec::new();
        let dump = Dump::of(&tree).expect("what was unpacked can be packed");
        dump.reader(0).read_to_end(&mut again).expect("and read");
        assert!(again == bytes, "another NAR came back");
    }
    delete_tree(&tree).expect("what was unpacked can be removed");
    assert_eq!(scratch.path().read_dir().expect("a directory").count(), 0);
}

/// The export stream of a bundle's closure: in its segment, whose frame and check are right. Only the
/// stream that the manifest calls for is sound.
pub(crate) fn export(stream: &[u8]) {
    let (manifest, project, own) = parts(MINIMAL);
    let size = manifest.closure.segments[0];
    let mut raw = stream.to_vec();
    raw.resize(usize::try_from(size).expect("a small segment"), 0);
    let mut compressor = Compressor::new(1, size).expect("memory");
    let mut frame = compressor.begin(size).expect("a frame");
    frame.write(&raw).expect("room");
    let segment = frame.finish(&[]).expect("a segment");
    let bytes = manifest.to_bytes().expect("a manifest");
    let mut writer = Writer::begin(Vec::new(), &bytes, &Signatures::default()).expect("memory");
    writer
        .project_file(&manifest.project.files[0], project)
        .expect("memory");
    writer
        .segment(segment::member_name(false, 0), &segment)
        .expect("memory");
    let mut file = tempfile::NamedTempFile::new_in("/dev/shm").expect("a place in memory");
    let written = writer.finish().expect("memory");
    file.write_all(&written).expect("room for the bundle");
    let findings = verify(file.path(), 1, &Report::silent()).expect("a file can be read");
    let is_the_one = segment::decode(&[], own, size).expect("a sound segment") == raw;
    assert_eq!(
        findings.faults.is_empty(),
        is_the_one,
        "{:?}",
        findings.faults
    );
}

/// The manifest of a small bundle, the content of its only project file, and its only segment.
fn parts(bundle: &[u8]) -> (Manifest, &[u8], &[u8]) {
    let size = |header: usize| {
        let digits = std::str::from_utf8(&bundle[header + 124..header + 135]).expect("digits");
        usize::from_str_radix(digits, 8).expect("an octal number")
    };
    let content = |header: usize| &bundle[header + 512..header + 512 + size(header)];
    let after = |header: usize| header + 512 + size(header).next_multiple_of(512);
    let manifest = Manifest::parse(content(0)).expect("a sound manifest");
    let file = after(after(0));
    (manifest, content(file), content(after(file)))
}

/// A derivation, as `create` reads it.
pub(crate) fn derivation(bytes: &[u8]) {
    let store = StoreDir::parse("/nix/store").expect("a store");
    let _ = Derivation::parse(bytes, &store);
}

/// The room for signatures. What is accepted comes back byte for byte.
pub(crate) fn signatures(bytes: &[u8]) {
    let mut room = [0; signature::SIZE];
    let length = bytes.len().min(room.len());
    room[..length].copy_from_slice(&bytes[..length]);
    if let Ok(signatures) = Signatures::parse(&room) {
        for one in signatures.iter() {
            let _ = (one.to_string(), one.is_sound(b"a manifest"));
        }
        let again = Signatures::parse(&signatures.to_bytes()).expect("what was written is read");
        assert_eq!(again.iter().count(), signatures.iter().count());
    }
}

/// A policy, and a file of signers.
pub(crate) fn policy(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = (is_policy(&text), is_signers_file(&text));
}

/// The record of an opened bundle: files by name and content, with a zero byte between them. Names that
/// end with `@` are symlinks.
pub(crate) fn record(bytes: &[u8]) {
    let scratch = tempfile::tempdir_in("/dev/shm").expect("a place in memory");
    let dir = scratch.path().join("sample-0123456789ab");
    fs::create_dir(&dir).expect("room");
    let mut parts = bytes.split(|&byte| byte == 0);
    while let (Some(name), Some(content)) = (parts.next(), parts.next()) {
        place(&dir, &String::from_utf8_lossy(name), content);
    }
    let said = described(&dir);
    let is_safe = |c: char| c == '\n' || !c.is_control();
    assert!(said.chars().all(is_safe), "a control character is printed");
}

/// Makes a file or a symlink, if its name is one. Nothing is written through a symlink: it may lead out.
fn place(dir: &Path, name: &str, content: &[u8]) {
    let (name, becomes_link) = name
        .strip_suffix('@')
        .map_or((name, false), |name| (name, true));
    if name.split('/').any(|part| part.is_empty() || part == "..") {
        return;
    }
    let file = dir.join(name);
    let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|it| it.is_symlink());
    if file
        .ancestors()
        .take_while(|path| *path != dir)
        .any(is_link)
    {
        return;
    }
    let _ = file.parent().map(fs::create_dir_all);
    if becomes_link {
        let target = String::from_utf8_lossy(content);
        let _ = std::os::unix::fs::symlink(&*target, &file);
    } else if name == "manifest.toml" {
        let _ = fs::write(&file, framed(content));
    } else {
        let _ = fs::write(&file, content);
    }
}

/// A parity file beside a bundle that lost its middle, which `repair` tries to restore.
pub(crate) fn parity(bytes: &[u8]) {
    parity_for(bytes, |bundle, output| {
        let options = RepairOptions {
            bundle: bundle.to_owned(),
            dirs: Vec::new(),
            parity: None,
            output: Some(output.to_owned()),
            volume_size: None,
            checksum: false,
            force: false,
            read_back: ReadBack::Never,
            threads: 1,
        };
        let repaired = repair(&options, &Report::silent());
        matches!(repaired, Ok(RepairOutcome::Repaired(_)))
    });
}

/// [`parity`], with another way to repair a bundle into an output. The digest of everything before the
/// first table is corrected, since no fuzzer would guess that.
pub(crate) fn parity_for(bytes: &[u8], repair: impl Fn(&Path, &Path) -> bool) {
    let scratch = tempfile::tempdir_in("/dev/shm").expect("a place in memory");
    let mut damaged = SAMPLE.to_vec();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let mut parity = bytes.to_vec();
    if let Some((sealed, rest)) = parity.split_at_mut_checked(SEAL)
        && rest.len() >= 32
    {
        rest[..32].copy_from_slice(Digest::of(sealed).bytes());
    }
    let (bundle, restored) = (scratch.path().join("x"), scratch.path().join("y"));
    fs::write(&bundle, &damaged).expect("room for the bundle");
    fs::write(scratch.path().join("x.parity"), &parity).expect("room for the input");
    if repair(&bundle, &restored) {
        let findings = verify(&restored, 1, &Report::silent()).expect("a file can be read");
        assert!(
            findings.faults.is_empty(),
            "it was restored to something else"
        );
    } else {
        assert!(!restored.exists(), "something stays");
    }
}
