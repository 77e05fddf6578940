//! Threads that work on numbered pieces of one stream. The thread of one piece hands something on
//! to the thread of the next: a turn to write, or the state of a hash.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, ScopedJoinHandle};

use crate::error::{Error, Result};

/// Values that wait to be taken, by the number of the piece that takes them.
///
/// Pieces are begun in order and each waits only for the one before it, so the oldest
/// piece under way never waits and no deadlock is possible.
#[derive(Debug)]
pub(crate) struct Relay<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: HashMap<usize, T>,
    abandoned: bool,
}

impl<T> Relay<T> {
    /// An empty relay.
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                waiting: HashMap::new(),
                abandoned: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Leaves a value for a piece.
    pub(crate) fn pass(&self, piece: usize, value: T) {
        self.lock().waiting.insert(piece, value);
        self.changed.notify_all();
    }

    /// Waits for a piece's value; `None` if the work was abandoned.
    pub(crate) fn take(&self, piece: usize) -> Option<T> {
        let mut state = self.lock();
        loop {
            if state.abandoned {
                return None;
            }
            if let Some(value) = state.waiting.remove(&piece) {
                return Some(value);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A piece's value, if it has been left already.
    pub(crate) fn take_if_there(&self, piece: usize) -> Option<T> {
        self.lock().waiting.remove(&piece)
    }

    /// Wakes all waiting threads, because a thread failed.
    pub(crate) fn abandon(&self) {
        self.lock().abandoned = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Relay<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs the same work on several threads, of which this one is one, and returns the first failure. If the
/// system grants fewer threads, they do all of it. When a thread fails or
/// panics, `abandon` must wake all that wait. A thread that only stopped because another one failed
/// reports an interruption, which counts last.
pub(crate) fn run(
    threads: usize,
    work: impl Fn() -> Result<()> + Sync,
    abandon: impl Fn() + Sync,
) -> Result<()> {
    let guarded = || {
        let alarm = Alarm {
            abandon: &abandon,
            armed: true,
        };
        let outcome = work();
        alarm.disarm_if(outcome.is_ok());
        outcome
    };
    std::thread::scope(|scope| {
        let begin = |_| Builder::new().spawn_scoped(scope, guarded).ok();
        let others: Vec<_> = (1..threads).map_while(begin).collect();
        let own = guarded();
        let outcomes: Vec<_> = others.into_iter().map(ScopedJoinHandle::join).collect();
        let outcomes = outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .chain([own]);
        let mut failures: Vec<_> = outcomes.filter_map(Result::err).collect();
        failures.sort_by_key(|error| matches!(error, Error::Interrupted));
        failures.into_iter().next().map_or(Ok(()), Err)
    })
}

/// Abandons the work when it is dropped, unless the work succeeded.
struct Alarm<'a, F: Fn()> {
    abandon: &'a F,
    armed: bool,
}

impl<F: Fn()> Alarm<'_, F> {
    fn disarm_if(mut self, succeeded: bool) {
        self.armed = !succeeded;
    }
}

impl<F: Fn()> Drop for Alarm<'_, F> {
    fn drop(&mut self) {
        if self.armed {
            (self.abandon)();
        }
    }
}
