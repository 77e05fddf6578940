//! Jobs that are done by whichever thread has nothing else to do. Half of a NAR's bytes can be
//! one file and the other half forty thousand, so that a share of the bytes is no share of
//! the work; and where a path must wait for its references, another one need not.

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
    /// Threads that may still bring new jobs.
    busy: usize,
    is_abandoned: bool,
}

/// Who knows what to do with a job.
pub(super) trait Worker<J> {
    /// Whether a job can be begun. One that cannot waits for another one to be done.
    fn is_ready(&self, job: &J) -> bool;

    /// Does it.
    fn work(&self, job: J) -> Result<()>;
}

impl<J> Crew<J> {
    /// A crew of so many threads, each of which must [`Crew::leave`] in the end.
    pub(super) fn new(threads: usize) -> Self {
        Self {
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                busy: threads,
                is_abandoned: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Adds jobs for everybody. What was done before is seen by all who wait for it.
    pub(super) fn add(&self, jobs: Vec<J>) {
        self.lock().jobs.extend(jobs);
        self.changed.notify_all();
    }

    /// Does jobs until what is waited for is there. It must come from a thread that has done
    /// a job or has added some, perhaps none, since.
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

    /// Does jobs until nobody else holds the segment that some of them are made of; its memory
    /// can be used again then.
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

    /// Wakes everybody who waits, because a thread failed.
    pub(super) fn abandon(&self) {
        self.lock().is_abandoned = true;
        self.changed.notify_all();
    }

    fn work(&self, worker: &impl Worker<J>, job: J) -> Result<()> {
        let outcome = worker.work(job);
        // Somebody may wait for the memory that the job held, or for what it has done. Taking
        // the lock makes sure that they are either waiting by now or will look again.
        drop(self.lock());
        self.changed.notify_all();
        outcome
    }

    /// What is enough comes before another job: others may be waiting for this thread.
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
