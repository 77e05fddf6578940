//! Updates of bundles as types.

use shellpack_format::bundle::manifest::{Base, Delta, NEEDS_DELTA, Piece, Prefix, Replacement};
use shellpack_format::bundle::rebase::Replacements;
use shellpack_format::bundle::segment::Compressor;
use shellpack_format::bundle::signature::Signatures;
use shellpack_format::bundle::writer::Writer;
use shellpack_format::store::hash::Digest;
use shellpack_format::store::store_path::{HashPart, StorePath};

use super::{Bundle, Tree};

/// A piece of a base: its index, offset and size.
type Part = (u32, usize, usize);

/// A bundle that is an update, and the NARs of its bases.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) bundle: Bundle,
    /// In the order of the bases.
    pub(crate) bases: Vec<Vec<u8>>,
}

impl Update {
    /// Of these store paths, of which those that are `presumed` are left out, with these bases. No segment
    /// has a prefix yet.
    pub(crate) fn new(
        closure: &[(&str, Vec<u8>)],
        presumed: &[usize],
        bases: &[(StorePath, Vec<u8>)],
    ) -> Self {
        let file = Tree::File {
            executable: false,
            contents: b"x".to_vec(),
        };
        let mut bundle = Bundle::new(&[("shell.nix", file)], closure);
        for &index in presumed {
            let path = &mut bundle.manifest.closure.paths[index];
            (path.presumed, path.segment, path.offset) = (true, None, None);
        }
        let base = |(path, nar): &(StorePath, Vec<u8>)| Base {
            path: path.clone(),
            nar_hash: Digest::of(nar),
            nar_size: nar.len() as u64,
        };
        bundle.manifest.needs.push(NEEDS_DELTA.to_owned());
        bundle.manifest.delta = Some(Delta {
            bases: bases.iter().map(base).collect(),
            ..Delta::default()
        });
        bundle.cut(&[]);
        let bases = bases.iter().map(|(_, nar)| nar.clone()).collect();
        Self { bundle, bases }
    }

    /// An update that has one of everything: a presumed path, a base that is one, and another one.
    pub(crate) fn sample() -> Self {
        let nar = |text: &str| Tree::file(text.repeat(40).as_bytes()).nar();
        let gone = super::store_path(9, "greet-1.0");
        let kept = super::store_path(1, "bash");
        let closure = [
            ("bash", nar("bash")),
            ("greet-1.1", nar("hello, new world")),
            ("parade", nar("many words")),
        ];
        let bases = [
            (kept, closure[0].1.clone()),
            (gone, nar("hello, old world")),
        ];
        let mut update = Self::new(&closure, &[0], &bases);
        update.replace(&[(9, 2)]);
        update.compress_with(&[(0, vec![(1, 0, update.bases[1].len()), (0, 8, 100)])]);
        update
    }

    pub(crate) fn delta(&mut self) -> &mut Delta {
        self.bundle.manifest.delta.as_mut().unwrap()
    }

    /// Hash parts that are numbers, each with the one that takes its place.
    pub(crate) fn replace(&mut self, pairs: &[(usize, usize)]) {
        let part = |number: usize| HashPart::parse(&format!("{number:032}")).unwrap();
        let pair = |&(from, to): &(usize, usize)| Replacement {
            from: part(from),
            to: part(to),
        };
        self.delta().replace = pairs.iter().map(pair).collect();
    }

    /// Segments with pieces of bases: index, offset and size.
    pub(crate) fn compress_with(&mut self, prefixes: &[(u32, Vec<Part>)]) {
        let piece = |&(base, offset, size): &(u32, usize, usize)| Piece {
            base,
            offset: offset as u64,
            size: size as u64,
        };
        let prefix = |(segment, pieces): &(u32, Vec<_>)| Prefix {
            segment: *segment,
            pieces: pieces.iter().map(piece).collect(),
        };
        self.delta().prefixes = prefixes.iter().map(prefix).collect();
    }

    /// The prefix of a segment, by the rules of the format.
    pub(crate) fn prefix(&self, segment: usize) -> Vec<u8> {
        let delta = self.bundle.manifest.delta.as_ref().unwrap();
        let replacements = Replacements::new(&delta.replace);
        let mut prefix = Vec::new();
        for piece in delta.pieces(segment) {
            let start = usize::try_from(piece.offset).unwrap();
            let end = start + usize::try_from(piece.size).unwrap();
            let mut rebase = replacements.begin();
            rebase.push(&self.bases[piece.base as usize][start..end], &mut prefix);
            rebase.finish(&mut prefix);
        }
        if !prefix.is_empty() {
            let manifest = &self.bundle.manifest;
            prefix.extend(manifest.framing(&manifest.layout(), segment).flatten());
        }
        prefix
    }

    /// The update.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let manifest = &self.bundle.manifest;
        let bytes = manifest.to_bytes().unwrap();
        let mut writer = Writer::begin(Vec::new(), &bytes, &Signatures::default()).unwrap();
        let files = manifest.project.files.iter().zip(&self.bundle.contents);
        for (file, contents) in files {
            writer.project_file(file, contents.as_slice()).unwrap();
        }
        for (index, raw) in self.bundle.raw_segments().iter().enumerate() {
            let prefix = self.prefix(index);
            let mut compressor = Compressor::new(3, raw.len() as u64).unwrap();
            let mut frame = if prefix.is_empty() {
                compressor.begin(raw.len() as u64).unwrap()
            } else {
                compressor.begin_with_prefix(raw.len() as u64).unwrap()
            };
            frame.write(raw).unwrap();
            let member = frame.finish(&prefix).unwrap();
            writer
                .segment(manifest.segment_name(index), &member)
                .unwrap();
        }
        writer.finish().unwrap()
    }
}
