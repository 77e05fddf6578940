//! The blocks that are known to be damaged. The author of the files controls their number, so no
//! more are kept than are needed to know that there are too many.

use std::collections::{BTreeMap, BTreeSet};

use super::Geometry;

/// How many are kept: enough for 256 GiB of the largest blocks that shellpack writes.
const MOST: usize = 4 << 20;

/// Damaged blocks, by column. Rows of parity follow those of the bundle.
#[derive(Debug, Clone, Default)]
pub(super) struct Bad {
    columns: BTreeMap<u64, BTreeSet<u32>>,
    count: usize,
}

impl Bad {
    /// Adds a block. A column with more damage than parity is lost, so further blocks of it are
    /// dropped.
    pub(super) fn add(&mut self, column: u64, row: u32, geometry: &Geometry) {
        let rows = self.columns.entry(column).or_default();
        if rows.len() <= geometry.parity as usize && rows.insert(row) {
            self.count += 1;
        }
    }

    /// Whether there are more than are kept.
    pub(super) fn are_too_many(&self) -> bool {
        self.count > MOST
    }

    pub(super) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The damaged rows of a column.
    pub(super) fn of(&self, column: u64) -> Option<&BTreeSet<u32>> {
        self.columns.get(&column)
    }

    /// The columns in which blocks of the bundle are damaged, and the rows of each.
    pub(super) fn of_bundle(
        &self,
        geometry: &Geometry,
    ) -> impl Iterator<Item = (u64, &BTreeSet<u32>)> {
        let rows = geometry.rows;
        let columns = self.columns.iter();
        let columns = columns.filter(move |(_, bad)| bad.iter().any(|row| *row < rows));
        columns.map(|(column, bad)| (*column, bad))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Share;
    use super::*;

    #[test]
    fn a_column_keeps_no_more_than_it_takes_to_be_lost() {
        let geometry = Geometry::of_bundle(5 << 30, Share::USUAL);
        let mut bad = Bad::default();
        for row in 0..geometry.rows {
            bad.add(7, row, &geometry);
            bad.add(7, row, &geometry);
        }
        let kept = geometry.parity as usize + 1;
        assert_eq!((bad.of(7).unwrap().len(), bad.count), (kept, kept));
        bad.add(8, geometry.rows, &geometry);
        let of_bundle: Vec<_> = bad.of_bundle(&geometry).map(|(column, _)| column).collect();
        assert_eq!(of_bundle, [7]);
    }
}
