//! Where the records of the export stream lie in the segments (`bundle-format.md`, section
//! 5). Pure arithmetic on sizes that are known before anything is read.

use std::ops::Range;

use crate::store::export;
use crate::store::store_path::{StoreDir, StorePath};

/// The size of one path's record in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordSize {
    nar: u64,
    trailer: u64,
}

impl RecordSize {
    /// The size of a record with this NAR and these paths in its trailer.
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
        Self { nar, trailer }
    }

    /// With what stands before and after the NAR; `None` where a hostile size overflows.
    pub fn total(self) -> Option<u64> {
        (export::NEXT.len() as u64)
            .checked_add(self.nar)?
            .checked_add(self.trailer)
    }
}

/// Records and the segments that they are cut into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    records: Vec<RecordSize>,
    /// Offset of each record in the stream, and of the stream's end mark.
    starts: Vec<u64>,
    /// Offset of each segment in the stream, and of the stream's end.
    cuts: Vec<u64>,
}

/// The part of a record that lies in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// Which record: an index into the closure's paths; for the end mark, their number.
    pub record: usize,
    /// Which bytes of the record, counted from its start.
    pub bytes: Range<u64>,
}

impl Layout {
    /// Lays out records in segments of the given raw sizes.
    pub fn new(records: impl Iterator<Item = RecordSize>, segments: &[u64]) -> Self {
        let records: Vec<_> = records.collect();
        let starts = prefix_sums(
            records
                .iter()
                .map(|record| record.total().unwrap_or(u64::MAX)),
        );
        Self {
            records,
            starts,
            cuts: prefix_sums(segments.iter().copied()),
        }
    }

    /// The segment in which a record starts, and where in it.
    pub fn place(&self, record: usize) -> (usize, u64) {
        let start = self.starts[record];
        let segment = self.cuts.partition_point(|&cut| cut <= start) - 1;
        (segment, start - self.cuts[segment])
    }

    /// What a segment consists of, in order.
    pub fn slices(&self, segment: usize) -> impl Iterator<Item = Slice> + '_ {
        self.slices_in(segment, 0..self.segment_size(segment))
    }

    /// What a part of a segment consists of, in order. The part is counted from the
    /// segment's start and lies within it.
    pub fn slices_in(&self, segment: usize, part: Range<u64>) -> impl Iterator<Item = Slice> + '_ {
        let start = self.cuts[segment];
        let (from, to) = (start + part.start, start + part.end);
        let first = self.starts.partition_point(|&start| start <= from) - 1;
        let covered = self.starts[first..]
            .iter()
            .take_while(move |&&start| start < to);
        covered.enumerate().filter_map(move |(index, &start)| {
            let record = first + index;
            let bytes = from.max(start) - start..to.min(self.end(record)) - start;
            (!bytes.is_empty()).then_some(Slice { record, bytes })
        })
    }

    /// Where in a segment a record begins that goes on in the next segment, if one does.
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

    /// Splits a slice of a record into the parts before, in and after its NAR, each as a
    /// range counted from that part's own start.
    pub fn parts(&self, slice: &Slice) -> Parts {
        let head = export::NEXT.len() as u64;
        let Some(record) = self.records.get(slice.record) else {
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
            head: cut(0, head),
            nar: cut(head, record.nar),
            trailer: cut(head + record.nar, record.trailer),
        }
    }

    /// The size of a record, end mark included.
    pub fn record_end(&self, record: usize) -> u64 {
        self.end(record) - self.starts[record]
    }

    fn end(&self, record: usize) -> u64 {
        self.starts
            .get(record + 1)
            .copied()
            .unwrap_or(self.starts[record] + export::END.len() as u64)
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
        // Records of 8+10+20 = 38, 8+100+20 = 128 and 38 bytes; with the end mark 212.
        let records = [10, 100, 10].map(|nar| RecordSize { nar, trailer: 20 });
        Layout::new(records.into_iter(), &[50, 100, 62])
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
                assert_eq!(slice.bytes.start, at[slice.record]);
                at[slice.record] = slice.bytes.end;
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
    fn records_are_placed_where_they_start() {
        assert_eq!(
            [0, 1, 2].map(|record| layout().place(record)),
            [(0, 0), (0, 38), (2, 16)]
        );
    }

    #[test]
    fn a_cut_through_a_nar_is_split_into_parts() {
        let slice = layout().slices(1).next().unwrap();
        assert_eq!(
            slice,
            Slice {
                record: 1,
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
