//! Reads segments from the store and compresses them, several at a time, in bounded memory:
//! each thread holds zstd's window of one segment and what that compressed to.

use std::io::{self, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use sha2::{Digest as _, Sha256};

use super::plan::Plan;
use crate::bundle::layout::{Layout, Slice};
use crate::bundle::segment::{Compressor, Frame};
use crate::error::{Error, Result};
use crate::nix::export;
use crate::nix::hash::Digest;
use crate::nix::nar::dump::Dump;
use crate::relay::{self, Relay};
use crate::report::{Event, Report};

/// How much is read at once: large enough for zstd to work on, small enough to stay in the
/// processor's cache between the hash and the compression.
const CHUNK: usize = 256 << 10;

/// Compresses every segment of the plan and gives each, in order, to `deliver`.
pub(super) fn segments(
    plan: &Plan,
    settings: &Settings,
    report: &Report,
    deliver: &mut (dyn FnMut(usize, &[u8]) -> Result<()> + Send),
) -> Result<()> {
    let layout = plan.manifest.layout();
    let dumps = plan
        .manifest
        .closure
        .paths
        .iter()
        .map(|_| Mutex::new(Weak::new()))
        .collect();
    let packer = Packer {
        plan,
        layout: &layout,
        report,
        dumps,
        hashers: Relay::new(),
    };
    let next = AtomicUsize::new(0);
    let turns = Relay::new();
    turns.pass(0, deliver);
    let work = || -> Result<()> {
        let mut compressor = Compressor::new(settings.level).map_err(packer.failed())?;
        loop {
            let segment = next.fetch_add(1, Ordering::Relaxed);
            if segment >= layout.segments() {
                return Ok(());
            }
            let member = packer.segment(segment, &mut compressor)?;
            let Some(deliver) = turns.take(segment) else {
                return Ok(());
            };
            deliver(segment, &member)?;
            turns.pass(segment + 1, deliver);
        }
    };
    relay::run(settings.jobs, work, || {
        turns.abandon();
        packer.hashers.abandon();
    })
}

/// How to compress.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) level: i32,
    pub(super) jobs: usize,
}

struct Packer<'a> {
    plan: &'a Plan,
    layout: &'a Layout,
    report: &'a Report,
    /// The layout of a NAR that several segments share, made once while any of them needs it.
    dumps: Vec<Mutex<Weak<Dump>>>,
    /// The hash of a NAR that goes on in the next segment.
    hashers: Relay<Sha256>,
}

impl Packer<'_> {
    /// Compresses a segment while reading it.
    fn segment(&self, segment: usize, compressor: &mut Compressor) -> Result<Vec<u8>> {
        for slice in self.layout.slices(segment) {
            self.hash_ahead(segment, &slice)?;
        }
        let mut frame = compressor
            .begin(self.layout.segment_size(segment))
            .map_err(self.failed())?;
        let closure = &self.plan.manifest.closure;
        for slice in self.layout.slices(segment) {
            let parts = self.layout.parts(&slice);
            if slice.record == closure.paths.len() {
                frame
                    .write(&export::END[range(&parts.head)])
                    .map_err(self.failed())?;
                continue;
            }
            frame
                .write(&export::NEXT[range(&parts.head)])
                .map_err(self.failed())?;
            self.nar(slice.record, &parts.nar, &mut frame)?;
            let trailer = export::trailer(&closure.path_info(slice.record), &closure.store);
            frame
                .write(&trailer[range(&parts.trailer)])
                .map_err(self.failed())?;
        }
        frame.finish().map_err(self.failed())
    }

    /// The hash of a NAR that other segments share goes from one segment's thread to the
    /// next one's. If each hashed while compressing, all would wait for each other; so such
    /// a part is read twice, the second time from memory.
    fn hash_ahead(&self, segment: usize, slice: &Slice) -> Result<()> {
        let nar = self.layout.parts(slice).nar;
        let Some(path) = self.plan.manifest.closure.paths.get(slice.record) else {
            return Ok(());
        };
        if nar.is_empty() || nar == (0..path.nar_size) {
            return Ok(());
        }
        let mut hasher = Sha256::new();
        if nar.start > 0 {
            let Some(open) = self.hashers.take(segment) else {
                return Err(Error::Interrupted);
            };
            hasher = open;
        }
        self.read(slice.record, &nar, |chunk| {
            hasher.update(chunk);
            Ok(())
        })?;
        if nar.end < path.nar_size {
            self.hashers.pass(segment + 1, hasher);
            return Ok(());
        }
        self.ensure_hash(slice.record, hasher)
    }

    /// Compresses a part of a NAR; of a whole one, the hash is compared on the way.
    fn nar(&self, record: usize, nar: &Range<u64>, frame: &mut Frame<'_>) -> Result<()> {
        let size = self.plan.manifest.closure.paths[record].nar_size;
        let is_whole = *nar == (0..size);
        let mut hasher = Sha256::new();
        self.read(record, nar, |chunk| {
            if is_whole {
                hasher.update(chunk);
            }
            self.report.emit(Event::Advanced {
                bytes: chunk.len() as u64,
            });
            frame.write(chunk).map_err(self.failed())
        })?;
        if is_whole {
            self.ensure_hash(record, hasher)?;
        }
        if nar.end == size {
            self.report.emit(Event::PathDone);
        }
        Ok(())
    }

    /// Reads a part of a NAR chunk by chunk.
    fn read(
        &self,
        record: usize,
        nar: &Range<u64>,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        if nar.is_empty() {
            return Ok(());
        }
        let path = &self.plan.manifest.closure.paths[record];
        let dump = self.dump(record)?;
        if dump.size() != path.nar_size {
            return Err(self.damaged(
                record,
                format!("{} bytes instead of {}", dump.size(), path.nar_size),
            ));
        }
        let mut reader = dump.reader(nar.start);
        let mut left = nar.end - nar.start;
        let mut buffer = vec![0; CHUNK];
        while left > 0 {
            self.report.ensure_not_interrupted()?;
            let want = buffer.len().min(usize::try_from(left).unwrap_or(CHUNK));
            let n = fill(&mut reader, &mut buffer[..want])
                .map_err(Error::io("read", self.place(record)))?;
            take(&buffer[..n])?;
            left -= n as u64;
        }
        Ok(())
    }

    /// A damaged path must not travel.
    fn ensure_hash(&self, record: usize, hasher: Sha256) -> Result<()> {
        let (found, expected) = (
            Digest::from(hasher),
            self.plan.manifest.closure.paths[record].nar_hash,
        );
        if found == expected {
            Ok(())
        } else {
            Err(self.damaged(record, format!("{found} instead of {expected}")))
        }
    }

    fn damaged(&self, record: usize, reason: String) -> Error {
        Error::DamagedStorePath {
            path: self.place(record).display().to_string(),
            reason,
        }
    }

    fn place(&self, record: usize) -> PathBuf {
        let closure = &self.plan.manifest.closure;
        closure.store.join(&closure.paths[record].path)
    }

    fn failed(&self) -> impl FnOnce(io::Error) -> Error {
        Error::io("compress the closure of", &self.plan.project_root)
    }

    fn dump(&self, record: usize) -> Result<Arc<Dump>> {
        let closure = &self.plan.manifest.closure;
        let mut slot = self.dumps[record]
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(dump) = slot.upgrade() {
            return Ok(dump);
        }
        let dump = Arc::new(Dump::of(&closure.store.join(&closure.paths[record].path))?);
        *slot = Arc::downgrade(&dump);
        Ok(dump)
    }
}

/// Fills a buffer as far as the NAR goes: many small files make one large chunk.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => filled += n,
        }
    }
    Ok(filled)
}

/// Ranges within a head or trailer are a few kilobytes at most.
fn range(range: &Range<u64>) -> Range<usize> {
    let at = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    at(range.start)..at(range.end)
}
