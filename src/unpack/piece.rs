//! A piece of a NAR that is still to be brought to its place.

use std::ops::Range;
use std::sync::Arc;

use super::NarPart;
use super::taker::STEP;
use crate::error::Result;
use crate::report::{Event, Report};

/// How large pieces are: a large NAR makes enough of them for many threads, and of small
/// files one takes a few hundredths of a second.
pub(super) const SIZE: usize = 4 << 20;

/// A part of a NAR and its bytes.
pub(super) struct Piece<P> {
    pub(super) part: P,
    /// The segment that the bytes are in.
    pub(super) raw: Arc<Vec<u8>>,
    pub(super) bytes: Range<usize>,
}

impl<P: NarPart> Piece<P> {
    pub(super) fn write(mut self, report: &Report) -> Result<()> {
        for step in self.raw[self.bytes].chunks(STEP) {
            report.ensure_not_interrupted()?;
            self.part.write(step)?;
            report.emit(Event::Advanced {
                bytes: step.len() as u64,
            });
        }
        self.part.finish()
    }
}
