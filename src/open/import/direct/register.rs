//! Brings unpacked trees to the disk and registers them, beside the threads that unpack: a
//! disk that is asked only at the end has been idle until then.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Direct, PathLock};
use crate::error::{Error, Result};
use crate::nix::database::Database;
use crate::tree;
use shellpack_format::store::path_info::PathInfo;

/// After how many unpacked bytes the disk is asked to take them. Each time costs a commit of
/// the file system's journal; less often, and the last time takes long.
const FLUSH_AFTER: u64 = 128 << 20;
/// How many unpacked paths wait at most to be registered: each holds a lock file open.
const BATCH: usize = 256;

#[derive(Debug)]
pub(super) struct State {
    pub(super) database: Database,
    /// Which paths are registered, or about to be.
    pub(super) valid: Vec<bool>,
    /// Unpacked, not registered.
    unpacked: BTreeMap<usize, PathLock>,
    /// How many unpacked paths there must be before registering is tried again.
    enough: usize,
    /// How many bytes were written since the disk was last asked to take them.
    dirty: u64,
    is_over: bool,
}

impl State {
    pub(super) fn new(database: Database, valid: Vec<bool>) -> Self {
        Self {
            database,
            valid,
            unpacked: BTreeMap::new(),
            enough: BATCH,
            dirty: 0,
            is_over: false,
        }
    }

    fn is_worth_a_flush(&self) -> bool {
        self.dirty >= FLUSH_AFTER || self.unpacked.len() >= self.enough
    }
}

impl Direct<'_> {
    /// Does the work while a thread of its own brings to the disk and registers what the
    /// work has completed.
    pub(in super::super) fn while_registering(
        &self,
        work: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        std::thread::scope(|scope| {
            let registrar = scope.spawn(|| self.register_until_over());
            let outcome = work();
            self.lock().is_over = true;
            self.changed.notify_all();
            let registered = registrar
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            outcome.and(registered)
        })
    }

    /// Registers what is complete, whatever stopped the rest, and removes what is not.
    pub(in super::super) fn finish(self, outcome: Result<()>) -> Result<()> {
        rustix::process::umask(self.umask);
        let waiting = self.report.waiting("the store's file system to be synced");
        let registered = self.register_complete();
        drop(waiting);
        let rest = std::mem::take(&mut self.lock().unpacked);
        let removed = rest
            .keys()
            .try_for_each(|&index| tree::delete_tree(&self.place(index)));
        outcome.and(registered).and(removed)
    }

    /// Bytes were written into trees.
    pub(super) fn wrote(&self, bytes: usize) {
        let mut state = self.lock();
        state.dirty += bytes as u64;
        if state.dirty >= FLUSH_AFTER {
            self.changed.notify_all();
        }
    }

    /// A tree is complete; it is registered with others, now and then.
    pub(super) fn complete(&self, index: usize, lock: PathLock) {
        let mut state = self.lock();
        state.unpacked.insert(index, lock);
        if state.unpacked.len() >= state.enough {
            self.changed.notify_all();
        }
    }

    fn register_until_over(&self) -> Result<()> {
        loop {
            let mut state = self.lock();
            while !state.is_over && !state.is_worth_a_flush() {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            if state.is_over {
                return Ok(());
            }
            drop(state);
            self.register_complete()?;
            let mut state = self.lock();
            // What is left waits for a large path: looking again at every small one is no use.
            state.enough = state.unpacked.len() + BATCH;
        }
    }

    /// Brings everything to the disk and registers what is complete.
    fn register_complete(&self) -> Result<()> {
        let ready = self.ready();
        // Nix believes its database, so the contents must be on the disk first.
        rustix::fs::syncfs(&self.store)
            .map_err(|error| Error::io("sync", self.closure.store.as_path())(error.into()))?;
        if ready.is_empty() {
            return Ok(());
        }
        let infos: Vec<PathInfo> = ready
            .iter()
            .map(|&index| self.closure.path_info(index))
            .collect();
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(1, |since| since.as_secs());
        let mut state = self.lock();
        state.database.register(
            &infos.iter().collect::<Vec<_>>(),
            i64::try_from(time).unwrap_or(i64::MAX),
        )?;
        for index in ready {
            state.unpacked.remove(&index);
        }
        Ok(())
    }

    /// Every unpacked path whose references are registered or among those that are about to
    /// be. References come first, so one pass in order finds them all.
    fn ready(&self) -> Vec<usize> {
        let mut state = self.lock();
        let state = &mut *state;
        state.dirty = 0;
        let mut ready = Vec::new();
        for &index in state.unpacked.keys() {
            let mut others = self.closure.paths[index]
                .references
                .iter()
                .map(|&other| other as usize)
                .filter(|&other| other != index);
            if others.all(|other| state.valid[other]) {
                state.valid[index] = true;
                ready.push(index);
            }
        }
        ready
    }
}
