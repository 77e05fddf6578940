//! Finished segments go out in the order of the stream, whoever finished them.

use crate::error::{Error, Result};
use crate::relay::Relay;

/// What takes a segment: its number and its member's content.
pub(super) type Deliver<'a> = &'a mut (dyn FnMut(usize, &[u8]) -> Result<()> + Send);

/// A compressed segment.
pub(super) struct Finished {
    pub(super) segment: usize,
    pub(super) member: Vec<u8>,
}

/// What became of a segment that was offered.
pub(super) enum Offered {
    /// It was delivered; its memory can be used again.
    Delivered(Vec<u8>),
    /// Others come before it.
    Early(Finished),
}

pub(super) struct Outlet<'a>(Relay<Deliver<'a>>);

impl<'a> Outlet<'a> {
    pub(super) fn new(deliver: Deliver<'a>) -> Self {
        let turns = Relay::new();
        turns.pass(0, deliver);
        Self(turns)
    }

    /// Waits for a finished segment's turn and delivers it; its memory can be used again.
    pub(super) fn deliver(&self, finished: Finished) -> Result<Vec<u8>> {
        let turn = self.0.take(finished.segment).ok_or(Error::Interrupted)?;
        self.deliver_at(turn, finished)
    }

    /// Delivers a finished segment if it is its turn now.
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

    /// Wakes everybody who waits for a turn.
    pub(super) fn abandon(&self) {
        self.0.abandon();
    }
}
