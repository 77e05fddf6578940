//! Any base and any target give back exact bytes, and other tools than ours can read an update.

use std::fs;
use std::io::Read as _;
use std::process::Command;

use proptest::collection::vec;
use proptest::prelude::*;

use shellpack_format::bundle::reader::{Piped, Reader};
use shellpack_format::bundle::segment;

use crate::support::rooms::scratch;
use crate::synthetic::update::Update;
use crate::synthetic::{Tree, faults, store_path};

/// The stream of an update, read as a machine with its bases reads it.
fn stream(update: &Update, bytes: &[u8]) -> Vec<u8> {
    let mut reader = Reader::open(Piped(bytes)).unwrap();
    let manifest = reader.manifest().clone();
    for file in &manifest.project.files {
        reader.project_file(file, |_| Ok(())).unwrap();
    }
    let mut stream = Vec::new();
    for (index, &size) in manifest.closure.segments.iter().enumerate() {
        let prefix = update.prefix(index).len() as u64;
        assert_eq!(prefix, manifest.prefix_size(&manifest.layout(), index));
        let mut member = Vec::new();
        let mut found = reader.segment(index).unwrap();
        found.content.read_to_end(&mut member).unwrap();
        stream.extend(segment::decode(&update.prefix(index), &member, size).unwrap());
    }
    reader.finish().unwrap();
    stream
}

#[test]
fn what_was_packed_with_bases_comes_back() {
    let update = Update::sample();
    let bytes = update.bytes();
    assert_eq!(stream(&update, &bytes), update.bundle.stream());
    // Without the bases, there is nothing to complain of.
    assert!(faults(&bytes).is_empty(), "{:?}", faults(&bytes));
}

#[test]
fn every_flipped_bit_of_an_update_is_found_without_its_bases() {
    let bytes = Update::sample().bytes();
    for at in (0..bytes.len()).step_by(3) {
        let mut bad = bytes.clone();
        bad[at] ^= 1 << (at % 8);
        assert!(!faults(&bad).is_empty(), "byte {at}");
    }
}

/// The prefix is made with `head`, `tail` and `sed`, as section 15 says, and zstd's own program decodes.
#[test]
fn an_update_is_decoded_by_hand() {
    let update = Update::sample();
    let dir = scratch();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("update.shellpack"), update.bytes()).unwrap();
    for (index, base) in update.bases.iter().enumerate() {
        fs::write(at(&format!("base-{index}")), base).unwrap();
    }
    let manifest = &update.bundle.manifest;
    let framing: Vec<u8> = manifest.framing(&manifest.layout(), 0).flatten().collect();
    fs::write(at("framing"), framing).unwrap();
    let (old, new) = (format!("{:032}", 9), format!("{:032}", 2));
    let size = update.bases[1].len();
    let script = format!(
        "sed s/{old}/{new}/g base-1 > piece-0
         tail -c +9 base-0 | head -c 100 > piece-1
         test $(stat -c %s piece-0) = {size}
         cat piece-0 piece-1 framing > prefix
         tar -xOf update.shellpack delta/0000.zst | zstd -q -d --long=27 --patch-from=prefix > stream"
    );
    let output = Command::new("sh")
        .args(["-euc", &script])
        .current_dir(dir.path())
        .output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(fs::read(at("stream")).unwrap(), update.bundle.stream());
}

/// Contents with hash parts in them: numbers from 0 to 5, or other text.
fn contents() -> impl Strategy<Value = Vec<u8>> {
    let part = (0..6_usize).prop_map(|number| format!("{number:032}").into_bytes());
    let text = vec(any::<u8>(), 0..80);
    let piece = prop_oneof![part, text];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A new version of something: some of it is cut out, and something else put in.
fn edited(old: &[u8], (at, cut, new): (usize, usize, Vec<u8>)) -> Vec<u8> {
    let from = at % (old.len() + 1);
    let to = old.len().min(from + cut);
    [&old[..from], &new, &old[to..]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the bases are, whichever pieces of them are prefixes, and whatever is replaced in them: also
    /// in a circle, and by hash parts that are replaced themselves.
    #[test]
    fn any_base_gives_back_any_closure(
        old in vec(contents(), 1..4),
        edits in vec((any::<usize>(), 0..300_usize, vec(any::<u8>(), 0..60)), 1..4),
        presumed in 0..2_usize,
        pairs in vec((0..6_usize, 0..6_usize), 0..6),
        pieces in vec((any::<u32>(), any::<usize>(), any::<usize>()), 0..5),
        cut in any::<usize>(),
    ) {
        let nars: Vec<_> = old.iter().map(|it| Tree::file(it).nar()).collect();
        let new = old.iter().cycle().zip(edits);
        let new: Vec<_> = new.map(|(old, edit)| Tree::file(edited(old, edit)).nar()).collect();
        let names: Vec<_> = (0..new.len()).map(|n| format!("new-{n}")).collect();
        let closure: Vec<_> = names.iter().map(String::as_str).zip(new).collect();
        let bases: Vec<_> = nars.iter().enumerate().map(|(n, nar)| {
            (store_path(100 + n, "old"), nar.clone())
        }).collect();
        // All but the last may be presumed.
        let presumed: Vec<_> = (0..presumed.min(closure.len() - 1)).collect();
        let mut update = Update::new(&closure, &presumed, &bases);
        let mut pairs = pairs;
        pairs.sort_unstable();
        pairs.dedup_by_key(|(from, _)| *from);
        update.replace(&pairs);
        let total = update.bundle.stream().len();
        update.bundle.cut(&[(cut % (total - 1) + 1) as u64]);
        let sized = pieces.iter().filter_map(|&(base, from, size)| {
            let base = base as usize % nars.len();
            let from = from % nars[base].len();
            let most = nars[base].len() - from;
            Some((u32::try_from(base).ok()?, from, size % most + 1))
        });
        let sized: Vec<_> = sized.take(3).collect();
        if !sized.is_empty() {
            update.compress_with(&[(0, sized[..1].to_vec()), (1, sized)]);
        }
        let bytes = update.bytes();
        prop_assert_eq!(stream(&update, &bytes), update.bundle.stream());
        prop_assert!(faults(&bytes).is_empty());
    }
}
