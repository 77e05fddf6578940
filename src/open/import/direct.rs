//! Imports directly into a store that this user owns: unpacks trees in place, syncs them, and
//! registers many at a time in Nix's database.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::nix::locks::{CollectorLock, ImportLock, PathLock};
use rustix::fs::Mode;

use crate::error::{Conflict, Error, Result};
use crate::limits::{self, RaisedFiles};
use crate::nix::database::Database;
use crate::report::Report;
use crate::target::{Location, Target};
use crate::tree::delete_tree;
use crate::unpack::{self, Destination};
use shellpack_format::bundle::BadBundle;
use shellpack_format::bundle::manifest::{Closure, ClosurePath};
use shellpack_format::bundle::reader::ReadError;
use shellpack_format::store::content_address::ContentAddress;
use shellpack_format::store::store_path::StorePath;

mod register;
mod removal;
mod tree;

use register::State;
pub(crate) use removal::hidden_entry;
use tree::Tree;

/// A store that shellpack writes to directly.
#[derive(Debug)]
pub(super) struct Direct<'a> {
    closure: &'a Closure,
    wanted: &'a [bool],
    bundle: &'a Path,
    report: &'a Report,
    location: Location,
    /// Whether no Nix manages the store, so that all that Nix would do is done here.
    is_ours: bool,
    store: File,
    state: Mutex<State>,
    /// Signals that there is something to sync, or that all work is done.
    changed: Condvar,
    /// The user's umask, to be restored: nix-shell inherits it.
    umask: Mode,
    /// Paths that wait for a large one keep a lock file open each.
    _files: RaisedFiles,
    _locks: (ImportLock, CollectorLock),
}

impl<'a> Direct<'a> {
    /// Takes the store's locks. `None` if a daemon owns the store, or if a path needs more than Nix's
    /// known schema has.
    pub(super) fn prepare(
        target: &Target,
        closure: &'a Closure,
        wanted: &'a [bool],
        bundle: &'a Path,
        report: &'a Report,
    ) -> Result<Option<Self>> {
        let Some(database) = database_of(target, closure)? else {
            return Ok(None);
        };
        let location = target.location()?;
        let dir = &location.files;
        let files = RaisedFiles::raise();
        let locks = (
            ImportLock::take(&location.state, report)?,
            CollectorLock::take(&location.state, report)?,
        );
        let valid = wanted.iter().map(|wanted| !wanted).collect();
        let state = Mutex::new(State::new(database, valid, limits::files_left()));
        let store = File::open(dir).map_err(Error::io("open", dir))?;
        // Files get their final mode when they are created, so nothing may be masked; Nix does the
        // same.
        let umask = rustix::process::umask(Mode::from_raw_mode(0o022));
        Ok(Some(Self {
            closure,
            wanted,
            bundle,
            report,
            is_ours: target.as_portable().is_some(),
            location,
            store,
            state,
            changed: Condvar::new(),
            umask,
            _files: files,
            _locks: locks,
        }))
    }

    fn place(&self, index: usize) -> PathBuf {
        let path = &self.closure.paths[index].path;
        self.location.files.join(path.base_name())
    }

    /// Fails if another path has the hash part of this one, so that it may be in the place of its lock.
    fn ensure_alone(&self, path: &StorePath) -> Result<()> {
        match self.lock().database.other_with_hash_part(path)? {
            None => Ok(()),
            Some(other) => Err(Conflict::OneHashPart {
                path: self.closure.store.print(path),
                other: self.closure.store.print(&other),
            }
            .into()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The database to write to, if this process may.
fn database_of(target: &Target, closure: &Closure) -> Result<Option<Database>> {
    if let Some(store) = target.as_portable() {
        return Ok(Some(store.database()?));
    }
    let nix = target.nix()?;
    if !nix.owns_store() || !closure.paths.iter().all(is_simple) {
        return Ok(None);
    }
    Database::open(&nix.state, &nix.store)
}

/// Whether a row in the database is all that a path needs. The outputs of a derivation have rows of
/// their own, and only Nix can check some content addresses.
fn is_simple(path: &ClosurePath) -> bool {
    let is_checked =
        |ca: &String| ContentAddress::parse(ca).is_some_and(|claim| claim.is_checked());
    !path.path.is_derivation() && path.ca.as_ref().is_none_or(is_checked)
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
        self.ensure_room()?;
        let place = self.place(index);
        let path = &self.closure.paths[index].path;
        self.ensure_alone(path)?;
        let lock = PathLock::take(&place, self.report)?;
        let is_there = !self.is_ours || place.symlink_metadata().is_ok();
        if is_there && self.lock().database.is_valid(path)? {
            // Another process was faster.
            return Ok(Tree::present(self, index));
        }
        // An unregistered path was left by an interrupted process.
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
