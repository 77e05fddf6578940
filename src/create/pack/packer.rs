//! Packs one segment: reads it from the store, compares it with the plan, and compresses it.

use std::io::{self, Read as _};
use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::trees::Trees;
use crate::bases::Bases;
use crate::error::{Error, Result};
use crate::relay::Relay;
use crate::report::{Event, Report};
use crate::text::shown;
use shellpack_format::bundle::layout::{Layout, Slice};
use shellpack_format::bundle::manifest::{Closure, Manifest};
use shellpack_format::bundle::segment::{Compressor, Frame};
use shellpack_format::store::export;
use shellpack_format::store::hash::Digest;

/// Bytes read at once: enough for few system calls, few enough to be hashed while they are in the
/// processor's cache.
pub(super) const CHUNK: usize = 256 << 10;

pub(super) struct Packer<'a> {
    manifest: &'a Manifest,
    bases: Option<&'a Bases<'a>>,
    pub(super) closure: &'a Closure,
    pub(super) layout: &'a Layout,
    pub(super) trees: &'a Trees,
    pub(super) report: &'a Report,
    /// Hashes of NARs that continue in the next segment.
    hashers: Relay<Sha256>,
}

impl<'a> Packer<'a> {
    pub(super) fn new(
        manifest: &'a Manifest,
        bases: Option<&'a Bases<'a>>,
        (layout, trees): (&'a Layout, &'a Trees),
        report: &'a Report,
    ) -> Self {
        Self {
            manifest,
            bases,
            closure: &manifest.closure,
            layout,
            trees,
            report,
            hashers: Relay::new(),
        }
    }

    /// Wakes all threads that wait for a hash.
    pub(super) fn abandon(&self) {
        self.hashers.abandon();
    }

    pub(super) fn failed(&self) -> impl FnOnce(io::Error) -> Error {
        Error::io("compress the closure of", self.manifest.name.as_str())
    }

    /// Reads a segment and compares it with the plan. A stepwise frame compresses it at the same
    /// time.
    pub(super) fn read_segment<'c>(
        &self,
        segment: usize,
        compressor: &'c mut Compressor,
    ) -> Result<Frame<'c>> {
        let size = self.layout.segment_size(segment);
        let begun = if self.manifest.pieces(segment).is_empty() {
            compressor.begin(size)
        } else {
            compressor.begin_with_prefix(size)
        };
        let mut frame = begun.map_err(self.failed())?;
        let is_stepwise = frame.is_stepwise();
        if is_stepwise {
            self.hash_ahead(segment)?;
        }
        for slice in self.layout.slices(segment) {
            self.write_slice(&slice, &mut frame)?;
        }
        if !is_stepwise {
            self.hash_raw(segment, frame.raw())?;
        }
        Ok(frame)
    }

    /// Compresses a segment, or the rest of a stepwise one.
    pub(super) fn compress(&self, segment: usize, frame: Frame<'_>) -> Result<Vec<u8>> {
        self.report.ensure_not_interrupted()?;
        let is_stepwise = frame.is_stepwise();
        let prefix = match self.bases {
            Some(bases) => bases.prefix(segment)?,
            None => Vec::new(),
        };
        let member = frame.finish(&prefix).map_err(self.failed())?;
        for slice in self.layout.slices(segment) {
            self.report_done(&slice, is_stepwise);
        }
        Ok(member)
    }

    pub(super) fn trailer(&self, index: usize) -> Vec<u8> {
        export::trailer(&self.closure.path_info(index), &self.closure.store)
    }

    /// Writes the part of a framed NAR that is in a segment.
    fn write_slice(&self, slice: &Slice, frame: &mut Frame<'_>) -> Result<()> {
        let parts = self.layout.parts(slice);
        let Some(path) = self.closure.paths.get(slice.index) else {
            let end = &export::END[range(&parts.head)];
            return frame.write(end).map_err(self.failed());
        };
        let head = &export::NEXT[range(&parts.head)];
        frame.write(head).map_err(self.failed())?;
        let is_whole = parts.nar == (0..path.nar_size);
        let mut hasher = is_whole.then(Sha256::new);
        self.read(slice.index, &parts.nar, frame, |chunk| {
            if let Some(hasher) = &mut hasher {
                hasher.update(chunk);
            }
        })?;
        if let Some(hasher) = hasher {
            self.ensure_hash(slice.index, hasher)?;
        }
        if parts.trailer.is_empty() {
            return Ok(());
        }
        let trailer = self.trailer(slice.index);
        frame
            .write(&trailer[range(&parts.trailer)])
            .map_err(self.failed())
    }

    /// Reads a part of a NAR into the space that the compressor provides.
    fn read(
        &self,
        index: usize,
        nar: &Range<u64>,
        frame: &mut Frame<'_>,
        mut seen: impl FnMut(&[u8]),
    ) -> Result<()> {
        let mut left = nar.end - nar.start;
        if left == 0 {
            return Ok(());
        }
        let dump = self.trees.dump(index)?;
        self.ensure_size(index, dump.size())?;
        let mut reader = dump.reader(nar.start);
        while left > 0 {
            self.report.ensure_not_interrupted()?;
            let most = CHUNK.min(usize::try_from(left).unwrap_or(CHUNK));
            let space = frame.space(most);
            reader
                .read_exact(space)
                .map_err(Error::io("read", self.trees.place(index)))?;
            seen(space);
            let n = space.len();
            frame.fill(n).map_err(self.failed())?;
            left -= n as u64;
            if frame.is_stepwise() {
                self.report.emit(Event::Advanced { bytes: n as u64 });
            }
        }
        Ok(())
    }

    /// Hashes the NARs that several segments share. Each hash is passed from one segment's thread
    /// to the next one's as soon as the segment was read.
    pub(super) fn hash_raw(&self, segment: usize, raw: &[u8]) -> Result<()> {
        let mut rest = raw;
        for slice in self.layout.slices(segment) {
            let length = range(&slice.bytes).len();
            let (bytes, after) = rest.split_at(length.min(rest.len()));
            rest = after;
            let parts = self.layout.parts(&slice);
            let head = range(&parts.head).len();
            let nar = head..head + range(&parts.nar).len();
            self.hash_shared(segment, &slice, |hasher| {
                hasher.update(&bytes[nar]);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Hashes shared NARs before a stepwise segment is read. The next segment's thread cannot wait
    /// until this one is compressed, so the shared parts are read twice, the second time from
    /// memory.
    fn hash_ahead(&self, segment: usize) -> Result<()> {
        for slice in self.layout.slices(segment) {
            self.hash_shared(segment, &slice, |hasher| {
                let nar = self.layout.parts(&slice).nar;
                let dump = self.trees.dump(slice.index)?;
                self.ensure_size(slice.index, dump.size())?;
                let mut reader = dump.reader(nar.start).take(nar.end - nar.start);
                let mut chunk = vec![0; CHUNK];
                loop {
                    self.report.ensure_not_interrupted()?;
                    let n = reader
                        .read(&mut chunk)
                        .map_err(Error::io("read", self.trees.place(slice.index)))?;
                    if n == 0 {
                        return Ok(());
                    }
                    hasher.update(&chunk[..n]);
                }
            })?;
        }
        Ok(())
    }

    /// Continues the hash of a NAR that other segments share. Ignores NARs that they do not share.
    fn hash_shared(
        &self,
        segment: usize,
        slice: &Slice,
        update: impl FnOnce(&mut Sha256) -> Result<()>,
    ) -> Result<()> {
        let nar = self.layout.parts(slice).nar;
        let Some(path) = self.closure.paths.get(slice.index) else {
            return Ok(());
        };
        if nar.is_empty() || nar == (0..path.nar_size) {
            return Ok(());
        }
        let mut hasher = Sha256::new();
        if nar.start > 0 {
            hasher = self.hashers.take(segment).ok_or(Error::Interrupted)?;
        }
        update(&mut hasher)?;
        if nar.end < path.nar_size {
            self.hashers.pass(segment + 1, hasher);
            return Ok(());
        }
        self.ensure_hash(slice.index, hasher)
    }

    pub(super) fn report_done(&self, slice: &Slice, is_stepwise: bool) {
        let nar = self.layout.parts(slice).nar;
        let Some(path) = self.closure.paths.get(slice.index) else {
            return;
        };
        if !is_stepwise {
            let bytes = nar.end - nar.start;
            self.report.emit(Event::Advanced { bytes });
        }
        if nar.end == path.nar_size && !nar.is_empty() {
            self.report.emit(Event::PathDone);
        }
    }

    pub(super) fn ensure_size(&self, index: usize, size: u64) -> Result<()> {
        let expected = self.closure.paths[index].nar_size;
        if size == expected {
            return Ok(());
        }
        Err(self.damaged(index, format!("{size} bytes instead of {expected}")))
    }

    /// Fails if a path is damaged.
    fn ensure_hash(&self, index: usize, hasher: Sha256) -> Result<()> {
        let (found, expected) = (Digest::from(hasher), self.closure.paths[index].nar_hash);
        if found == expected {
            return Ok(());
        }
        Err(self.damaged(index, format!("{found} instead of {expected}")))
    }

    fn damaged(&self, index: usize, reason: String) -> Error {
        Error::DamagedStorePath {
            path: shown(&self.trees.place(index)).to_string(),
            reason,
        }
    }
}

/// Ranges within a segment fit into memory, because the segment does.
pub(super) fn range(range: &Range<u64>) -> Range<usize> {
    let at = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    at(range.start)..at(range.end)
}
