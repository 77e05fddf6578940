//! Syncs unpacked trees to disk and registers them, beside the threads that unpack: otherwise the
//! disk would be idle until the end.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Direct, PathLock};
use crate::error::{Error, Result};
use crate::nix::database::Database;
use crate::tree;
use shellpack_format::store::path_info::PathInfo;

/// How many unpacked bytes start a sync. Each sync commits the file system's journal; with fewer of
/// them, the last one would take long.
const FLUSH_AFTER: u64 = 128 << 20;
/// How many unpacked paths may wait to be registered. Each keeps a lock file open.
const BATCH: usize = 256;

#[derive(Debug)]
pub(super) struct State {
    pub(super) database: Database,
    /// Which paths are registered, or are being registered.
    pub(super) valid: Vec<bool>,
    /// Unpacked paths that are not registered yet.
    unpacked: BTreeMap<usize, PathLock>,
    /// How many unpacked paths start another registration.
    enough: usize,
    /// Bytes written since the last sync.
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
    /// Runs `work` while another thread syncs and registers the paths that it completes.
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

    /// Registers all complete paths, even if the work failed, and removes the others.
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

    /// Counts bytes that were written into trees.
    pub(super) fn wrote(&self, bytes: usize) {
        let mut state = self.lock();
        state.dirty += bytes as u64;
        if state.dirty >= FLUSH_AFTER {
            self.changed.notify_all();
        }
    }

    /// Notes that a tree is complete. It will be registered with others.
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
            // The remaining paths wait for a large one, so checking again at every small one would
            // not help.
            state.enough = state.unpacked.len() + BATCH;
        }
    }

    /// Syncs everything to disk, and registers complete paths.
    fn register_complete(&self) -> Result<()> {
        let ready = self.ready();
        // Nix trusts its database, so the contents must be on disk first.
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

    /// Every unpacked path whose references are registered or are being registered with it.
    /// References come first, so one pass in order finds them all.
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
