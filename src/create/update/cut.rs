//! Cuts the export stream of an update into segments, each with its prefix.

use std::collections::{BTreeMap, BTreeSet};

use shellpack_format::bundle::layout::FramedSize;
use shellpack_format::bundle::manifest::{Base, Closure, Delta, Piece, Prefix};
use shellpack_format::store::export;
use shellpack_format::store::store_path::StorePath;

/// The most raw bytes in a segment, and the most bytes in its prefix, with its framing: both fit one window. The prefix is
/// larger, since what is alike in a base may have moved.
const MOST_RAW: u64 = 48 << 20;
const MOST_PREFIX: u64 = 64 << 20;
/// The most bytes that are taken from a base, as a multiple of its size (`bundle-format.md`, 15.2).
const MOST_TIMES: u64 = 4;

/// The segments under way.
#[derive(Debug, Default)]
struct Cutter<'a> {
    bases: &'a [Base],
    segments: Vec<u64>,
    prefixes: Vec<Prefix>,
    raw: u64,
    pieces: Vec<Piece>,
    prefix: u64,
    /// How many bytes were taken from each base.
    taken: BTreeMap<u32, u64>,
}

/// The raw sizes of the segments, and their prefixes.
pub(super) fn cut(
    closure: &Closure,
    presumed: &[bool],
    chosen: &BTreeMap<usize, StorePath>,
    bases: &[Base],
) -> (Vec<u64>, Vec<Prefix>) {
    let mut cutter = Cutter {
        bases,
        ..Cutter::default()
    };
    for index in (0..closure.paths.len()).filter(|&index| !presumed[index]) {
        let size = closure.framed_size(index);
        let base = chosen.get(&index).and_then(|path| {
            let at = bases.binary_search_by(|base| base.path.cmp(path)).ok()?;
            u32::try_from(at).ok()
        });
        cutter.add(size, base);
    }
    cutter.raw += export::END.len() as u64;
    cutter.end_segment();
    (cutter.segments, cutter.prefixes)
}

impl Cutter<'_> {
    fn add(&mut self, size: FramedSize, base: Option<u32>) {
        let raw = size.total().unwrap_or(u64::MAX);
        if raw > MOST_RAW {
            return self.add_in_parts(raw, base);
        }
        let more = base.filter(|base| !self.has(*base));
        let more = more.map_or(0, |base| self.size(base).min(MOST_PREFIX));
        let more = more + size.trailer();
        if self.raw + raw > MOST_RAW || self.prefix + more > MOST_PREFIX {
            self.end_segment();
        }
        self.raw += raw;
        self.prefix += size.trailer();
        if let Some(base) = base.filter(|base| !self.has(*base)) {
            self.take(base, 0, self.size(base).min(MOST_PREFIX));
        }
    }

    /// A large path is cut into equal parts, each with the part of the base that is at the same place,
    /// and a little more on both sides.
    fn add_in_parts(&mut self, raw: u64, base: Option<u32>) {
        self.end_segment();
        let parts = raw.div_ceil(MOST_RAW);
        for part in 0..parts {
            let (from, to) = (share(raw, part, parts), share(raw, part + 1, parts));
            self.raw += to - from;
            if let Some(base) = base {
                let size = self.size(base);
                let window = size.min(MOST_PREFIX);
                // In a base of another size, the same place is the same share.
                let middle = share(size, from + (to - from) / 2, raw);
                let offset = middle.saturating_sub(window / 2).min(size - window);
                self.take(base, offset, window);
            }
            if part + 1 < parts {
                self.end_segment();
            }
        }
    }

    fn size(&self, base: u32) -> u64 {
        self.bases[base as usize].nar_size
    }

    fn has(&self, base: u32) -> bool {
        self.pieces.iter().any(|piece| piece.base == base)
    }

    /// Adds a piece of a base, unless much of it was taken already.
    fn take(&mut self, base: u32, offset: u64, size: u64) {
        let most = self.size(base).saturating_mul(MOST_TIMES);
        let taken = self.taken.entry(base).or_default();
        if size > 0 && *taken + size <= most {
            *taken += size;
            self.prefix += size;
            self.pieces.push(Piece { base, offset, size });
        }
    }

    fn end_segment(&mut self) {
        if self.raw == 0 {
            return;
        }
        if !self.pieces.is_empty() {
            self.prefixes.push(Prefix {
                segment: u32::try_from(self.segments.len()).unwrap_or(u32::MAX),
                pieces: std::mem::take(&mut self.pieces),
            });
        }
        self.segments.push(self.raw);
        (self.raw, self.prefix) = (0, 0);
    }
}

/// `part` of `parts` of a size, without overflow.
fn share(size: u64, part: u64, parts: u64) -> u64 {
    let share = u128::from(size) * u128::from(part) / u128::from(parts.max(1));
    u64::try_from(share).unwrap_or(size)
}

/// Takes out the bases of which no piece was taken.
pub(super) fn forget_unused(delta: &mut Delta) {
    let pieces = delta.prefixes.iter().flat_map(|prefix| &prefix.pieces);
    let used: BTreeSet<_> = pieces.map(|piece| piece.base).collect();
    let new: BTreeMap<u32, u32> = used.iter().copied().zip(0..).collect();
    let mut old = 0..;
    delta
        .bases
        .retain(|_| old.next().is_some_and(|old| used.contains(&old)));
    let pieces = delta
        .prefixes
        .iter_mut()
        .flat_map(|prefix| &mut prefix.pieces);
    for piece in pieces {
        piece.base = new[&piece.base];
    }
}
