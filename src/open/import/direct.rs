//! Into a store that is ours to write: trees are unpacked in place, synced, and then
//! registered in Nix's database, many at a time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::lock::{CollectorLock, ImportLock, PathLock};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::{Error, Result};
use crate::nix::Nix;
use crate::nix::database::Database;
use crate::report::Report;
use crate::tree::content_address::ContentAddress;
use crate::tree::delete_tree;
use crate::unpack::{self, Destination};
use shellpack_format::bundle::BadBundle;
use shellpack_format::bundle::manifest::{Closure, ClosurePath};
use shellpack_format::bundle::reader::ReadError;

mod register;
mod tree;

use register::State;
use tree::Tree;

/// A store that is written directly.
#[derive(Debug)]
pub(super) struct Direct<'a> {
    closure: &'a Closure,
    wanted: &'a [bool],
    bundle: &'a Path,
    report: &'a Report,
    store: File,
    state: Mutex<State>,
    /// There is something to bring to the disk, or nothing more will come.
    changed: Condvar,
    /// The user's, to be put back: nix-shell inherits it.
    umask: Mode,
    _locks: (ImportLock, CollectorLock),
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
        let state = Mutex::new(State::new(database, valid));
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
            changed: Condvar::new(),
            umask,
            _locks: locks,
        }))
    }

    fn place(&self, index: usize) -> PathBuf {
        self.closure.store.join(&self.closure.paths[index].path)
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
        let path = &self.closure.paths[index].path;
        if self.lock().database.is_valid(path)? {
            // Somebody else was faster.
            return Ok(Tree::present(self, index));
        }
        // What is there without being registered is the rest of something that was interrupted.
        delete_tree(&place)?;
        Ok(Tree::new(self, index, place, lock))
    }

    fn fault(&self, fault: BadBundle) -> Result<()> {
        Err(unpack::stop(self.bundle, fault))
    }

    fn unreadable(&self, error: ReadError) -> Result<()> {
        Err(unpack::stop(self.bundle, error))
    }
}
