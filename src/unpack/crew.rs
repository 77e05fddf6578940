//! Jobs for any thread that has nothing else to do. Half of a NAR's bytes can be one file and the
//! other half forty thousand, so equal shares of the bytes are not equal shares of the work. And
//! while one path must wait for its references, another one need not.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

/// Threads that work on segments and, between them, on jobs.
#[derive(Debug)]
pub(super) struct Crew<J> {
    state: Mutex<State<J>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<J> {
    jobs: VecDeque<J>,
    /// The number of threads that may still add jobs.
    busy: usize,
    is_abandoned: bool,
}

/// Can do a job.
pub(super) trait Worker<J> {
    /// Whether a job can begin. If not, it waits for another one to finish.
    fn is_ready(&self, job: &J) -> bool;

    /// Does it.
    fn work(&self, job: J) -> Result<()>;
}

impl<J> Crew<J> {
    /// A crew without threads.
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                busy: 0,
                is_abandoned: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Takes a thread in, which must [`Crew::leave`] in the end.
    pub(super) fn enter(&self) {
        self.lock().busy += 1;
    }

    /// Adds jobs for all threads. Everything that was done before is visible to all who wait for
    /// it.
    pub(super) fn add(&self, jobs: Vec<J>) {
        self.lock().jobs.extend(jobs);
        self.changed.notify_all();
    }

    /// Does jobs until the awaited value is there. The caller must have done a job or added some,
    /// perhaps none, since the last time.
    pub(super) fn help_until<T>(
        &self,
        worker: &impl Worker<J>,
        mut awaited: impl FnMut() -> Option<T>,
    ) -> Result<T> {
        loop {
            match self.next_unless(worker, |_| awaited())? {
                Next::Job(job) => self.work(worker, job)?,
                Next::Enough(value) => return Ok(value),
            }
        }
    }

    /// Does jobs until no other thread holds the segment that some of them are part of. Then its
    /// memory can be used again.
    pub(super) fn help_until_free(
        &self,
        worker: &impl Worker<J>,
        raw: Arc<Vec<u8>>,
    ) -> Result<Vec<u8>> {
        let mut raw = Some(raw);
        self.help_until(worker, || {
            let (free, held) = match Arc::try_unwrap(raw.take()?) {
                Ok(free) => (Some(free), None),
                Err(held) => (None, Some(held)),
            };
            raw = held;
            free
        })
    }

    /// Has no more segments: does jobs until there can be no more.
    pub(super) fn leave(&self, worker: &impl Worker<J>) -> Result<()> {
        self.lock().busy -= 1;
        self.changed.notify_all();
        let is_over = |state: &State<J>| (state.busy == 0 && state.jobs.is_empty()).then_some(());
        while let Next::Job(job) = self.next_unless(worker, is_over)? {
            self.work(worker, job)?;
        }
        Ok(())
    }

    /// Wakes all waiting threads, because a thread failed.
    pub(super) fn abandon(&self) {
        self.lock().is_abandoned = true;
        self.changed.notify_all();
    }

    fn work(&self, worker: &impl Worker<J>, job: J) -> Result<()> {
        let outcome = worker.work(job);
        // Another thread may wait for the memory that the job held, or for its result. With the
        // lock taken, it is either waiting already or will look again.
        drop(self.lock());
        self.changed.notify_all();
        outcome
    }

    /// The awaited value comes before another job: others may be waiting for this thread.
    fn next_unless<T>(
        &self,
        worker: &impl Worker<J>,
        mut enough: impl FnMut(&State<J>) -> Option<T>,
    ) -> Result<Next<J, T>> {
        let mut state = self.lock();
        loop {
            if state.is_abandoned {
                return Err(Error::Interrupted);
            }
            if let Some(value) = enough(&state) {
                return Ok(Next::Enough(value));
            }
            let ready = state.jobs.iter().position(|job| worker.is_ready(job));
            if let Some(job) = ready.and_then(|ready| state.jobs.remove(ready)) {
                return Ok(Next::Job(job));
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Next<J, T> {
    Job(J),
    Enough(T),
}
