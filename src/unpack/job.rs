//! What any thread can do with a part of a decoded segment.

use std::ops::Range;
use std::sync::Arc;

use super::crew::Worker;
use super::taker::{STEP, Taker};
use super::{Destination, NarPart, PartOf, Unpacker};
use crate::error::Result;
use crate::report::Event;
use shellpack_format::bundle::layout::Slice;

/// How large pieces of a NAR are: a large NAR makes enough of them for many threads, and of
/// small files one takes a few hundredths of a second.
pub(super) const PIECE: usize = 4 << 20;

/// A job and the bytes that it is made of.
pub(super) struct Job<'a, D: Destination + 'a> {
    pub(super) task: Task<'a, D>,
    /// The segment that the bytes are in.
    pub(super) raw: Arc<Vec<u8>>,
    pub(super) bytes: Range<usize>,
}

pub(super) enum Task<'a, D: Destination + 'a> {
    /// A piece of a NAR, hashed already, which is still to be brought to its place.
    Piece(PartOf<'a, D>),
    /// A whole record, of which nothing is known yet.
    Record { segment: usize, slice: Slice },
}

impl<'a, D: Destination> Worker<Job<'a, D>> for Unpacker<'a, D> {
    fn is_ready(&self, job: &Job<'a, D>) -> bool {
        match &job.task {
            Task::Piece(_) => true,
            Task::Record { slice, .. } => self.destination.is_ready(slice.record),
        }
    }

    fn work(&self, job: Job<'a, D>) -> Result<()> {
        let bytes = &job.raw[job.bytes];
        match job.task {
            Task::Piece(part) => self.write(part, bytes),
            Task::Record { segment, slice } => {
                Taker::for_one(self, segment).take_whole(&slice, bytes)
            }
        }
    }
}

impl<'a, D: Destination> Unpacker<'a, D> {
    fn write(&self, mut part: PartOf<'a, D>, bytes: &[u8]) -> Result<()> {
        for step in bytes.chunks(STEP) {
            self.report.ensure_not_interrupted()?;
            part.write(step)?;
            self.report.emit(Event::Advanced {
                bytes: step.len() as u64,
            });
        }
        part.finish()
    }
}
