//! Where each framed NAR of the export stream is in the segments (`bundle-format.md`, section 5).
//! Pure arithmetic on sizes that are known before anything is read.

use std::ops::Range;

use crate::store::export;
use crate::store::store_path::{StoreDir, StorePath};

/// The size in bytes of one path's NAR with its framing in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FramedSize {
    head: u64,
    nar: u64,
    trailer: u64,
}

impl FramedSize {
    /// Of a path that is not in the stream.
    pub const NOTHING: Self = Self {
        head: 0,
        nar: 0,
        trailer: 0,
    };

    /// The size of a NAR of `nar` bytes with these paths in its trailer.
    pub fn of<'a>(
        nar: u64,
        store: &StoreDir,
        path: &StorePath,
        references: impl Iterator<Item = &'a StorePath>,
        deriver: Option<&StorePath>,
    ) -> Self {
        let printed = |path: &StorePath| store.as_str().len() + 1 + path.base_name().len();
        let trailer = export::trailer_size(
            printed(path),
            references.map(printed),
            deriver.map_or(0, printed),
        );
        Self {
            head: export::NEXT.len() as u64,
            nar,
            trailer,
        }
    }

    /// The size of what comes behind the NAR.
    pub fn trailer(self) -> u64 {
        self.trailer
    }

    /// The NAR with what comes before and after it; `None` if a hostile size overflows.
    pub fn total(self) -> Option<u64> {
        self.head.checked_add(self.nar)?.checked_add(self.trailer)
    }
}

/// Framed NARs and the segments that they are cut into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    framed: Vec<FramedSize>,
    /// Offset of each framed NAR in the stream, and of the stream's end mark.
    starts: Vec<u64>,
    /// Offset of each segment in the stream, and of the stream's end.
    cuts: Vec<u64>,
}

/// The part of a framed NAR that is in one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// Which NAR: an index into the closure's paths. The end mark has their number.
    pub index: usize,
    /// Which bytes, counted from the start of its framing.
    pub bytes: Range<u64>,
}

impl Layout {
    /// Lays out framed NARs, in the order of the stream, in segments of these raw sizes.
    pub fn new(framed: impl Iterator<Item = FramedSize>, segments: &[u64]) -> Self {
        let framed: Vec<_> = framed.collect();
        let starts = prefix_sums(framed.iter().map(|size| size.total().unwrap_or(u64::MAX)));
        Self {
            framed,
            starts,
            cuts: prefix_sums(segments.iter().copied()),
        }
    }

    /// The segment in which a framed NAR starts, and its offset there.
    pub fn place(&self, index: usize) -> (usize, u64) {
        let start = self.starts[index];
        let segment = self.cuts.partition_point(|&cut| cut <= start) - 1;
        (segment, start - self.cuts[segment])
    }

    /// The slices that a segment consists of, in order.
    pub fn slices(&self, segment: usize) -> impl Iterator<Item = Slice> + '_ {
        self.slices_in(segment, 0..self.segment_size(segment))
    }

    /// The slices that a part of a segment consists of, in order. The part is counted from the
    /// segment's start and must be within it.
    pub fn slices_in(&self, segment: usize, part: Range<u64>) -> impl Iterator<Item = Slice> + '_ {
        let start = self.cuts[segment];
        let (from, to) = (start + part.start, start + part.end);
        let first = self.starts.partition_point(|&start| start <= from) - 1;
        let covered = self.starts[first..]
            .iter()
            .take_while(move |&&start| start < to);
        covered.enumerate().filter_map(move |(at, &start)| {
            let index = first + at;
            let bytes = from.max(start) - start..to.min(self.end(index)) - start;
            (!bytes.is_empty()).then_some(Slice { index, bytes })
        })
    }

    /// Where in a segment a framed NAR begins that goes on in the next segment, if one does.
    pub fn unfinished(&self, segment: usize) -> Option<u64> {
        let (from, to) = (self.cuts[segment], self.cuts[segment + 1]);
        let last = self.starts.partition_point(|&start| start < to) - 1;
        (self.end(last) > to).then(|| self.starts[last].max(from) - from)
    }

    /// Raw size of a segment.
    pub fn segment_size(&self, segment: usize) -> u64 {
        self.cuts[segment + 1] - self.cuts[segment]
    }

    /// Number of segments.
    pub fn segments(&self) -> usize {
        self.cuts.len() - 1
    }

    /// Splits a slice into the parts before, in and after its NAR, each as a range counted from
    /// that part's own start.
    pub fn parts(&self, slice: &Slice) -> Parts {
        let Some(size) = self.framed.get(slice.index) else {
            return Parts {
                head: slice.bytes.clone(),
                nar: 0..0,
                trailer: 0..0,
            };
        };
        let cut = |from: u64, length: u64| {
            let within = |at: u64| at.clamp(from, from + length) - from;
            within(slice.bytes.start)..within(slice.bytes.end)
        };
        Parts {
            head: cut(0, size.head),
            nar: cut(size.head, size.nar),
            trailer: cut(size.head + size.nar, size.trailer),
        }
    }

    /// The size of a framed NAR, or of the end mark.
    pub fn framed_size(&self, index: usize) -> u64 {
        self.end(index) - self.starts[index]
    }

    fn end(&self, index: usize) -> u64 {
        self.starts
            .get(index + 1)
            .copied()
            .unwrap_or(self.starts[index] + export::END.len() as u64)
    }
}

/// The parts of a slice; see [`Layout::parts`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Bytes of the 1 before the NAR (of the end mark: of the 0).
    pub head: Range<u64>,
    /// Bytes of the NAR.
    pub nar: Range<u64>,
    /// Bytes of the trailer.
    pub trailer: Range<u64>,
}

fn prefix_sums(sizes: impl Iterator<Item = u64>) -> Vec<u64> {
    let sums = sizes.scan(0u64, |sum, size| {
        *sum = sum.saturating_add(size);
        Some(*sum)
    });
    std::iter::once(0).chain(sums).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        // Framed NARs of 8+10+20 = 38, 8+100+20 = 128 and 38 bytes; with the end mark 212.
        let framed = [10, 100, 10].map(|nar| FramedSize {
            head: 8,
            nar,
            trailer: 20,
        });
        Layout::new(framed.into_iter(), &[50, 100, 62])
    }

    #[test]
    fn a_framed_nar_is_as_long_as_its_framing_and_itself() {
        let store = StoreDir::parse("/nix/store").unwrap();
        let path = |name: &str| {
            StorePath::from_base_name(&format!("00000000000000000000000000000000-{name}")).unwrap()
        };
        let references = [path("a"), path("a-longer-name")];
        let (own, deriver) = (path("x"), path("x.drv"));
        let framed = FramedSize::of(5, &store, &own, references.iter(), Some(&deriver));
        // Strings have 8 bytes for their length, and are padded to multiples of 8.
        let strings = [45, 45, 57, 49].map(|length: u64| 8 + length.next_multiple_of(8));
        assert_eq!(framed.total(), Some(32 + 5 + strings.iter().sum::<u64>()));
    }

    #[test]
    fn every_byte_lies_in_exactly_one_slice() {
        let layout = layout();
        let mut at = vec![0; 4];
        for segment in 0..3 {
            let slices: Vec<_> = layout.slices(segment).collect();
            assert_eq!(
                slices
                    .iter()
                    .map(|slice| slice.bytes.end - slice.bytes.start)
                    .sum::<u64>(),
                layout.segment_size(segment)
            );
            for slice in slices {
                assert_eq!(slice.bytes.start, at[slice.index]);
                at[slice.index] = slice.bytes.end;
                let parts = layout.parts(&slice);
                let sum: u64 = [&parts.head, &parts.nar, &parts.trailer]
                    .iter()
                    .map(|range| range.end - range.start)
                    .sum();
                assert_eq!(sum, slice.bytes.end - slice.bytes.start);
            }
        }
        assert_eq!(at, [38, 128, 38, 8]);
        assert_eq!(
            [0, 1, 2].map(|segment| layout.unfinished(segment)),
            [Some(38), Some(0), None]
        );
    }

    #[test]
    fn a_part_of_a_segment_has_its_part_of_the_slices() {
        let layout = layout();
        for segment in 0..3 {
            let size = layout.segment_size(segment);
            for cut in 0..=size {
                let parts = [0..cut, cut..size].map(|part| layout.slices_in(segment, part));
                let sum: u64 = parts
                    .into_iter()
                    .flatten()
                    .map(|slice| slice.bytes.end - slice.bytes.start)
                    .sum();
                assert_eq!(sum, size, "segment {segment} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_nar_that_ends_with_its_segment_is_finished() {
        let framed = [10, 100].map(|nar| FramedSize {
            head: 8,
            nar,
            trailer: 20,
        });
        let layout = Layout::new(framed.into_iter(), &[38, 136]);
        assert_eq!([0, 1].map(|segment| layout.unfinished(segment)), [None; 2]);
        assert_eq!(layout.segments(), 2);
        assert_eq!(
            [0, 1, 2].map(|index| layout.framed_size(index)),
            [38, 128, 8]
        );
    }

    #[test]
    fn nars_are_placed_where_they_start() {
        assert_eq!(
            [0, 1, 2].map(|index| layout().place(index)),
            [(0, 0), (0, 38), (2, 16)]
        );
    }

    #[test]
    fn a_cut_through_a_nar_is_split_into_parts() {
        let slice = layout().slices(1).next().unwrap();
        assert_eq!(
            slice,
            Slice {
                index: 1,
                bytes: 12..112
            }
        );
        assert_eq!(
            layout().parts(&slice),
            Parts {
                head: 8..8,
                nar: 4..100,
                trailer: 0..4
            }
        );
    }
}
