//! How a thread does a job. This and [`Taker`] call each other: a thread that waits for a NAR does
//! other jobs meanwhile, and a whole NAR needs a `Taker` of its own.

use super::crew::Worker;
use super::destination::{Destination, NarPart};
use super::job::{Job, JobKind, PartOf};
use super::taker::{STEP, Taker};
use super::unpacker::Unpacker;
use crate::error::Result;
use crate::report::Event;

impl<'a, D: Destination> Worker<Job<'a, D>> for Unpacker<'a, D> {
    fn is_ready(&self, job: &Job<'a, D>) -> bool {
        match &job.kind {
            JobKind::Piece(_) => true,
            JobKind::Whole { slice, .. } => self.destination.is_ready(slice.index),
        }
    }

    fn work(&self, job: Job<'a, D>) -> Result<()> {
        let bytes = &job.raw[job.bytes];
        match job.kind {
            JobKind::Piece(part) => self.write(part, bytes),
            JobKind::Whole { segment, slice } => {
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
