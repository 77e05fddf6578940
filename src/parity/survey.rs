//! Which blocks of a bundle are damaged, and whether its parity covers that.

use std::ops::Range;

use rayon::prelude::*;

use super::file::{Bad, ParityFile};
use super::{Remains, head};
use crate::error::{BadParity, Result};
use crate::report::{Event, Report};

/// About how much is read at a time.
const STEP: u64 = 8 << 20;

/// What is damaged.
#[derive(Debug)]
pub(crate) struct Survey {
    /// Blocks of the bundle, and of parity.
    pub(super) bad: Bad,
    /// How many of them are the bundle's.
    damaged: u64,
    ranges: Vec<Range<u64>>,
    /// How many more blocks of parity there would have to be in a column.
    lacking: usize,
    /// Whether there are blocks of which nothing is known.
    is_partial: bool,
}

impl Survey {
    /// Reads all of a bundle, from its beginning to its end.
    pub(crate) fn of(bundle: &Remains, parity: &ParityFile, report: &Report) -> Result<Self> {
        let geometry = parity.geometry;
        report.emit(Event::Total {
            bytes: geometry.size,
            paths: 0,
        });
        let mut survey = Self {
            bad: parity.bad.clone(),
            damaged: 0,
            ranges: Vec::new(),
            lacking: 0,
            is_partial: false,
        };
        let at_once = (STEP / geometry.block()).max(1);
        let mut good = 0;
        let mut bytes = vec![0; usize::try_from(at_once * geometry.block()).unwrap_or(0)];
        for first in (0..geometry.blocks()).step_by(usize::try_from(at_once).unwrap_or(1)) {
            report.ensure_not_interrupted()?;
            let start = first * geometry.block();
            let there = usize::try_from(geometry.size - start).unwrap_or(usize::MAX);
            let there = there.min(bytes.len());
            bytes[there..].fill(0);
            bundle.salvage(start, &mut bytes[..there]);
            let blocks = there.div_ceil(geometry.block as usize);
            let found: Vec<_> = bytes
                .par_chunks(geometry.block as usize)
                .take(blocks)
                .enumerate()
                .map(|(index, bytes)| {
                    let (row, column) = geometry.place_of(first + index as u64);
                    parity.is_good(row, column, head::entry_of(bytes))
                })
                .collect();
            for (is_good, block) in found.into_iter().zip(first..) {
                match is_good {
                    Some(true) => good += 1,
                    Some(false) => survey.note(block, parity),
                    None => survey.is_partial = true,
                }
            }
            report.emit(Event::Advanced {
                bytes: there as u64,
            });
        }
        survey.count(parity);
        // Zeros look alike everywhere.
        if survey.lacking > 0 && good < geometry.blocks() / 20 {
            return Err(BadParity::OtherBundle(parity.path.clone()).into());
        }
        Ok(survey)
    }

    fn count(&mut self, parity: &ParityFile) {
        let geometry = parity.geometry;
        let columns = self.bad.values();
        let of_bundle = columns.filter(|rows| rows.iter().any(|row| *row < geometry.rows));
        let lacking = of_bundle.map(|rows| rows.len().saturating_sub(geometry.parity as usize));
        self.lacking = lacking.max().unwrap_or(0);
    }

    fn note(&mut self, block: u64, parity: &ParityFile) {
        let geometry = parity.geometry;
        let (row, column) = geometry.place_of(block);
        self.bad.entry(column).or_default().insert(row);
        self.damaged += 1;
        let range = geometry.range_of(row, column);
        match self.ranges.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.ranges.push(range),
        }
    }

    /// Whether every block of the bundle is known to be good.
    pub(crate) fn is_sound(&self) -> bool {
        self.damaged == 0 && !self.is_partial
    }

    /// Whether everything that is damaged can be restored.
    pub(crate) fn is_covered(&self) -> bool {
        self.lacking == 0 && !self.is_partial
    }

    /// Which bytes are damaged, in whole blocks.
    pub(crate) fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }
}
