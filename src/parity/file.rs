//! A parity file, as far as it is sound. Damaged parts of it cost as much as damaged parts of the
//! bundle; the rest stays useful.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::fs::{FileExt as _, FileTypeExt as _};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::bad::Bad;
use super::bytes::{BlockDigest, FIXED, digest_of};
use super::geometry::{Geometry, Section};
use super::head::{Fixed, Identity, MAGIC, NotFixed, Table};
use super::remains::salvage;
use crate::error::{BadParity, Error, Result};
use crate::report::Report;

/// How much is searched at a time for a sound head.
const SEARCHED: usize = 1 << 20;

/// A parity file that was opened.
#[derive(Debug)]
pub(crate) struct ParityFile {
    pub(crate) path: PathBuf,
    file: File,
    length: u64,
    pub(super) geometry: Geometry,
    pub(crate) identity: Identity,
    /// The tables of the sections that could be read.
    tables: Vec<Table>,
    /// The damaged blocks of parity.
    pub(super) bad: Bad,
}

impl ParityFile {
    /// Reads one head: the layout, and the bundle that it belongs to.
    pub(crate) fn open(path: &Path, report: &Report) -> Result<Self> {
        let (file, length) = open(path)?;
        let fixed = find_head(&file, length, report)?.map_err(|error| match error {
            NotFixed::Damaged => BadParity::NotParity(path.to_owned()),
            NotFixed::Unknown => BadParity::Unknown(path.to_owned()),
        })?;
        Ok(Self {
            path: path.to_owned(),
            file,
            length,
            geometry: fixed.geometry,
            identity: fixed.identity,
            tables: Vec::new(),
            bad: Bad::default(),
        })
    }

    /// Reads the whole file, and finds out which parts are sound.
    pub(crate) fn read(mut self, report: &Report) -> Result<Self> {
        let (geometry, length) = (self.geometry, self.length);
        let sections = 0..geometry.sections();
        for number in sections.take_while(|number| geometry.start_of(*number) < length) {
            report.ensure_not_interrupted()?;
            self.read_section(geometry.section(number));
            if self.bad.are_too_many() {
                return Err(BadParity::NotParity(self.path).into());
            }
        }
        Ok(self)
    }

    /// The bundle's size.
    pub(crate) fn bundle_size(&self) -> u64 {
        self.geometry.size
    }

    /// How many bytes of the bundle can be restored at most.
    pub(super) fn covered_bytes(&self) -> u64 {
        let row = self
            .geometry
            .columns()
            .saturating_mul(self.geometry.block());
        row.saturating_mul(self.geometry.parity.into())
    }

    /// Whether every byte of it is as it was written.
    pub(crate) fn is_whole(&self) -> bool {
        let are_there = self.tables.len() as u64 == self.geometry.sections();
        are_there && self.bad.is_empty() && self.tables.iter().all(|table| table.is_whole)
    }

    /// The number of columns with known digests.
    pub(super) fn known_columns(&self) -> u64 {
        let width = u64::from(self.geometry.width);
        let known = (self.tables.len() as u64).saturating_mul(width);
        known.min(self.geometry.columns())
    }

    /// Whether a block has the right digest; `None` if that is unknown.
    pub(super) fn is_good(&self, row: u32, column: u64, digest: BlockDigest) -> Option<bool> {
        let section = self.geometry.section_of(column);
        let number = usize::try_from(section.number).ok()?;
        let table = self.tables.get(number)?;
        Some(table.has(section.index(row, column), digest))
    }

    /// Reads neighbouring blocks of a row of parity.
    pub(super) fn read_parity(&self, row: u32, column: u64, buffer: &mut [u8]) {
        self.salvage(self.geometry.parity_at(row, column), buffer);
    }

    fn read_section(&mut self, section: Section) {
        let geometry = self.geometry;
        let size = geometry.section_size(section);
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        self.salvage(geometry.start_of(section.number), &mut bytes);
        let head = usize::try_from(geometry.head_size(section)).unwrap_or_default();
        let (before, rest) = bytes.split_at(head);
        let (parity, behind) = rest.split_at(rest.len() - head);
        let identity = self.identity;
        let table = Table::of([before, behind], |fixed: &Fixed| {
            (fixed.geometry, fixed.identity, fixed.section) == (geometry, identity, section.number)
        });
        let first = geometry.rows as usize * section.width as usize;
        let blocks = parity.par_chunks(geometry.block as usize).enumerate();
        let bad = blocks.filter(|(index, block)| !table.has(first + index, digest_of(block)));
        let bad: Vec<usize> = bad.map(|(index, _)| index).collect();
        for index in bad {
            let (row, column) = (
                index / section.width as usize,
                index % section.width as usize,
            );
            let row = geometry.rows + u32::try_from(row).unwrap_or(u32::MAX);
            let column = section.first + column as u64;
            self.bad.add(column, row, &geometry);
        }
        self.tables.push(table);
    }

    fn salvage(&self, at: u64, buffer: &mut [u8]) {
        salvage(at, buffer, |at, rest| self.file.read_at(rest, at));
    }
}

/// A file and its size in bytes. Opening a pipe would wait for a writer, so the type is checked
/// first.
fn open(path: &Path) -> Result<(File, u64)> {
    let look = || -> io::Result<_> {
        let kind = path.metadata()?.file_type();
        if !kind.is_file() && !kind.is_block_device() {
            return Ok(None);
        }
        let mut file = File::open(path)?;
        // A device reports no other length.
        let length = file.seek(SeekFrom::End(0))?;
        Ok(Some((file, length)))
    };
    let found = look().map_err(Error::io("read", path))?;
    found.ok_or_else(|| BadParity::NotAFile(path.to_owned()).into())
}

/// The first sound head, anywhere in the file. All of them are equal but for the number of the
/// section.
fn find_head(file: &File, length: u64, report: &Report) -> Result<Result<Fixed, NotFixed>> {
    let mut bytes = vec![0; SEARCHED + FIXED];
    let mut at = 0;
    while at < length {
        report.ensure_not_interrupted()?;
        let there = (length - at).min(bytes.len() as u64);
        let bytes = &mut bytes[..usize::try_from(there).unwrap_or(0)];
        salvage(at, bytes, |at, rest| file.read_at(rest, at));
        for start in places_of(MAGIC, bytes) {
            let parsed = Fixed::parse(&bytes[start..]);
            if parsed != Err(NotFixed::Damaged) {
                return Ok(parsed);
            }
        }
        at += SEARCHED as u64;
    }
    Ok(Err(NotFixed::Damaged))
}

fn places_of<'a>(needle: &'a [u8], bytes: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let windows = bytes.windows(needle.len()).enumerate();
    windows
        .filter(move |(_, window)| *window == needle)
        .map(|(at, _)| at)
}
