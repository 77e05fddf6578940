//! Compares a segment of an earlier bundle with the plan, before it is taken over.

use std::io::Read as _;

use super::packer::{CHUNK, Packer, range};
use crate::error::{Error, Result};
use shellpack_format::bundle::layout::{Parts, Slice};
use shellpack_format::bundle::segment::Decoder;
use shellpack_format::store::export;
use shellpack_format::store::hash::Digest;

impl Packer<'_> {
    /// Decodes a segment of an earlier bundle, and compares it with the plan. Returns whether it can be
    /// taken over; one that is damaged, or has other bytes, cannot. Of the store, only NARs that several
    /// segments share are read: the hashes of the others are those that it has.
    pub(super) fn check(
        &self,
        segment: usize,
        member: &[u8],
        decoder: &mut Decoder,
    ) -> Result<bool> {
        self.report.ensure_not_interrupted()?;
        let size = self.layout.segment_size(segment);
        let mut decoding = decoder
            .begin(size, member.len() as u64)
            .map_err(self.failed())?;
        let fed = decoding.feed(member).and_then(|()| decoding.finish());
        if fed.is_err() || !self.is_planned(segment, decoding.raw())? {
            return Ok(false);
        }
        self.hash_raw(segment, decoding.raw())?;
        for slice in self.layout.slices(segment) {
            self.report_done(&slice, false);
        }
        Ok(true)
    }

    /// Whether the framing in a segment, and the NARs that are in it wholly or in part, are those of the
    /// plan.
    fn is_planned(&self, segment: usize, mut raw: &[u8]) -> Result<bool> {
        for slice in self.layout.slices(segment) {
            let (bytes, after) = raw.split_at(range(&slice.bytes).len());
            raw = after;
            if !self.is_slice(&slice, bytes)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_slice(&self, slice: &Slice, bytes: &[u8]) -> Result<bool> {
        let Some(path) = self.closure.paths.get(slice.index) else {
            return Ok(bytes == &export::END[range(&slice.bytes)]);
        };
        let parts = self.layout.parts(slice);
        let (head, bytes) = bytes.split_at(range(&parts.head).len());
        let (nar, trailer) = bytes.split_at(range(&parts.nar).len());
        let is_framed = head == &export::NEXT[range(&parts.head)]
            && (trailer.is_empty() || trailer == &self.trailer(slice.index)[range(&parts.trailer)]);
        Ok(is_framed
            && if parts.nar == (0..path.nar_size) {
                Digest::of(nar) == path.nar_hash
            } else {
                self.is_in_store(slice.index, &parts, nar)?
            })
    }

    /// Whether the store has this part of a NAR. Its hash comes too late: the segments before this one are
    /// written by then.
    fn is_in_store(&self, index: usize, parts: &Parts, nar: &[u8]) -> Result<bool> {
        if nar.is_empty() {
            return Ok(true);
        }
        let dump = self.trees.dump(index)?;
        self.ensure_size(index, dump.size())?;
        let mut reader = dump.reader(parts.nar.start);
        let mut own = vec![0; CHUNK];
        for chunk in nar.chunks(CHUNK) {
            self.report.ensure_not_interrupted()?;
            let own = &mut own[..chunk.len()];
            reader
                .read_exact(own)
                .map_err(Error::io("read", self.trees.place(index)))?;
            if own != chunk {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
