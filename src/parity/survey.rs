//! Finds the damaged blocks of a bundle, and whether its parity covers the damage.

use std::iter;
use std::ops::Range;

use rayon::prelude::*;

use super::bad::Bad;
use super::bytes::digest_of;
use super::{Geometry, ParityFile, Remains};
use crate::error::{BadParity, Result};
use crate::report::{Event, Report};

/// About how many bytes are read at a time.
const STEP: u64 = 8 << 20;

/// How many ranges are kept in memory.
const MOST_RANGES: usize = 4 << 20;

/// The damage.
#[derive(Debug)]
pub(crate) struct Survey {
    /// The damaged blocks of the bundle and of parity.
    pub(super) bad: Bad,
    /// How many of them are the bundle's.
    damaged: u64,
    ranges: Vec<Range<u64>>,
    /// Whether a column has more damage than parity.
    is_lacking: bool,
    /// Whether there are blocks without a known digest.
    is_partial: bool,
    /// Whether every file has the right size.
    is_complete: bool,
}

impl Survey {
    /// Reads the bundle from beginning to end, as far as digests are known.
    pub(crate) fn of(bundle: &Remains, parity: &ParityFile, report: &Report) -> Result<Self> {
        let geometry = parity.geometry;
        let known = known(&geometry, parity.known_columns());
        let blocks: u64 = known.iter().map(|run| run.end - run.start).sum();
        report.emit(Event::Total {
            bytes: geometry.size.min(blocks.saturating_mul(geometry.block())),
            paths: 0,
        });
        let mut survey = Self {
            bad: parity.bad.clone(),
            damaged: 0,
            ranges: Vec::new(),
            is_lacking: false,
            is_partial: blocks < geometry.blocks(),
            is_complete: bundle.is_complete(),
        };
        let mut good = 0;
        for run in known {
            good += survey.read(run, bundle, parity, report)?;
        }
        survey.count(parity);
        // Blocks of zeros are equal everywhere.
        if survey.is_lacking && good < blocks / 20 {
            return Err(BadParity::OtherBundle(parity.path.clone()).into());
        }
        Ok(survey)
    }

    /// Reads neighbouring blocks. Returns how many of them are good.
    fn read(
        &mut self,
        run: Range<u64>,
        bundle: &Remains,
        parity: &ParityFile,
        report: &Report,
    ) -> Result<u64> {
        let geometry = parity.geometry;
        let at_once = (STEP / geometry.block()).clamp(1, run.end - run.start);
        let mut good = 0;
        let mut bytes = vec![0; usize::try_from(at_once * geometry.block()).unwrap_or(0)];
        for first in run.clone().step_by(usize::try_from(at_once).unwrap_or(1)) {
            report.ensure_not_interrupted()?;
            let blocks = at_once.min(run.end - first);
            let start = first * geometry.block();
            let there = (geometry.size - start).min(blocks * geometry.block());
            let there = usize::try_from(there).unwrap_or(0);
            bytes[there..].fill(0);
            bundle.salvage(start, &mut bytes[..there]);
            let found: Vec<_> = bytes
                .par_chunks(geometry.block as usize)
                .take(usize::try_from(blocks).unwrap_or(0))
                .enumerate()
                .map(|(index, bytes)| {
                    let (row, column) = geometry.place_of(first + index as u64);
                    parity.is_good(row, column, digest_of(bytes))
                })
                .collect();
            for (is_good, block) in found.into_iter().zip(first..) {
                match is_good {
                    Some(true) => good += 1,
                    Some(false) => self.note(block, parity),
                    None => self.is_partial = true,
                }
            }
            if self.bad.are_too_many() || self.ranges.len() > MOST_RANGES {
                return Err(BadParity::Beyond {
                    parity: parity.path.clone(),
                }
                .into());
            }
            report.emit(Event::Advanced {
                bytes: there as u64,
            });
        }
        Ok(good)
    }

    fn count(&mut self, parity: &ParityFile) {
        let geometry = parity.geometry;
        let mut of_bundle = self.bad.of_bundle(&geometry);
        self.is_lacking = of_bundle.any(|(_, rows)| rows.len() > geometry.parity as usize);
    }

    fn note(&mut self, block: u64, parity: &ParityFile) {
        let geometry = parity.geometry;
        let (row, column) = geometry.place_of(block);
        self.bad.add(column, row, &geometry);
        self.damaged += 1;
        let range = geometry.range_of(row, column);
        match self.ranges.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.ranges.push(range),
        }
    }

    /// Whether every block of the bundle is known to be good, and nothing else exists.
    pub(crate) fn is_sound(&self) -> bool {
        self.damaged == 0 && !self.is_partial && self.is_complete
    }

    /// Whether all damage can be restored.
    pub(crate) fn is_covered(&self) -> bool {
        !self.is_lacking && !self.is_partial
    }

    /// The number of damaged bytes, in whole blocks.
    pub(crate) fn damaged_bytes(&self) -> u64 {
        self.ranges
            .iter()
            .map(|range| range.end - range.start)
            .sum()
    }

    /// The damaged ranges, in whole blocks.
    pub(crate) fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }
}

/// Neighbouring blocks with known digests, if only the first columns have them: the parity file is
/// cut short, or belongs to a bundle of a size that nothing else confirms.
fn known(geometry: &Geometry, columns: u64) -> Vec<Range<u64>> {
    if columns >= geometry.columns() {
        return iter::once(0..geometry.blocks()).collect();
    }
    let starts = (0..u64::from(geometry.rows)).map(|row| row * geometry.columns());
    let runs = starts.map(|start| start..start.saturating_add(columns).min(geometry.blocks()));
    runs.filter(|run| run.start < run.end).collect()
}
