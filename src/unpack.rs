//! The closure's segments taken apart: every NAR is compared with the manifest, hash and
//! size, in the same pass in which it goes where it should. `open` and `verify` differ in
//! where that is, and in what a fault means.

use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::bundle::BadBundle;
use crate::bundle::layout::{Layout, Slice};
use crate::bundle::manifest::Closure;
use crate::bundle::member;
use crate::bundle::reader::{Input, ReadError, Reader};
use crate::bundle::segment;
use crate::error::{Error, Result};
use crate::nix::export;
use crate::nix::hash::Digest;
use crate::relay::{self, Relay};
use crate::report::{Event, Report};

/// How much of a NAR goes on at once: a Ctrl-C must be felt also where the disk is slow.
const STEP: usize = 1 << 20;

/// Where NARs go.
pub trait Destination: Sync {
    /// What takes one NAR.
    type Sink<'a>: NarSink
    where
        Self: 'a;

    /// Whether a path is needed at all; the number behind the last path means the stream's
    /// end mark. A segment with nothing that is needed is not decoded.
    fn wants(&self, index: usize) -> bool;

    /// Begins a NAR. May wait for the path's references, which come earlier in the stream.
    fn begin(&self, index: usize) -> Result<Self::Sink<'_>>;

    /// A fault in the bundle: an error stops, `Ok` goes on to find more.
    fn fault(&self, fault: BadBundle) -> Result<()>;

    /// A failure to read, which ends everything.
    fn unreadable(&self, error: ReadError) -> Result<()>;

    /// Another thread failed: whoever waits must give up.
    fn abandon(&self);
}

/// Takes one NAR. Dropped without `finish`, it must leave nothing behind.
pub trait NarSink: Send {
    /// Takes the next bytes, which have not been compared with anything yet.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;

    /// The NAR was complete and is the one that the manifest names.
    fn finish(self) -> Result<()>;
}

/// Reads all segments on several threads; each holds one segment, compressed and raw.
pub fn segments<I: Input + Send, D: Destination>(
    reader: Reader<I>,
    destination: &D,
    jobs: usize,
    report: &Report,
) -> Result<()> {
    let closure = reader.manifest().closure.clone();
    let layout = reader.manifest().layout();
    let source = Mutex::new(Source {
        reader,
        next: 0,
        over: false,
    });
    let unpacker = Unpacker {
        closure: &closure,
        layout: &layout,
        destination,
        report,
        open: Relay::new(),
    };
    let abandon = || {
        source.lock().unwrap_or_else(PoisonError::into_inner).over = true;
        unpacker.open.abandon();
        destination.abandon();
    };
    relay::run(jobs, || unpacker.work(&source), abandon)
}

struct Source<I> {
    reader: Reader<I>,
    next: usize,
    over: bool,
}

struct Unpacker<'a, D: Destination> {
    closure: &'a Closure,
    layout: &'a Layout,
    destination: &'a D,
    report: &'a Report,
    /// NARs that go on in the next segment.
    open: Relay<Option<Nar<D::Sink<'a>>>>,
}

/// A NAR under way.
struct Nar<S> {
    hasher: Sha256,
    sink: S,
}

impl<'a, D: Destination> Unpacker<'a, D> {
    fn work<I: Input>(&self, source: &Mutex<Source<I>>) -> Result<()> {
        while let Some((segment, member)) = self.next_segment(source)? {
            let size = self.layout.segment_size(segment);
            match segment::decode(&member, size) {
                Ok(raw) => {
                    drop(member);
                    self.segment(segment, &raw)?;
                }
                Err(bad) => {
                    let member = member::segment_name(segment);
                    self.destination.fault(BadBundle::Segment {
                        member,
                        reason: bad.to_string(),
                    })?;
                    self.pass_over(segment);
                }
            }
        }
        Ok(())
    }

    /// Segments are read one after the other, whoever wants the next one: sticks and disks
    /// are fastest that way, and a pipe knows no other.
    fn next_segment<I: Input>(
        &self,
        source: &Mutex<Source<I>>,
    ) -> Result<Option<(usize, Vec<u8>)>> {
        let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            self.report.ensure_not_interrupted()?;
            if source.over {
                return Ok(None);
            }
            let segment = source.next;
            source.next += 1;
            let outcome = if segment == self.layout.segments() {
                source.over = true;
                source.reader.finish().map(|()| None)
            } else if self.layout.slices(segment).any(|slice| self.wants(&slice)) {
                source.reader.segment(segment).map(Some)
            } else {
                source.reader.skip_segment(segment).map(|()| None)
            };
            match outcome {
                Ok(Some(member)) => return Ok(Some((segment, member))),
                Ok(None) => {}
                Err(error) => {
                    // Segments under way wait only for each other; they go on to their end.
                    source.over = true;
                    self.destination.unreadable(error)?;
                }
            }
        }
    }

    fn wants(&self, slice: &Slice) -> bool {
        self.destination.wants(slice.record)
    }

    /// Takes a decoded segment apart.
    fn segment(&self, segment: usize, raw: &[u8]) -> Result<()> {
        let mut rest = raw;
        for slice in self.layout.slices(segment) {
            self.report.ensure_not_interrupted()?;
            let (bytes, after) = rest.split_at(length(&slice.bytes));
            rest = after;
            if slice.record == self.closure.paths.len() {
                if bytes != &export::END[range(&slice.bytes)] {
                    let reason = "the stream's end mark is wrong".to_owned();
                    self.destination.fault(BadBundle::Segment {
                        member: member::segment_name(segment),
                        reason,
                    })?;
                }
            } else if self.wants(&slice) {
                self.record(segment, &slice, bytes)?;
            }
        }
        Ok(())
    }

    /// Takes the part of a record that lies in a segment.
    fn record(&self, segment: usize, slice: &Slice, bytes: &[u8]) -> Result<()> {
        let parts = self.layout.parts(slice);
        let nar = if slice.bytes.start == 0 {
            Some(Nar {
                hasher: Sha256::new(),
                sink: self.destination.begin(slice.record)?,
            })
        } else {
            self.open.take(segment).flatten()
        };
        // Its beginning was in a damaged segment: nothing can be said of it.
        let Some(mut nar) = nar else {
            return self.end_or_pass(segment, slice, None);
        };
        let (head, bytes) = bytes.split_at(length(&parts.head));
        let (contents, trailer) = bytes.split_at(length(&parts.nar));
        for step in contents.chunks(STEP) {
            self.report.ensure_not_interrupted()?;
            nar.hasher.update(step);
            nar.sink.write(step)?;
            self.report.emit(Event::Advanced {
                bytes: step.len() as u64,
            });
        }
        let expected = export::trailer(&self.closure.path_info(slice.record), &self.closure.store);
        if head != &export::NEXT[range(&parts.head)] || trailer != &expected[range(&parts.trailer)]
        {
            self.path_fault(
                slice.record,
                "its record is not the one that the manifest calls for",
            )?;
            return self.end_or_pass(segment, slice, None);
        }
        self.end_or_pass(segment, slice, Some(nar))
    }

    fn end_or_pass(
        &self,
        segment: usize,
        slice: &Slice,
        nar: Option<Nar<D::Sink<'a>>>,
    ) -> Result<()> {
        if slice.bytes.end < self.layout.record_end(slice.record) {
            self.open.pass(segment + 1, nar);
            return Ok(());
        }
        let Some(Nar { hasher, sink }) = nar else {
            return Ok(());
        };
        if Digest::from(hasher) != self.closure.paths[slice.record].nar_hash {
            return self.path_fault(
                slice.record,
                "its contents do not have the hash that the manifest states",
            );
        }
        sink.finish()?;
        self.report.emit(Event::PathDone);
        Ok(())
    }

    /// A damaged segment: what goes on in the next one must not be waited for.
    fn pass_over(&self, segment: usize) {
        let paths = self.closure.paths.len();
        for slice in self
            .layout
            .slices(segment)
            .filter(|slice| slice.record < paths && self.wants(slice))
        {
            if slice.bytes.start > 0 {
                drop(self.open.take(segment));
            }
            if slice.bytes.end < self.layout.record_end(slice.record) {
                self.open.pass(segment + 1, None);
            }
        }
    }

    fn path_fault(&self, record: usize, reason: &'static str) -> Result<()> {
        let path = self.closure.paths[record].path.to_string();
        self.destination
            .fault(BadBundle::StorePath { path, reason })
    }
}

/// Ranges within a segment fit memory, since the segment does.
fn length(range: &std::ops::Range<u64>) -> usize {
    usize::try_from(range.end - range.start).unwrap_or(usize::MAX)
}

fn range(range: &std::ops::Range<u64>) -> std::ops::Range<usize> {
    let at = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    at(range.start)..at(range.end)
}

/// The error of a bundle that could not be read, for destinations that stop at the first.
pub fn stop(file: &std::path::Path, error: impl Into<ReadError>) -> Error {
    Error::read_bundle(file, error.into())
}
