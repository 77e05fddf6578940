//! The work of one thread: segments are taken over or compressed, one after the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::outlet::{Finished, Offered, Outlet};
use super::packer::Packer;
use super::reuse::Reuse;
use crate::error::Result;
use crate::relay::Relay;
use shellpack_format::bundle::segment::{Compressor, Decoder};

/// The things that all threads share.
pub(super) struct Worker<'a> {
    pub(super) packer: &'a Packer<'a>,
    pub(super) outlet: &'a Outlet<'a>,
    pub(super) source: &'a Mutex<Segments>,
    /// Passes on which segments were begun.
    pub(super) begun: &'a Relay<()>,
    /// Which segments were taken over.
    pub(super) taken: &'a [AtomicBool],
    pub(super) level: i32,
    /// The raw size of the largest segment.
    pub(super) largest: u64,
}

impl Worker<'_> {
    /// Works until there are no more segments.
    pub(super) fn work(&self) -> Result<()> {
        let mut compressor =
            Compressor::new(self.level, self.largest).map_err(self.packer.failed())?;
        let mut decoder = Decoder::default();
        let mut early: Option<Finished> = None;
        loop {
            let Some((segment, member)) = Segments::next(self.source) else {
                return early.map_or(Ok(()), |early| self.outlet.deliver(early).map(drop));
            };
            self.begun.pass(segment, ());
            if let Some(member) = member
                && self.packer.check(segment, &member, &mut decoder)?
            {
                self.taken[segment].store(true, Ordering::Relaxed);
                early = self.hand_on(Finished { segment, member }, early.take())?;
                continue;
            }
            let mut frame = self.packer.read_segment(segment, &mut compressor)?;
            if let Some(early) = early.take() {
                frame.recycle(self.outlet.deliver(early)?);
            }
            let is_stepwise = frame.is_stepwise();
            let member = self.packer.compress(segment, frame)?;
            let finished = Finished { segment, member };
            // Earlier segments may have to be written first. Then this thread reads its next
            // segment, unless reading would compress it, too, and need the memory of another
            // segment.
            if is_stepwise {
                compressor.recycle(self.outlet.deliver(finished)?);
                continue;
            }
            match self.outlet.offer(finished)? {
                Offered::Delivered(written) => compressor.recycle(written),
                Offered::Early(finished) => early = Some(finished),
            }
        }
    }

    /// Delivers a segment that was taken over, and before it one that was early. Returns it if it is early
    /// itself.
    fn hand_on(&self, finished: Finished, early: Option<Finished>) -> Result<Option<Finished>> {
        if let Some(early) = early {
            self.outlet.deliver(early)?;
        }
        Ok(match self.outlet.offer(finished)? {
            Offered::Delivered(_) => None,
            Offered::Early(finished) => Some(finished),
        })
    }
}

/// Hands out segments in order.
pub(super) struct Segments {
    next: usize,
    all: usize,
    reuse: Option<Reuse>,
}

impl Segments {
    /// So many segments, of which some may be taken over.
    pub(super) fn new(all: usize, reuse: Option<Reuse>) -> Self {
        Self {
            next: 0,
            all,
            reuse,
        }
    }

    /// The next segment, with its member if that may be taken over.
    fn next(this: &Mutex<Self>) -> Option<(usize, Option<Vec<u8>>)> {
        let mut this = this.lock().unwrap_or_else(PoisonError::into_inner);
        let segment = this.next;
        this.next += 1;
        if segment >= this.all {
            return None;
        }
        let reuse = this.reuse.as_mut();
        Some((segment, reuse.and_then(|reuse| reuse.member(segment))))
    }
}
