//! Into a store that is ours to write: trees are unpacked in place, synced, and then
//! registered in Nix's database, many at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::lock::{CollectorLock, ImportLock, PathLock};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::bundle::BadBundle;
use crate::bundle::manifest::{Closure, ClosurePath};
use crate::bundle::reader::ReadError;
use crate::error::{Error, Result};
use crate::nix::content_address::ContentAddress;
use crate::nix::database::Database;
use crate::nix::nar::restore::Restore;
use crate::nix::{self, Nix, PathInfo};
use crate::report::Report;
use crate::unpack::{self, Destination, NarSink};

/// How many unpacked paths are registered together. Each holds a lock file open until then,
/// and a sync of the file system comes before.
const BATCH: usize = 256;

/// A store that is written directly.
#[derive(Debug)]
pub(super) struct Direct<'a> {
    closure: &'a Closure,
    wanted: &'a [bool],
    bundle: &'a Path,
    report: &'a Report,
    store: File,
    state: Mutex<State>,
    /// The user's, to be put back: nix-shell inherits it.
    umask: Mode,
    _locks: (ImportLock, CollectorLock),
}

#[derive(Debug)]
struct State {
    database: Database,
    /// Unpacked, not registered.
    unpacked: BTreeMap<usize, PathLock>,
    /// Which paths are registered.
    valid: Vec<bool>,
    /// How many unpacked paths there must be before registering is tried again.
    enough: usize,
}

impl<'a> Direct<'a> {
    /// Takes the store's locks; `None` where a daemon owns the store, or where paths need
    /// more than rows in the known schema.
    pub(super) fn prepare(
        nix: &Nix,
        closure: &'a Closure,
        wanted: &'a [bool],
        bundle: &'a Path,
        report: &'a Report,
    ) -> Result<Option<Self>> {
        if !nix.owns_store() || !closure.paths.iter().enumerate().all(is_simple) {
            return Ok(None);
        }
        let Some(database) = Database::open(&nix.state, &nix.store)? else {
            return Ok(None);
        };
        let dir = nix.store.as_path();
        allow_many_open_files();
        let locks = (
            ImportLock::take(&nix.state, report)?,
            CollectorLock::take(&nix.state, report)?,
        );
        let valid = wanted.iter().map(|wanted| !wanted).collect();
        let state = Mutex::new(State {
            database,
            unpacked: BTreeMap::new(),
            valid,
            enough: BATCH,
        });
        let store = File::open(dir).map_err(Error::io("open", dir))?;
        // Files get their final mode when they are created; as Nix does, nothing may be masked.
        let umask = rustix::process::umask(Mode::from_raw_mode(0o022));
        Ok(Some(Self {
            closure,
            wanted,
            bundle,
            report,
            store,
            state,
            umask,
            _locks: locks,
        }))
    }

    /// Registers what is complete, whatever stopped the rest, and removes what is not.
    pub(super) fn finish(self, outcome: Result<()>) -> Result<()> {
        rustix::process::umask(self.umask);
        let mut state = self.lock();
        let registered = self.register_complete(&mut state);
        let rest = std::mem::take(&mut state.unpacked);
        let removed = rest
            .keys()
            .try_for_each(|&index| nix::delete_tree(&self.place(index)));
        outcome.and(registered).and(removed)
    }

    fn place(&self, index: usize) -> PathBuf {
        self.closure.store.join(&self.closure.paths[index].path)
    }

    /// Registers every unpacked path whose references are registered or among those that
    /// are about to be. References come first, so one pass in order finds them all.
    fn register_complete(&self, state: &mut State) -> Result<()> {
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
        if ready.is_empty() {
            return Ok(());
        }
        // Nix believes its database, so the contents must be on the disk first.
        let waiting = self.report.waiting("the store's file system to be synced");
        rustix::fs::syncfs(&self.store)
            .map_err(|error| Error::io("sync", self.closure.store.as_path())(error.into()))?;
        drop(waiting);
        let infos: Vec<PathInfo> = ready
            .iter()
            .map(|&index| self.closure.path_info(index))
            .collect();
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(1, |since| since.as_secs());
        state.database.register(
            &infos.iter().collect::<Vec<_>>(),
            i64::try_from(time).unwrap_or(i64::MAX),
        )?;
        for index in ready {
            state.unpacked.remove(&index);
        }
        Ok(())
    }

    /// A path that claims to follow from its contents needs no signature; Nix would check
    /// the claim, and here nobody else does.
    fn ensure_content_address(&self, index: usize, place: &Path) -> Result<()> {
        let info = self.closure.path_info(index);
        let Some(claim) = info.ca.as_deref().and_then(ContentAddress::parse) else {
            return Ok(());
        };
        if claim.holds(&info, &self.closure.store, place)? {
            return Ok(());
        }
        let reason = "its contents are not what its content address claims";
        self.fault(BadBundle::StorePath {
            path: info.path.to_string(),
            reason,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a path needs nothing but its row in the database. A derivation's outputs have rows
/// of their own, and some claims of content addresses only Nix can check.
fn is_simple((index, path): (usize, &ClosurePath)) -> bool {
    let refers_to_itself = path
        .references
        .last()
        .is_some_and(|&last| last as usize == index);
    let is_checked = |ca: &String| ContentAddress::parse(ca).is_some() && !refers_to_itself;
    !path.path.is_derivation() && path.ca.as_ref().is_none_or(is_checked)
}

/// Small paths that wait for a large one hold a lock file each, and the usual limit of 1024
/// is there for programs that use select(2). The system's own limit is far higher.
fn allow_many_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // If it cannot be raised, the import may still fit.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
}

impl Destination for Direct<'_> {
    type Sink<'a>
        = Tree<'a>
    where
        Self: 'a;

    fn wants(&self, index: usize) -> bool {
        self.wanted.get(index).copied().unwrap_or(false)
    }

    fn begin(&self, index: usize) -> Result<Tree<'_>> {
        let place = self.place(index);
        let lock = PathLock::take(&place, self.report)?;
        if self
            .lock()
            .database
            .is_valid(&self.closure.paths[index].path)?
        {
            // Somebody else was faster.
            return Ok(Tree {
                direct: self,
                index,
                unpacking: None,
            });
        }
        // What is there without being registered is the rest of something that was interrupted.
        nix::delete_tree(&place)?;
        let restore = Restore::new(place.clone());
        Ok(Tree {
            direct: self,
            index,
            unpacking: Some(Unpacking {
                restore: Some(restore),
                place,
                lock: Some(lock),
            }),
        })
    }

    fn fault(&self, fault: BadBundle) -> Result<()> {
        Err(unpack::stop(self.bundle, fault))
    }

    fn unreadable(&self, error: ReadError) -> Result<()> {
        Err(unpack::stop(self.bundle, error))
    }

    fn abandon(&self) {}
}

/// A tree that is being unpacked. It becomes a valid path only after its NAR was found to be
/// the one that the manifest names.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    direct: &'a Direct<'a>,
    index: usize,
    /// `None` where the path became valid meanwhile.
    unpacking: Option<Unpacking>,
}

#[derive(Debug)]
struct Unpacking {
    restore: Option<Restore>,
    place: PathBuf,
    /// Taken out when the tree is complete; a tree that still has it is removed.
    lock: Option<PathLock>,
}

impl NarSink for Tree<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self
            .unpacking
            .as_mut()
            .and_then(|unpacking| unpacking.restore.as_mut())
        {
            Some(restore) => restore.write(bytes),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> Result<()> {
        let Some(unpacking) = &mut self.unpacking else {
            self.direct.lock().valid[self.index] = true;
            return Ok(());
        };
        if let Some(restore) = unpacking.restore.take() {
            restore.finish()?;
            self.direct
                .ensure_content_address(self.index, &unpacking.place)?;
        }
        let mut state = self.direct.lock();
        if let Some(lock) = unpacking.lock.take() {
            state.unpacked.insert(self.index, lock);
        }
        if state.unpacked.len() < state.enough {
            return Ok(());
        }
        let registered = self.direct.register_complete(&mut state);
        // What is left waits for a large path: looking again at every small one is no use.
        state.enough = state.unpacked.len() + BATCH;
        registered
    }
}

impl Drop for Unpacking {
    fn drop(&mut self) {
        if self.lock.is_some() {
            self.restore = None;
            let _ = nix::delete_tree(&self.place);
        }
    }
}
