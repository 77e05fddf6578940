//! The store that paths are imported into, entered from, listed and removed from: the one of this
//! machine's Nix, or one of ours.
//!
//! A command chooses its target once, and the import, the entry, `list` and `remove` receive it;
//! none of them looks for a Nix by itself. The target looks for Nix only when it is first needed,
//! so a command that does not need Nix works without it.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::error::{Conflict, Result, Unfit};
use crate::nix::locks::CollectorLock;
use crate::nix::registered::Registered;
use crate::nix::{self, Nix, database, places};
use crate::portable::{self, Portable};
use crate::report::Report;
use shellpack_format::bundle::manifest::Closure;
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::{StoreDir, StorePath};

mod contents;
mod session;

pub(crate) use session::Session;

/// The store of this machine and the Nix that manages it, or a store of ours.
#[must_use]
#[derive(Debug, Default)]
pub(crate) struct Target {
    nix: OnceCell<Nix>,
    portable: Option<Portable>,
}

/// The directories of a store.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    /// The directory of the store paths.
    pub(crate) files: PathBuf,
    /// The directory of database, roots and locks.
    pub(crate) state: PathBuf,
}

impl Target {
    /// The store of this machine. This does not look for Nix yet.
    pub(crate) fn here() -> Self {
        Self::default()
    }

    /// The store in this directory: Nix's, if that is here.
    pub(crate) fn at(dir: &Path) -> Result<Self> {
        let store = Portable::at(dir)?;
        if store.is_here() && places::is_installed() {
            return Ok(Self::here());
        }
        Ok(Self::portable(store))
    }

    /// A store of ours.
    pub(crate) fn portable(store: Portable) -> Self {
        Self {
            nix: OnceCell::new(),
            portable: Some(store),
        }
    }

    /// The store, if it is one of ours.
    pub(crate) fn as_portable(&self) -> Option<&Portable> {
        self.portable.as_ref()
    }

    /// The Nix that manages the store. Fails if the store's files are elsewhere, or if it is one of
    /// ours.
    pub(crate) fn nix(&self) -> Result<&Nix> {
        if let Some(store) = &self.portable {
            let dir = store.dir().to_owned();
            return Err(Unfit::NoNixForStore { dir }.into());
        }
        if let Some(nix) = self.nix.get() {
            return Ok(nix);
        }
        let found = Nix::find()?;
        found.ensure_store_is_here()?;
        Ok(self.nix.get_or_init(|| found))
    }

    /// A new session with the store.
    pub(crate) fn connect(&self) -> Result<Session> {
        Ok(match &self.portable {
            Some(store) => Session::Portable(store.clone()),
            None => Session::Nix(self.nix()?.connect()?),
        })
    }

    /// The store's directories.
    pub(crate) fn location(&self) -> Result<Location> {
        Ok(match &self.portable {
            Some(store) => Location {
                files: store.files(),
                state: store.state(),
            },
            None => Location {
                files: self.nix()?.store.as_path().to_owned(),
                state: self.nix()?.state.clone(),
            },
        })
    }

    /// The system that programs are built for here: Nix's setting once Nix was found, else the
    /// machine's own.
    pub(crate) fn system(&self) -> String {
        let known = self.nix.get().map(|nix| nix.system.clone());
        known.unwrap_or_else(nix::own_system)
    }

    /// The store's directory, as names have it: Nix's setting once Nix was found, else the usual one.
    pub(crate) fn store(&self) -> PathBuf {
        match (&self.portable, self.nix.get()) {
            (Some(_), _) => portable::STORE.into(),
            (None, Some(nix)) => nix.store.as_path().to_owned(),
            (None, None) => nix::store_directory(),
        }
    }

    /// Where a store path, or a file in one, is. Takes the full name.
    pub(crate) fn place_of(&self, name: &Path) -> PathBuf {
        match &self.portable {
            Some(store) => store.place_of(name),
            None => name.to_owned(),
        }
    }

    /// Whether its paths are where their names say.
    pub(crate) fn is_here(&self) -> bool {
        self.portable.as_ref().is_none_or(Portable::is_here)
    }

    /// A directory of the file system that has the store, or will have it.
    pub(crate) fn disk(&self) -> PathBuf {
        let files = self.place_of(&self.store());
        let there = files.ancestors().find(|dir| dir.exists());
        there.unwrap_or(&files).to_owned()
    }

    /// Makes the store, if it is one of ours and not there yet, and keeps its garbage collector from
    /// starting while the result lives. Nix's own store has temporary roots for that. In a store of others
    /// there is nothing to import, and their roots protect what is there.
    pub(crate) fn make(&self, report: &Report) -> Result<Option<CollectorLock>> {
        let store = self.portable.as_ref();
        let store = store.filter(|store| !store.exists() || store.may_change());
        store.map(|store| store.make(report)).transpose()
    }

    /// Whether this store path, or file in one, exists. Takes the full name.
    pub(crate) fn exists(&self, name: &Path) -> bool {
        self.place_of(name).symlink_metadata().is_ok()
    }

    /// Whether every path of a closure exists, and is valid with the contents and references that it
    /// has there, according to the file system and the database, without asking Nix. `None` if the
    /// database cannot be read.
    pub(crate) fn has_all(&self, closure: &Closure) -> Option<bool> {
        let mut paths = closure.paths.iter().map(|path| &path.path);
        if !paths.all(|path| self.exists(&closure.store.join(path))) {
            return Some(false);
        }
        let missing = missing(closure, self.closure_in_database(closure)?);
        Some(missing.is_ok_and(|missing| !missing.contains(&true)))
    }

    /// Fails if a path of a closure is valid with other contents or references than it has there, as far
    /// as that is known without asking Nix.
    pub(crate) fn ensure_same(&self, closure: &Closure) -> Result<()> {
        let registered = self.closure_in_database(closure);
        registered.map_or(Ok(()), |all| missing(closure, all).map(drop))
    }

    /// Which paths of a closure are missing. Fails if one that is valid is not the one that it has there:
    /// it was not read when the others came.
    pub(crate) fn missing(&self, closure: &Closure, session: &mut Session) -> Result<Vec<bool>> {
        let paths: Vec<_> = closure.paths.iter().map(|path| path.path.clone()).collect();
        missing(closure, self.registered(&closure.store, &paths, session)?)
    }

    fn closure_in_database(&self, closure: &Closure) -> Option<Vec<Option<Registered>>> {
        self.in_database(&closure.store, closure.paths.iter().map(|path| &path.path))
    }

    /// The database's record of each path, if it can be read.
    fn in_database<'a>(
        &self,
        store: &StoreDir,
        paths: impl Iterator<Item = &'a StorePath> + Clone,
    ) -> Option<Vec<Option<Registered>>> {
        let state = match (&self.portable, self.nix.get()) {
            (Some(store), _) => store.state(),
            (None, Some(nix)) => nix.state.clone(),
            (None, None) => nix::state_directory(),
        };
        database::ask(&state, store, |database| {
            let paths = paths.clone();
            paths.map(|path| database.registered(path)).collect()
        })
    }

    /// The store's record of each of these paths; `None` for those that are not valid. The
    /// database answers at once, if it can be read; else `session` is asked for one after the other.
    pub(crate) fn registered(
        &self,
        store: &StoreDir,
        paths: &[StorePath],
        session: &mut Session,
    ) -> Result<Vec<Option<Registered>>> {
        let valid: HashSet<_> = session.valid_paths(paths)?.into_iter().collect();
        let read = self.in_database(store, paths.iter());
        let read = read.unwrap_or_else(|| vec![None; paths.len()]);
        let both = paths.iter().zip(read);
        let asked = both.map(|(path, read)| match read {
            // A path that the database has and Nix denies is of another store.
            _ if !valid.contains(path) => Ok(None),
            Some(read) => Ok(Some(read)),
            None => session.registered(path),
        });
        asked.collect()
    }

    /// The valid paths, other than these, with the hash part of one of these.
    pub(crate) fn others_with_hash_parts(
        &self,
        store: &StoreDir,
        paths: &[StorePath],
        session: &mut Session,
    ) -> Result<Vec<(StorePath, StorePath)>> {
        let found = |path: &StorePath, other: Option<StorePath>| {
            let other = other.filter(|other| other != path)?;
            Some((path.clone(), other))
        };
        let read = database::ask(&self.state()?, store, |database| {
            let others = paths
                .iter()
                .map(|path| Ok(found(path, database.other_with_hash_part(path)?)));
            others.collect::<Result<Vec<_>>>()
        });
        let others = match read {
            Some(read) => read,
            None => paths
                .iter()
                .map(|path| Ok(found(path, session.path_with_hash_part(path)?)))
                .collect::<Result<Vec<_>>>()?,
        };
        Ok(others.into_iter().flatten().collect())
    }

    fn state(&self) -> Result<PathBuf> {
        Ok(self.location()?.state)
    }

    /// Whether this is the store directory here.
    pub(crate) fn is_store(&self, store: &StoreDir) -> bool {
        store.as_path() == self.store()
    }
}

/// Which paths of a closure are not registered. Fails if one is registered as another one.
fn missing(closure: &Closure, registered: Vec<Option<Registered>>) -> Result<Vec<bool>> {
    let all = registered.into_iter().enumerate();
    let missing = all.map(|(index, here)| {
        let Some(here) = here else { return Ok(true) };
        ensure_same(&closure.path_info(index), &here, &closure.store)?;
        Ok(false)
    });
    missing.collect()
}

fn ensure_same(info: &PathInfo, here: &Registered, store: &StoreDir) -> Result<(), Conflict> {
    let path = store.print(&info.path);
    if !here.has_contents_of(info) {
        return Err(Conflict::OtherContents {
            path,
            here: here.nar_hash.unwrap_or(info.nar_hash),
            bundle: info.nar_hash,
        });
    }
    if !here.has_references_of(info) {
        return Err(Conflict::OtherReferences { path });
    }
    Ok(())
}
