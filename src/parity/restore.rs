//! Computes the damaged blocks of a bundle, and reads the bundle with these in place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rayon::prelude::*;

use super::bad::Bad;
use super::code::Code;
use super::file::ParityFile;
use super::geometry::Geometry;
use super::{Remains, Survey};
use crate::error::{BadParity, Error, Result};
use crate::report::{Event, Report};

/// The restored bundle, read from beginning to end.
#[derive(Debug)]
pub(crate) struct Restored {
    bundle: Remains,
    geometry: Geometry,
    patches: Patches,
    at: u64,
}

/// Blocks that were computed. They may not fit into memory.
#[derive(Debug)]
struct Patches {
    file: File,
    /// The offset of each in the file, by the block's number.
    places: BTreeMap<u64, u64>,
}

impl Restored {
    /// Computes the damaged blocks, and keeps them in a nameless file in `dir`.
    pub(crate) fn new(
        bundle: Remains,
        parity: &ParityFile,
        survey: &Survey,
        dir: &Path,
        report: &Report,
    ) -> Result<Self> {
        let file = tempfile::tempfile_in(dir).map_err(Error::io("create a file in", dir))?;
        let mut patches = Patches {
            file,
            places: BTreeMap::new(),
        };
        let geometry = parity.geometry;
        let of_bundle = survey.bad.of_bundle(&geometry);
        let columns: Vec<u64> = of_bundle.map(|(column, _)| column).collect();
        report.emit(Event::Total {
            bytes: columns.len() as u64 * u64::from(geometry.rows) * geometry.block(),
            paths: 0,
        });
        for run in runs(&geometry, &columns) {
            let rows = Rows::read(&bundle, parity, run, report)?;
            let restored = rows.restore(&geometry, &survey.bad);
            let restored = restored.map_err(|()| BadParity::Beyond {
                parity: parity.path.clone(),
            })?;
            for (block, bytes) in restored {
                let added = patches.add(block, &bytes);
                added.map_err(Error::io("write to", dir))?;
            }
        }
        Ok(Self {
            bundle,
            geometry,
            patches,
            at: 0,
        })
    }
}

impl Read for Restored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(self.bundle.size() - self.at).unwrap_or(usize::MAX);
        let most = buffer.len().min(rest);
        let buffer = &mut buffer[..most];
        let (number, within) = (
            self.at / self.geometry.block(),
            self.at % self.geometry.block(),
        );
        let n = match self.patches.places.range(number..).next() {
            Some((block, place)) if *block == number => {
                let left = usize::try_from(self.geometry.block() - within).unwrap_or(1);
                let n = left.min(buffer.len());
                let read = self
                    .patches
                    .file
                    .read_exact_at(&mut buffer[..n], place + within);
                read.map(|()| n)?
            }
            next => {
                let until = next.map_or(u64::MAX, |(block, _)| block * self.geometry.block());
                let left = usize::try_from(until - self.at).unwrap_or(usize::MAX);
                let n = left.min(buffer.len());
                self.bundle.salvage(self.at, &mut buffer[..n]);
                n
            }
        };
        self.at += n as u64;
        Ok(n)
    }
}

impl Patches {
    fn add(&mut self, block: u64, bytes: &[u8]) -> io::Result<()> {
        let place = self.places.len() as u64 * bytes.len() as u64;
        self.file.write_all_at(bytes, place)?;
        self.places.insert(block, place);
        Ok(())
    }
}

/// Neighbouring columns of one section, which are read together.
fn runs(geometry: &Geometry, columns: &[u64]) -> Vec<Range<u64>> {
    let mut runs: Vec<Range<u64>> = Vec::new();
    for &column in columns {
        match runs.last_mut() {
            Some(run)
                if run.end == column
                    && geometry.section_of(run.start) == geometry.section_of(column) =>
            {
                run.end += 1;
            }
            _ => runs.push(column..column + 1),
        }
    }
    runs
}

/// Some columns, as far as they can be read.
struct Rows {
    columns: Range<u64>,
    /// The blocks of these columns: first the bundle's rows, then those of parity.
    blocks: Vec<u8>,
}

impl Rows {
    fn read(
        bundle: &Remains,
        parity: &ParityFile,
        columns: Range<u64>,
        report: &Report,
    ) -> Result<Self> {
        let geometry = &parity.geometry;
        let length = (columns.end - columns.start) * geometry.block();
        let length = usize::try_from(length).unwrap_or_default();
        let rows = geometry.rows + geometry.parity;
        let mut blocks = vec![0; rows as usize * length];
        for (row, bytes) in (0..rows).zip(blocks.chunks_exact_mut(length)) {
            report.ensure_not_interrupted()?;
            if row >= geometry.rows {
                parity.read_parity(row - geometry.rows, columns.start, bytes);
                continue;
            }
            let start = geometry.range_of(row, columns.start).start;
            let there = usize::try_from(geometry.size - start).unwrap_or(usize::MAX);
            let there = there.min(length);
            bundle.salvage(start, &mut bytes[..there]);
            report.emit(Event::Advanced {
                bytes: length as u64,
            });
        }
        Ok(Self { columns, blocks })
    }

    /// The damaged blocks of the bundle, each with its number.
    fn restore(&self, geometry: &Geometry, bad: &Bad) -> Result<Vec<(u64, Vec<u8>)>, ()> {
        let columns: Vec<u64> = self.columns.clone().collect();
        let restored: Result<Vec<_>, ()> = columns
            .par_iter()
            .map(|column| {
                let bad = bad.of(*column).ok_or(())?;
                let restored = self.restore_column(geometry, *column, bad)?;
                let number = |row: u32| u64::from(row) * geometry.columns() + column;
                let restored = restored.into_iter();
                let restored = restored.map(|(row, block)| (number(row), block));
                Ok(restored.collect::<Vec<_>>())
            })
            .collect();
        Ok(restored?.into_iter().flatten().collect())
    }

    fn restore_column(
        &self,
        geometry: &Geometry,
        column: u64,
        bad: &BTreeSet<u32>,
    ) -> Result<Vec<(u32, Vec<u8>)>, ()> {
        let good = |rows: Range<u32>| rows.filter(|row| !bad.contains(row));
        let block = |row| self.block(geometry, row, column);
        let rows: Vec<_> = good(0..geometry.rows)
            .map(|row| (row, block(row)))
            .collect();
        let parity = good(geometry.rows..geometry.rows + geometry.parity)
            .map(|row| (row - geometry.rows, block(row)))
            .take(geometry.rows as usize - rows.len());
        let parity: Vec<_> = parity.collect();
        if rows.len() + parity.len() < geometry.rows as usize {
            return Err(());
        }
        let code = Code {
            rows: geometry.rows as usize,
            parity: geometry.parity as usize,
        };
        code.restore(&rows, &parity).map_err(drop)
    }

    fn block(&self, geometry: &Geometry, row: u32, column: u64) -> &[u8] {
        let size = geometry.block as usize;
        let width = usize::try_from(self.columns.end - self.columns.start).unwrap_or(1);
        let before = usize::try_from(column - self.columns.start).unwrap_or(0);
        let at = (row as usize * width + before) * size;
        &self.blocks[at..at + size]
    }
}
