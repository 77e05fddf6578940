//! Takes one segment apart while it is being decoded.

use std::ops::Range;
use std::sync::Arc;

use super::destination::{Destination, NarSink};
use super::job::{Job, JobKind, PIECE};
use super::unpacker::{Nar, Unpacker};
use crate::error::{Error, Result};
use crate::report::Event;
use shellpack_format::bundle::BadBundle;
use shellpack_format::bundle::layout::Slice;
use shellpack_format::store::export;
use shellpack_format::store::nar_check::{NarCheck, PathFault};

/// How many bytes of a NAR are taken at a time: Ctrl-C must have an effect also on a slow disk.
pub(super) const STEP: usize = 1 << 20;

pub(super) struct Taker<'u, 'a, D: Destination> {
    unpacker: &'u Unpacker<'a, D>,
    segment: usize,
    /// The number of bytes that have been taken apart.
    done: u64,
    /// The start of a framed NAR that goes on in the next segment. It waits until the segment is
    /// whole; once it is hashed, another thread can go on.
    unfinished: u64,
    /// Whether the segment begins with the rest of a NAR from the segment before it.
    continues: bool,
    nar: Option<Nar<D::Sink<'a>>>,
    faults: Vec<BadBundle>,
}

impl<'u, 'a, D: Destination> Taker<'u, 'a, D> {
    pub(super) fn new(unpacker: &'u Unpacker<'a, D>, segment: usize) -> Self {
        let layout = unpacker.layout;
        let is_nar = |slice: &Slice| Self::is_nar(unpacker, slice.index);
        let first = layout.slices(segment).next().filter(is_nar);
        let continues = first.is_some_and(|slice| slice.bytes.start > 0);
        let last = layout.slices(segment).last().filter(is_nar);
        let unfinished = last.and_then(|_| layout.unfinished(segment));
        Self {
            unfinished: unfinished.unwrap_or(layout.segment_size(segment)),
            continues,
            ..Self::for_one(unpacker, segment)
        }
    }

    /// Takes one framed NAR that is whole, and nothing else.
    pub(super) fn for_one(unpacker: &'u Unpacker<'a, D>, segment: usize) -> Self {
        Self {
            unpacker,
            segment,
            done: 0,
            unfinished: 0,
            continues: false,
            nar: None,
            faults: Vec::new(),
        }
    }

    /// Whether this is a wanted path, and not the end mark.
    fn is_nar(unpacker: &Unpacker<'a, D>, path: usize) -> bool {
        path < unpacker.closure.paths.len() && unpacker.destination.wants(path)
    }

    /// Takes apart the bytes that were decoded since the last call.
    pub(super) fn advance(&mut self, raw: &[u8]) -> Result<()> {
        if D::ANY_ORDER {
            return Ok(());
        }
        if self.continues {
            // Anything that can be written in pieces is, once the segment is whole.
            if D::Sink::HAS_PARTS {
                return Ok(());
            }
            let Some(nar) = self.unpacker.open.take_if_there(self.segment) else {
                return Ok(());
            };
            (self.continues, self.nar) = (false, nar);
        }
        self.take_to(raw, self.unfinished.min(raw.len() as u64))
    }

    /// The segment is whole and undamaged: takes the rest, and reports the faults.
    pub(super) fn finish(mut self, raw: &Arc<Vec<u8>>) -> Result<()> {
        if D::ANY_ORDER {
            self.take_in_any_order(raw)?;
        } else {
            self.take_in_order(raw)?;
        }
        self.report_faults()
    }

    fn take_in_order(&mut self, raw: &Arc<Vec<u8>>) -> Result<()> {
        if self.continues {
            let nar = self.unpacker.open.take(self.segment);
            self.nar = nar.ok_or(Error::Interrupted)?;
            if D::Sink::HAS_PARTS && self.unfinished > 0 {
                self.take_in_pieces(raw)?;
            }
        }
        self.take_to(raw, self.unfinished)?;
        if self.unfinished < raw.len() as u64 {
            self.take_in_pieces(raw)?;
        }
        Ok(())
    }

    /// Hands out the NARs that are whole to all threads, then takes those at the ends, which the
    /// threads of the neighbouring segments work on as well.
    fn take_in_any_order(&mut self, raw: &Arc<Vec<u8>>) -> Result<()> {
        let unpacker = self.unpacker;
        self.hand_out(raw);
        if self.continues {
            let nar = || unpacker.open.take_if_there(self.segment);
            self.nar = unpacker.crew.help_until(unpacker, nar)?;
            if self.unfinished > 0 {
                self.take_in_pieces(raw)?;
            }
        }
        self.done = self.unfinished;
        let rest = self.done..raw.len() as u64;
        if let Some(slice) = unpacker.layout.slices_in(self.segment, rest).next() {
            let is_ready = || unpacker.destination.is_ready(slice.index).then_some(());
            unpacker.crew.help_until(unpacker, is_ready)?;
            self.take_in_pieces(raw)?;
        }
        Ok(())
    }

    fn hand_out(&mut self, raw: &Arc<Vec<u8>>) {
        let unpacker = self.unpacker;
        let mut jobs = Vec::new();
        let mut end = 0;
        for slice in unpacker.layout.slices(self.segment) {
            let start = end;
            end += range(&slice.bytes).len();
            let bytes = start..end;
            if slice.index == unpacker.closure.paths.len() {
                self.end_mark(&slice, &raw[bytes]);
            } else if Self::is_nar(unpacker, slice.index)
                && slice.bytes == (0..unpacker.layout.framed_size(slice.index))
            {
                let segment = self.segment;
                jobs.push(Job {
                    kind: JobKind::Whole { segment, slice },
                    raw: Arc::clone(raw),
                    bytes,
                });
            }
        }
        unpacker.crew.add(jobs);
    }

    /// Takes a framed NAR that is whole, and reports the faults.
    pub(super) fn take_whole(mut self, slice: &Slice, bytes: &[u8]) -> Result<()> {
        self.take(slice, bytes)?;
        self.report_faults()
    }

    fn report_faults(self) -> Result<()> {
        let report = |fault| self.unpacker.destination.fault(fault);
        self.faults.into_iter().try_for_each(report)
    }

    /// The segment is damaged: the next one must not wait for the rest of a NAR.
    pub(super) fn give_up(self) {
        if self.continues {
            drop(self.unpacker.open.take(self.segment));
        }
        if self.unpacker.layout.unfinished(self.segment).is_some() {
            self.unpacker.open.pass(self.segment + 1, None);
        }
    }

    fn take_to(&mut self, raw: &[u8], end: u64) -> Result<()> {
        let layout = self.unpacker.layout;
        for slice in layout.slices_in(self.segment, self.done..end) {
            self.unpacker.report.ensure_not_interrupted()?;
            let from = self.done;
            self.done += slice.bytes.end - slice.bytes.start;
            self.take(&slice, &raw[index(from)..index(self.done)])?;
        }
        Ok(())
    }

    fn take(&mut self, slice: &Slice, bytes: &[u8]) -> Result<()> {
        if slice.index == self.unpacker.closure.paths.len() {
            self.end_mark(slice, bytes);
            return Ok(());
        }
        if !self.begin(slice)? {
            return Ok(());
        }
        let contents = self.contents(slice, bytes);
        let Some(nar) = &mut self.nar else {
            return Ok(());
        };
        for step in contents.chunks(STEP) {
            self.unpacker.report.ensure_not_interrupted()?;
            if !nar.check.update(step) {
                nar.sink = None;
            }
            if let Some(sink) = &mut nar.sink {
                sink.write(step)?;
            }
            self.unpacker.report.emit(Event::Advanced {
                bytes: step.len() as u64,
            });
        }
        if slice.bytes.end == self.unpacker.layout.framed_size(slice.index) {
            return self.end(slice.index);
        }
        Ok(())
    }

    fn end_mark(&mut self, slice: &Slice, bytes: &[u8]) {
        if bytes != &export::END[range(&slice.bytes)] {
            self.faults.push(BadBundle::Segment {
                member: self.unpacker.manifest.segment_name(self.segment),
                reason: "the stream's end mark is wrong".to_owned(),
            });
        }
    }

    /// Begins a NAR at the start of its framing. Returns whether it is wanted.
    fn begin(&mut self, slice: &Slice) -> Result<bool> {
        if !Self::is_nar(self.unpacker, slice.index) {
            return Ok(false);
        }
        if slice.bytes.start == 0 {
            let closure = self.unpacker.closure;
            self.nar = Some(Nar {
                check: NarCheck::new(&closure.path_info(slice.index), &closure.store),
                sink: Some(self.unpacker.destination.begin(slice.index)?),
            });
        }
        Ok(self.nar.is_some())
    }

    /// The NAR's bytes in a slice. If the framing around them is wrong, the NAR is dropped.
    fn contents<'b>(&mut self, slice: &Slice, bytes: &'b [u8]) -> &'b [u8] {
        let parts = self.unpacker.layout.parts(slice);
        let (head, bytes) = bytes.split_at(range(&parts.head).len());
        let (contents, trailer) = bytes.split_at(range(&parts.nar).len());
        let is_right = head == &export::NEXT[range(&parts.head)]
            && (trailer.is_empty() || {
                let expected = self.unpacker.trailer(slice.index);
                trailer == &expected[range(&parts.trailer)]
            });
        if !is_right {
            self.drop_nar(slice.index, PathFault::Framing);
        }
        contents
    }

    fn end(&mut self, path: usize) -> Result<()> {
        let Some(Nar { check, sink }) = self.nar.take() else {
            return Ok(());
        };
        match (check.finish(), sink) {
            (Ok(()), Some(sink)) => sink.finish()?,
            (Ok(()), None) => {}
            (Err(fault), _) => {
                self.drop_nar(path, fault);
                return Ok(());
            }
        }
        self.unpacker.report.emit(Event::PathDone);
        Ok(())
    }

    fn drop_nar(&mut self, path: usize, reason: PathFault) {
        self.nar = None;
        let path = self.unpacker.closure.paths[path].path.to_string();
        self.faults.push(BadBundle::StorePath { path, reason });
    }

    /// Takes the framed NAR that comes next as far as its hash needs it, and others need it to go
    /// on behind it. All threads write its files afterwards.
    fn take_in_pieces(&mut self, raw: &Arc<Vec<u8>>) -> Result<()> {
        let unpacker = self.unpacker;
        let rest = self.done..raw.len() as u64;
        let Some(slice) = unpacker.layout.slices_in(self.segment, rest).next() else {
            return Ok(());
        };
        let from = index(self.done);
        self.done += slice.bytes.end - slice.bytes.start;
        let mut pieces = Vec::new();
        if self.begin(&slice)? {
            self.contents(&slice, &raw[from..index(self.done)]);
            let start = from + range(&unpacker.layout.parts(&slice).head).len();
            let end = start + range(&unpacker.layout.parts(&slice).nar).len();
            pieces = self.pieces(raw, start..end)?;
        }
        if slice.bytes.end == unpacker.layout.framed_size(slice.index) {
            self.end(slice.index)?;
        } else {
            unpacker.open.pass(self.segment + 1, self.nar.take());
        }
        unpacker.crew.add(pieces);
        Ok(())
    }

    fn pieces(&mut self, raw: &Arc<Vec<u8>>, contents: Range<usize>) -> Result<Vec<Job<'a, D>>> {
        let Some(nar) = &mut self.nar else {
            return Ok(Vec::new());
        };
        let mut pieces = Vec::new();
        for start in contents.clone().step_by(PIECE) {
            self.unpacker.report.ensure_not_interrupted()?;
            let bytes = start..contents.end.min(start + PIECE);
            if !nar.check.update(&raw[bytes.clone()]) {
                nar.sink = None;
            }
            let Some(sink) = &mut nar.sink else {
                continue;
            };
            pieces.push(Job {
                kind: JobKind::Piece(sink.split(&raw[bytes.clone()])?),
                raw: Arc::clone(raw),
                bytes,
            });
        }
        Ok(pieces)
    }
}

/// A range within a segment fits into memory, since the segment does.
fn index(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

fn range(range: &Range<u64>) -> Range<usize> {
    index(range.start)..index(range.end)
}
