//! Pieces of large NARs, written by whichever thread has nothing else to do. Half of a NAR's
//! bytes can be one file and the other half forty thousand, so that a share of the bytes is
//! no share of the work.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

/// Threads that work on segments and, between them, on pieces.
#[derive(Debug)]
pub(super) struct Crew<P> {
    state: Mutex<State<P>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<P> {
    pieces: VecDeque<P>,
    /// Threads that may still bring new pieces.
    busy: usize,
    is_abandoned: bool,
}

impl<P> Crew<P> {
    /// A crew of so many threads, each of which must [`Crew::leave`] in the end.
    pub(super) fn new(threads: usize) -> Self {
        Self {
            state: Mutex::new(State {
                pieces: VecDeque::new(),
                busy: threads,
                is_abandoned: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Adds pieces for everybody.
    pub(super) fn add(&self, pieces: Vec<P>) {
        self.lock().pieces.extend(pieces);
        self.changed.notify_all();
    }

    /// Works on pieces until nobody else holds the segment that some of them are made of; its
    /// memory can be used again then.
    pub(super) fn help_until_free(
        &self,
        mut raw: Arc<Vec<u8>>,
        work: impl Fn(P) -> Result<()>,
    ) -> Result<Vec<u8>> {
        loop {
            raw = match Arc::try_unwrap(raw) {
                Ok(raw) => return Ok(raw),
                Err(raw) => raw,
            };
            let is_free = |_: &State<P>| Arc::strong_count(&raw) == 1;
            if let Some(piece) = self.next_unless(is_free)? {
                self.work(piece, &work)?;
            }
        }
    }

    /// Has no more segments: works on pieces until there can be no more.
    pub(super) fn leave(&self, work: impl Fn(P) -> Result<()>) -> Result<()> {
        self.lock().busy -= 1;
        self.changed.notify_all();
        while let Some(piece) = self.next_unless(|state| state.busy == 0)? {
            self.work(piece, &work)?;
        }
        Ok(())
    }

    /// Wakes everybody who waits, because a thread failed.
    pub(super) fn abandon(&self) {
        self.lock().is_abandoned = true;
        self.changed.notify_all();
    }

    fn work(&self, piece: P, work: impl Fn(P) -> Result<()>) -> Result<()> {
        let outcome = work(piece);
        // Somebody may wait for the memory that the piece held. Taking the lock makes sure that
        // they are either waiting by now or will look again.
        drop(self.lock());
        self.changed.notify_all();
        outcome
    }

    /// The next piece; `None` when there is none and none is waited for.
    fn next_unless(&self, is_enough: impl Fn(&State<P>) -> bool) -> Result<Option<P>> {
        let mut state = self.lock();
        loop {
            if state.is_abandoned {
                return Err(Error::Interrupted);
            }
            if let Some(piece) = state.pieces.pop_front() {
                return Ok(Some(piece));
            }
            if is_enough(&state) {
                return Ok(None);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
