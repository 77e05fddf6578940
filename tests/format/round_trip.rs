//! Write, read, equal: for any project and any closure, however the bytes arrive.

use std::io::{self, Read};

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use shellpack::internals::{Dump, Restore};
use shellpack_format::bundle::manifest::Manifest;
use shellpack_format::bundle::reader::{Piped, Reader};
use shellpack_format::bundle::segment::{self, Compressor};

use crate::synthetic::{Bundle, Tree, faults};

/// Gives a few bytes at a time, and now and then an interruption, as pipes do.
struct Short<'a>(&'a [u8], usize);

impl Read for Short<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        if self.1.is_multiple_of(5) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let n = buffer.len().min(1 + self.1 % 97);
        self.0.read(&mut buffer[..n])
    }
}

/// Everything that a reader gives.
fn read(bytes: impl Read) -> (Manifest, Vec<Vec<u8>>, Vec<u8>) {
    let mut reader = Reader::open(Piped(bytes)).unwrap();
    let manifest = reader.manifest().clone();
    let (mut contents, mut stream) = (Vec::new(), Vec::new());
    for file in &manifest.project.files {
        let mut content = Vec::new();
        let sink = |chunk: &[u8]| io::Write::write_all(&mut content, chunk);
        reader.project_file(file, sink).unwrap();
        if matches!(
            file.kind,
            shellpack_format::bundle::manifest::FileKind::File { .. }
        ) {
            contents.push(content);
        }
    }
    for (index, &size) in manifest.closure.segments.iter().enumerate() {
        let mut member = Vec::new();
        let mut segment = reader.segment(index).unwrap();
        segment.content.read_to_end(&mut member).unwrap();
        assert_eq!(member.len() as u64, segment.size);
        stream.extend(segment::decode(&[], &member, size).unwrap());
    }
    reader.finish().unwrap();
    (manifest, contents, stream)
}

fn tree() -> impl Strategy<Value = Tree> {
    let file =
        (any::<bool>(), vec(any::<u8>(), 0..600)).prop_map(|(executable, contents)| Tree::File {
            executable,
            contents,
        });
    let leaf = prop_oneof![file, "[a-z./]{1,150}".prop_map(Tree::Symlink)];
    leaf.prop_recursive(3, 24, 6, |inner| {
        btree_map("[A-Za-z0-9 ._ü-]{1,40}x", inner, 0..6).prop_map(Tree::Directory)
    })
}

/// Any project around a shell file, any closure, cut anywhere.
fn bundle() -> impl Strategy<Value = Bundle> {
    let project = btree_map("[a-z]{1,60}( [a-z.]{1,60})?", tree(), 0..4);
    let closure = vec(("[a-z][a-z0-9.+-]{0,20}", tree(), any::<u32>()), 1..6);
    let cuts = vec(any::<u16>(), 0..4);
    (project, closure, cuts).prop_map(|(project, closure, cuts)| {
        let mut files: Vec<_> = project
            .iter()
            .map(|(n, t)| (n.as_str(), t.clone()))
            .collect();
        files.push(("shell.nix", Tree::file("{ }")));
        let paths: Vec<_> = closure
            .iter()
            .map(|(n, t, _)| (n.as_str(), t.nar()))
            .collect();
        let mut bundle = Bundle::new(&files, &paths);
        for (index, (.., bits)) in closure.iter().enumerate() {
            let references = (0..=index).filter(|n| bits >> n & 1 == 1);
            let references = references.map(|n| u32::try_from(n).unwrap()).collect();
            bundle.manifest.closure.paths[index].references = references;
        }
        let end = bundle.stream().len() as u64;
        let mut cuts: Vec<_> = cuts
            .iter()
            .map(|&cut| 1 + u64::from(cut) % (end - 1))
            .collect();
        cuts.sort_unstable();
        cuts.dedup();
        bundle.cut(&cuts);
        bundle
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn written_bundles_come_back(bundle in bundle()) {
        let bytes = bundle.bytes();
        let expected = (bundle.manifest.clone(), bundle.contents.clone(), bundle.stream());
        prop_assert_eq!(&read(bytes.as_slice()), &expected);
        prop_assert_eq!(&read(Short(&bytes, 0)), &expected);
        prop_assert!(faults(&bytes).is_empty());
        prop_assert_eq!(bundle.bytes(), bytes);
    }

    #[test]
    fn a_tree_comes_back_from_its_nar(tree in tree(), step in 1usize..900) {
        let (nar, scratch) = (tree.nar(), tempfile::tempdir().unwrap());
        let mut restore = Restore::new(scratch.path().join("tree"));
        for slice in nar.chunks(step) {
            restore.write(slice).unwrap();
        }
        restore.finish().unwrap();
        let (dump, mut again) = (Dump::of(&scratch.path().join("tree")).unwrap(), Vec::new());
        dump.reader(0).read_to_end(&mut again).unwrap();
        prop_assert_eq!(again, nar);
        make_deletable(&scratch);
    }
}

/// Directories of a store path are read-only; the tests may not run as root.
fn make_deletable(scratch: &tempfile::TempDir) {
    shellpack::internals::delete_tree(&scratch.path().join("tree")).unwrap();
}

#[test]
fn a_manifest_comes_back_from_its_text() {
    let manifest = Bundle::sample().manifest;
    assert_eq!(
        Manifest::parse(&manifest.to_bytes().unwrap()).unwrap(),
        manifest
    );
}

/// The sizes of reads and the order of threads must not show in the bundle.
#[test]
fn how_a_segment_is_fed_does_not_show() {
    let raw = Bundle::sample().stream().repeat(60);
    for level in [3, 12] {
        let mut compressor = Compressor::new(level, raw.len() as u64).unwrap();
        let mut whole = None;
        for step in [raw.len(), 1, 7, 4096, 131_072, 200_000] {
            let mut frame = compressor.begin(raw.len() as u64).unwrap();
            raw.chunks(step)
                .for_each(|chunk| frame.write(chunk).unwrap());
            let member = frame.finish(&[]).unwrap();
            let whole = whole.get_or_insert_with(|| member.clone());
            assert!(&member == whole, "{step} bytes at a time, level {level}");
        }
    }
}

#[test]
fn segments_can_be_passed_over() {
    let bundle = Bundle::sample();
    let bytes = bundle.bytes();
    let mut reader = Reader::open(Piped(Short(&bytes, 0))).unwrap();
    for file in &bundle.manifest.project.files {
        reader.project_file(file, |_| Ok(())).unwrap();
    }
    for index in 0..bundle.manifest.closure.segments.len() {
        reader.skip_segment(index).unwrap();
    }
    reader.finish().unwrap();
}
