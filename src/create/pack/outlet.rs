//! Delivers finished segments in the order of the stream, whichever thread finished them.

use crate::error::{Error, Result};
use crate::relay::Relay;

/// Receives a segment: its number and the content of its member.
pub(super) type Deliver<'a> = &'a mut (dyn FnMut(usize, &[u8]) -> Result<()> + Send);

/// A compressed segment.
pub(super) struct Finished {
    pub(super) segment: usize,
    pub(super) member: Vec<u8>,
}

/// The result of offering a segment.
pub(super) enum Offered {
    /// The segment was delivered, and its memory can be reused.
    Delivered(Vec<u8>),
    /// Earlier segments are not delivered yet.
    Early(Finished),
}

pub(super) struct Outlet<'a>(Relay<Deliver<'a>>);

impl<'a> Outlet<'a> {
    pub(super) fn new(deliver: Deliver<'a>) -> Self {
        let turns = Relay::new();
        turns.pass(0, deliver);
        Self(turns)
    }

    /// Waits until all earlier segments are delivered, and delivers this one. Returns its memory
    /// for reuse.
    pub(super) fn deliver(&self, finished: Finished) -> Result<Vec<u8>> {
        let turn = self.0.take(finished.segment).ok_or(Error::Interrupted)?;
        self.deliver_at(turn, finished)
    }

    /// Delivers a finished segment if all earlier ones are delivered.
    pub(super) fn offer(&self, finished: Finished) -> Result<Offered> {
        match self.0.take_if_there(finished.segment) {
            Some(turn) => self.deliver_at(turn, finished).map(Offered::Delivered),
            None => Ok(Offered::Early(finished)),
        }
    }

    fn deliver_at(&self, turn: Deliver<'a>, finished: Finished) -> Result<Vec<u8>> {
        turn(finished.segment, &finished.member)?;
        self.0.pass(finished.segment + 1, turn);
        Ok(finished.member)
    }

    /// Wakes all threads that wait for their turn.
    pub(super) fn abandon(&self) {
        self.0.abandon();
    }
}
