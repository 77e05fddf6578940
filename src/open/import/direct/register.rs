//! Syncs unpacked trees to disk and registers them, beside the threads that unpack: otherwise the
//! disk would be idle until the end.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::sync::PoisonError;
use std::thread::{Builder, ScopedJoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Direct, PathLock};
use crate::error::{Error, Result};
use crate::interrupt;
use crate::media::sync::{Extent, Syncing};
use crate::nix::database::{Database, Outputs};
use crate::report::{Event, Phase, human};
use crate::text::shown;
use crate::tree;
use shellpack_format::store::content_address::ContentAddress;
use shellpack_format::store::derivation::Derivation;
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::StorePath;

/// How many unpacked paths start a registration. Each keeps a lock file open.
const BATCH: usize = 256;
/// How many files may be open besides: directories that are being filled, the database, connections.
const OTHER_FILES: usize = 96;
/// How many unpacked bytes start a sync. Each sync commits the file system's journal; with fewer of
/// them, the last one would take long.
const FLUSH_AFTER: u64 = 128 << 20;
/// How many bytes may be unpacked during a sync.
const AHEAD: u64 = 2 * FLUSH_AFTER;
/// How long an interrupted import waits for the disk.
const MOMENT: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub(super) struct State {
    pub(super) database: Database,
    /// Which paths are registered, or are being registered.
    pub(super) valid: Vec<bool>,
    /// Unpacked paths that are not registered yet.
    unpacked: BTreeMap<usize, PathLock>,
    /// How many more unpacked paths start another registration.
    batch: usize,
    /// How many unpacked paths start another registration.
    enough: usize,
    /// How many unpacked paths there may be, for want of open files.
    most: usize,
    /// Whether a registration is needed now.
    is_urgent: bool,
    /// How many registrations have ended.
    rounds: usize,
    /// Bytes written since the last sync began.
    dirty: u64,
    /// Whether one is under way.
    is_syncing: bool,
    is_over: bool,
}

impl State {
    /// With so many files that may still be opened.
    pub(super) fn new(database: Database, valid: Vec<bool>, files: usize) -> Self {
        let most = files.saturating_sub(OTHER_FILES).max(8);
        let batch = BATCH.min(most / 2);
        Self {
            database,
            valid,
            unpacked: BTreeMap::new(),
            batch,
            enough: batch,
            most,
            is_urgent: false,
            rounds: 0,
            dirty: 0,
            is_syncing: false,
            is_over: false,
        }
    }

    fn is_worth_a_flush(&self) -> bool {
        self.is_urgent || self.dirty >= FLUSH_AFTER || self.unpacked.len() >= self.enough
    }
}

impl Direct<'_> {
    /// Runs `work` while another thread syncs and registers the paths that it completes.
    pub(in super::super) fn while_registering(
        &self,
        work: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        std::thread::scope(|scope| {
            let register = || {
                let registered = self.register_until_over();
                self.end();
                registered
            };
            // Without a thread, all is registered at the end.
            let registrar = Builder::new().spawn_scoped(scope, register).ok();
            if registrar.is_none() {
                self.end();
            }
            let outcome = work();
            self.end();
            let registered = registrar.map_or(Ok(Ok(())), ScopedJoinHandle::join);
            let registered = registered.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            outcome.and(registered)
        })
    }

    /// Nothing is registered beside the work any more.
    fn end(&self) {
        self.lock().is_over = true;
        self.changed.notify_all();
    }

    /// Waits for a registration if too many lock files are open. Where that does not help, because
    /// paths wait for a large one, the next one may find that it cannot open a file.
    pub(super) fn ensure_room(&self) -> Result<()> {
        let mut state = self.lock();
        if state.unpacked.len() < state.most {
            return Ok(());
        }
        let round = state.rounds;
        state.is_urgent = true;
        self.changed.notify_all();
        while state.rounds == round && !state.is_over {
            self.report.ensure_not_interrupted()?;
            let waited = self.changed.wait_timeout(state, interrupt::PATIENCE);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.most = state.most.max(state.unpacked.len() + 1);
        Ok(())
    }

    /// Registers all complete paths, even if the work failed, and removes the others.
    pub(in super::super) fn finish(self, outcome: Result<()>) -> Result<()> {
        rustix::process::umask(self.umask);
        let registered = self.register_rest(outcome.is_ok());
        let rest = std::mem::take(&mut self.lock().unpacked);
        if registered.is_err() && self.report.ensure_not_interrupted().is_err() {
            // The disk is busy, and so would be the removal. Nix does not know them: the next import
            // replaces them, or the garbage collector removes them.
            return outcome.and(registered);
        }
        let removed = rest
            .keys()
            .try_for_each(|&index| tree::delete_tree(&self.place(index)));
        outcome.and(registered).and(removed)
    }

    /// Registers what is complete. This is the last sync, and the only one that nothing else hides.
    fn register_rest(&self, is_all: bool) -> Result<()> {
        let bytes = self.lock().dirty;
        if is_all {
            self.report.emit(Event::Phase(Phase::Sync));
            self.report.emit(Event::Total { bytes, paths: 0 });
        }
        let size = human(bytes);
        let store = shown(self.closure.store.as_path());
        let waiting = self.report.waiting(&format!("{size} to reach {store}"));
        self.register_complete()?;
        drop(waiting);
        if is_all {
            self.report.emit(Event::Advanced { bytes });
        }
        Ok(())
    }

    /// Counts bytes that were written into trees. They are never far ahead of the disk, so that
    /// progress shows its speed.
    pub(super) fn wrote(&self, bytes: usize) -> Result<()> {
        let mut state = self.lock();
        state.dirty += bytes as u64;
        if state.dirty >= FLUSH_AFTER {
            self.changed.notify_all();
        }
        while state.is_syncing && state.dirty >= AHEAD {
            self.report.ensure_not_interrupted()?;
            let waited = self.changed.wait_timeout(state, interrupt::PATIENCE);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
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
            state.enough = state.unpacked.len() + state.batch;
            state.rounds += 1;
            drop(state);
            self.changed.notify_all();
        }
    }

    /// Syncs everything to disk, and registers complete paths.
    fn register_complete(&self) -> Result<()> {
        let ready = self.ready();
        // Nix trusts its database, so the contents must be on disk first.
        let synced = self.sync();
        self.lock().is_syncing = false;
        self.changed.notify_all();
        synced?;
        if ready.is_empty() {
            return Ok(());
        }
        let infos: Vec<_> = ready.iter().map(|&index| self.info(index)).collect();
        let outputs = self.outputs(&ready)?;
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(1, |since| since.as_secs());
        let mut state = self.lock();
        let time = i64::try_from(time).unwrap_or(i64::MAX);
        state.database.register(&infos, &outputs, time)?;
        for index in ready {
            state.unpacked.remove(&index);
        }
        Ok(())
    }

    /// The record of a path. A store of ours has no claims that nothing has checked.
    fn info(&self, index: usize) -> PathInfo {
        let info = self.closure.path_info(index);
        let claim = info.ca.as_deref().and_then(ContentAddress::parse);
        let is_checked = claim.is_some_and(|claim| claim.is_checked());
        PathInfo {
            ca: info.ca.filter(|_| is_checked),
            ..info
        }
    }

    /// The outputs of the derivations among these paths, which Nix looks up in its database.
    fn outputs(&self, ready: &[usize]) -> Result<HashMap<StorePath, Outputs>> {
        let paths = ready
            .iter()
            .map(|&index| (index, &self.closure.paths[index].path));
        let derivations = paths.filter(|(_, path)| path.is_derivation());
        let outputs = derivations.map(|(index, path)| {
            let place = self.place(index);
            let bytes = fs::read(&place).map_err(Error::io("read", &place))?;
            let derivation = Derivation::parse(&bytes, &self.closure.store);
            let derivation = derivation.map_err(|source| Error::BadDerivation {
                path: path.clone(),
                source,
            })?;
            let known = derivation.outputs.into_iter();
            let known = known.filter_map(|(name, path)| Some((name, path?)));
            Ok((path.clone(), known.collect()))
        });
        outputs.collect()
    }

    /// After Ctrl-C, only a moment is left for it: what is not registered then, the next import
    /// unpacks again.
    fn sync(&self) -> Result<()> {
        let failed = |error| Error::io("sync", self.closure.store.as_path())(error);
        let syncing = Syncing::begin(&self.store, Extent::FileSystem).map_err(failed)?;
        if self.report.ensure_not_interrupted().is_ok() {
            return syncing.wait().map_err(failed);
        }
        syncing.wait_at_most(MOMENT).map_err(failed)
    }

    /// Every unpacked path whose references are registered or are being registered with it.
    /// References come first, so one pass in order finds them all.
    fn ready(&self) -> Vec<usize> {
        let mut state = self.lock();
        let state = &mut *state;
        state.dirty = 0;
        state.is_syncing = true;
        state.is_urgent = false;
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
