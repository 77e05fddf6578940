//! Writes a parity file, section after section, from a bundle that can be read anywhere.

use std::io::{self, ErrorKind, Write};
use std::path::Path;

use rayon::prelude::*;

use super::bytes::digest_of;
use super::code::{Code, SLICE};
use super::geometry::Section;
use super::head::{Fixed, Identity};
use super::{Geometry, Remains};
use crate::error::{Error, Result};
use crate::interrupt;
use crate::report::{Event, Report};

/// Writes the parity of a bundle. `names` are the names of the bundle and of the parity file, for
/// messages.
pub(crate) fn write(
    bundle: &Remains,
    geometry: &Geometry,
    identity: Identity,
    out: &mut impl Write,
    names: [&Path; 2],
    report: &Report,
) -> Result<()> {
    report.emit(Event::Total {
        bytes: geometry.size,
        paths: 0,
    });
    let mut rows = Vec::new();
    for number in 0..geometry.sections() {
        let section = geometry.section(number);
        read(bundle, geometry, section, &mut rows, report).map_err(|error| match error {
            Halt::Stopped(error) => error,
            Halt::Unread(error) => Error::io("read", names[0])(error),
        })?;
        let coded = Coded::of(geometry, identity, section, &rows);
        let written = coded.and_then(|coded| coded.write(out));
        written.map_err(Error::io("write", names[1]))?;
    }
    Ok(())
}

enum Halt {
    Stopped(Error),
    Unread(io::Error),
}

/// Reads a section's part of each row. Behind the bundle's end there are zeros.
fn read(
    bundle: &Remains,
    geometry: &Geometry,
    section: Section,
    rows: &mut Vec<u8>,
    report: &Report,
) -> Result<(), Halt> {
    let length = length(u64::from(section.width) * geometry.block()).map_err(Halt::Unread)?;
    rows.clear();
    rows.resize(geometry.rows as usize * length, 0);
    for (row, bytes) in (0..geometry.rows).zip(rows.chunks_exact_mut(length)) {
        report.ensure_not_interrupted().map_err(Halt::Stopped)?;
        let start = geometry.range_of(row, section.first).start;
        let there = (geometry.size - start).min(bytes.len() as u64);
        let there = self::length(there).map_err(Halt::Unread)?;
        bundle
            .read(start, &mut bytes[..there])
            .map_err(Halt::Unread)?;
        report.emit(Event::Advanced {
            bytes: there as u64,
        });
    }
    Ok(())
}

/// The bytes of a section in the file.
struct Coded {
    head: Vec<u8>,
    parity: Vec<u8>,
}

impl Coded {
    fn of(
        geometry: &Geometry,
        identity: Identity,
        section: Section,
        rows: &[u8],
    ) -> io::Result<Self> {
        let length = length(u64::from(section.width) * geometry.block())?;
        let parity = encode(geometry, rows, length)?;
        let block = geometry.block as usize;
        let blocks = rows.par_chunks(block).chain(parity.par_chunks(block));
        let table: Vec<_> = blocks.map(digest_of).collect();
        let table = table.as_flattened();
        let fixed = Fixed::new(geometry, identity, section, table);
        Ok(Self {
            head: [&fixed.to_bytes(), table].concat(),
            parity,
        })
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.head)?;
        out.write_all(&self.parity)?;
        out.write_all(&self.head)
    }
}

/// The parity rows of a section whose rows have this length.
fn encode(geometry: &Geometry, rows: &[u8], length: usize) -> io::Result<Vec<u8>> {
    let code = Code {
        rows: geometry.rows as usize,
        parity: geometry.parity as usize,
    };
    let slices: Vec<_> = (0..length).step_by(SLICE).collect();
    let encode = |encoder: &mut io::Result<_>, from: &usize| {
        interrupt::ensure_none()?;
        let encoder = encoder.as_mut();
        let encoder = encoder.map_err(|error| io::Error::new(error.kind(), error.to_string()))?;
        let slice = *from..length.min(from + SLICE);
        let shards = rows.chunks_exact(length).map(|row| &row[slice.clone()]);
        code.encode(encoder, shards, slice.len())
    };
    let coded: io::Result<Vec<_>> = slices
        .par_iter()
        .map_init(|| code.encoder(), encode)
        .collect();
    let mut parity = vec![0; code.parity * length];
    for (from, coded) in slices.iter().zip(coded?) {
        let size = coded.len() / code.parity;
        for (row, bytes) in parity
            .chunks_exact_mut(length)
            .zip(coded.chunks_exact(size))
        {
            row[*from..from + size].copy_from_slice(bytes);
        }
    }
    Ok(parity)
}

/// The length of a buffer in memory.
fn length(bytes: u64) -> io::Result<usize> {
    usize::try_from(bytes).map_err(|_| ErrorKind::OutOfMemory.into())
}
