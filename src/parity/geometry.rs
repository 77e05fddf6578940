//! The layout of a bundle's bytes for the code, and of the parity file (`bundle-format.md`, section
//! 11.1). Pure arithmetic; all sizes have 64 bits.

use std::ops::Range;

use super::Share;
use super::bytes::{BLOCK_DIGEST, FIXED};

/// The writer's rows. Many rows even out damage that is scattered over many places, but a section
/// is read from as many places.
const MOST_ROWS: u64 = 1024;
/// About how many bytes the writer holds in memory: a section and its parity.
const SECTION: u64 = 96 << 20;
/// The writer's block sizes, each for bundles up to a size. Small blocks lose little to a damaged
/// byte; large ones need fewer digests.
const BLOCKS: [(u64, u32); 3] = [
    (4 << 20, 1 << 10),
    (256 << 20, 4 << 10),
    (16 << 30, 16 << 10),
];
/// How many bytes of a section and its parity a reader is willing to hold in memory.
const LARGEST_SECTION: u64 = 256 << 20;
/// How many elements the code has: the rows, and the rows of parity rounded up to a power of two.
const MOST_ELEMENTS: u64 = 1 << 16;
/// The size that bundles with parity must stay below: 64 TiB.
const LARGEST_BUNDLE: u64 = 1 << 46;
/// How many bytes of digests a reader accepts; for a large bundle, a thousandth of its size. Those
/// of the writer need less than half of that.
const MOST_DIGESTS: u64 = 64 << 20;
/// The largest block that a reader accepts.
const LARGEST_BLOCK: u32 = 1 << 20;
/// The code works on this many bytes at a time.
pub(super) const UNIT: u32 = 64;

/// The bundle as a table of blocks. In each column, damaged blocks can be computed from the others
/// if they are at most as many as the rows of parity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// The bundle's size in bytes.
    pub(super) size: u64,
    /// The size of a block in bytes.
    pub(super) block: u32,
    /// The number of rows of the bundle.
    pub(super) rows: u32,
    /// The number of rows of parity.
    pub(super) parity: u32,
    /// The number of columns in a section.
    pub(super) width: u32,
}

/// Neighbouring columns whose parity is stored together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) number: u64,
    /// Its first column.
    pub(super) first: u64,
    pub(super) width: u32,
}

impl Geometry {
    /// The layout that shellpack writes. It depends on nothing but these arguments.
    pub(crate) fn of_bundle(size: u64, share: Share) -> Self {
        let tier = BLOCKS.iter().find(|(largest, _)| size <= *largest);
        let block = tier.map_or(64 << 10, |(_, block)| *block);
        let bytes = u64::from(block);
        let columns = size.div_ceil(MOST_ROWS * bytes).max(1);
        let rows = size.div_ceil(columns * bytes).max(1);
        let parity = share.of(rows);
        let width = (SECTION / ((rows + parity) * bytes)).clamp(1, columns);
        Self {
            size,
            block,
            rows: small(rows),
            parity: small(parity),
            width: small(width),
        }
    }

    /// Accepts a layout from a file if a reader can handle it.
    pub(super) fn checked(self) -> Option<Self> {
        let (rows, parity) = (u64::from(self.rows), u64::from(self.parity));
        let elements = rows + parity.next_power_of_two();
        let is_possible = (1..LARGEST_BUNDLE).contains(&self.size)
            && self.block.is_multiple_of(UNIT)
            && (UNIT..=LARGEST_BLOCK).contains(&self.block)
            && rows > 0
            && parity > 0
            && elements <= MOST_ELEMENTS
            && self.width > 0
            && ((rows + parity) * u64::from(self.block)).saturating_mul(self.width.into())
                <= LARGEST_SECTION;
        let most = MOST_DIGESTS.max(self.size / 1000);
        is_possible
            .then_some(self)
            .filter(|it| it.digests() <= most)
    }

    /// The size of all digests in bytes. A reader holds them in memory.
    fn digests(&self) -> u64 {
        let blocks = u64::from(self.rows + self.parity).saturating_mul(self.columns());
        let heads = self.sections().saturating_mul(FIXED as u64);
        blocks
            .saturating_mul(BLOCK_DIGEST as u64)
            .saturating_add(heads)
    }

    /// The number of columns.
    pub(super) fn columns(&self) -> u64 {
        self.size.div_ceil(u64::from(self.rows) * self.block())
    }

    pub(super) fn sections(&self) -> u64 {
        self.columns().div_ceil(self.width.into())
    }

    pub(super) fn section(&self, number: u64) -> Section {
        let first = number * u64::from(self.width);
        let width = u64::from(self.width).min(self.columns() - first);
        Section {
            number,
            first,
            width: small(width),
        }
    }

    /// The section of a column.
    pub(super) fn section_of(&self, column: u64) -> Section {
        self.section(column / u64::from(self.width))
    }

    /// The size of a block in bytes.
    pub(super) fn block(&self) -> u64 {
        self.block.into()
    }

    /// The number of blocks of the bundle.
    pub(super) fn blocks(&self) -> u64 {
        self.size.div_ceil(self.block())
    }

    /// The row and column of a block of the bundle.
    pub(super) fn place_of(&self, block: u64) -> (u32, u64) {
        let columns = self.columns();
        (small(block / columns), block % columns)
    }

    /// The range of a block in the bundle.
    pub(super) fn range_of(&self, row: u32, column: u64) -> Range<u64> {
        let start = (u64::from(row) * self.columns() + column).saturating_mul(self.block());
        start.min(self.size)..start.saturating_add(self.block()).min(self.size)
    }

    /// The size of one copy of a section's head.
    pub(super) fn head_size(&self, section: Section) -> u64 {
        let blocks = u64::from(self.rows + self.parity) * u64::from(section.width);
        FIXED as u64 + blocks * BLOCK_DIGEST as u64
    }

    /// The offset of a section in the parity file.
    pub(super) fn start_of(&self, number: u64) -> u64 {
        number.saturating_mul(self.section_size(self.section(0)))
    }

    /// The size of a section in the parity file.
    pub(super) fn section_size(&self, section: Section) -> u64 {
        let row = u64::from(section.width) * self.block();
        2 * self.head_size(section) + u64::from(self.parity) * row
    }

    /// The offset of a block of parity in the parity file.
    pub(super) fn parity_at(&self, row: u32, column: u64) -> u64 {
        let section = self.section_of(column);
        let before = u64::from(row) * u64::from(section.width) + (column - section.first);
        self.start_of(section.number)
            .saturating_add(self.head_size(section) + before * self.block())
    }

    /// The size of the parity file.
    pub(crate) fn parity_size(&self) -> u64 {
        let last = self.sections() - 1;
        self.start_of(last)
            .saturating_add(self.section_size(self.section(last)))
    }
}

impl Section {
    /// The index of a block's digest in its table.
    pub(super) fn index(self, row: u32, column: u64) -> usize {
        let before = u64::from(row) * u64::from(self.width) + (column - self.first);
        usize::try_from(before).unwrap_or(usize::MAX)
    }
}

/// Converts numbers that the limits above keep small.
fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIB: u64 = 1 << 30;

    fn geometry(size: u64, share: &str) -> Geometry {
        Geometry::of_bundle(size, share.parse().unwrap())
    }

    #[test]
    fn it_is_known_what_a_bundle_gives() {
        let found = [
            (10_240, "5%"),
            (2_000_000, "5%"),
            (5 * GIB, "5%"),
            (100 * GIB, "100%"),
        ]
        .map(|(size, share)| {
            let it = geometry(size, share);
            (it.block, it.rows, it.parity, it.columns(), it.width)
        });
        assert_eq!(
            found,
            [
                (1024, 10, 1, 1, 1),
                (1024, 977, 49, 2, 2),
                (16384, 1024, 52, 320, 5),
                (65536, 1024, 1024, 1600, 1),
            ]
        );
    }

    /// Bytes behind the fourth gibibyte are in the right place.
    #[test]
    fn places_have_64_bits() {
        let it = geometry(5 * GIB, "5%");
        let (row, column) = it.place_of(4 * GIB / it.block() + 7);
        assert_eq!((row, column), (819, 71));
        assert_eq!(
            it.range_of(row, column),
            4 * GIB + 7 * 16384..4 * GIB + 8 * 16384
        );
        let huge = geometry(900 * GIB, "100%");
        let last = huge.section(huge.sections() - 1);
        assert_eq!(
            huge.parity_at(0, last.first),
            huge.start_of(last.number) + huge.head_size(last)
        );
        assert!(huge.parity_size() > 900 * GIB && huge.parity_size() < 905 * GIB);
    }

    #[test]
    fn what_no_reader_can_deal_with_is_refused() {
        let good = geometry(5 * GIB, "5%");
        assert_eq!(good.checked(), Some(good));
        for bad in [
            Geometry { size: 0, ..good },
            Geometry {
                size: LARGEST_BUNDLE,
                ..good
            },
            Geometry { block: 0, ..good },
            Geometry { block: 100, ..good },
            Geometry {
                block: 2 << 20,
                ..good
            },
            Geometry { rows: 0, ..good },
            Geometry {
                rows: 65_536,
                ..good
            },
            Geometry { parity: 0, ..good },
            Geometry {
                parity: 65_000,
                ..good
            },
            Geometry { width: 0, ..good },
            // 5 GiB in blocks of 64 bytes.
            Geometry {
                block: 64,
                width: 1,
                ..good
            },
            Geometry {
                width: u32::MAX,
                ..good
            },
        ] {
            assert_eq!(bad.checked(), None, "{bad:?}");
        }
    }

    proptest! {
        /// For any size: the share is reached, memory is bounded, and each block has one place.
        #[test]
        fn every_bundle_has_its_geometry(size in 1..64 * GIB, hundredths in 1u32..=10_000, at in 0..64 * GIB) {
            let it = Geometry::of_bundle(size, Share { hundredths });
            prop_assert_eq!(it.checked(), Some(it));
            let covered = u64::from(it.parity) * it.columns() * it.block();
            prop_assert!(covered * 10_000 >= size.saturating_mul(hundredths.into()));
            let held = u64::from(it.rows + it.parity) * it.block() * u64::from(it.width);
            prop_assert!(held <= SECTION || it.width == 1 && held <= 128 << 20);
            let (row, column) = it.place_of((at % size) / it.block());
            prop_assert!(row < it.rows && it.range_of(row, column).contains(&(at % size)));
            let section = it.section_of(column);
            let columns = section.first..section.first + u64::from(section.width);
            prop_assert!(columns.contains(&column) && section.number < it.sections());
        }
    }
}
