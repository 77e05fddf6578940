//! The store that paths are imported into, entered from, listed and removed from.
//!
//! A command chooses its target once, and the import, the entry, `list` and `remove` receive it;
//! none of them looks for a Nix by itself. The target looks for Nix only when it is first needed,
//! so a command that does not need Nix works without it.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::nix::daemon::Connection;
use crate::nix::{self, Nix, database};
use shellpack_format::bundle::manifest::Closure;
use shellpack_format::store::store_path::StoreDir;

/// The store of this machine, and the Nix that manages it.
#[must_use]
#[derive(Debug, Default)]
pub(crate) struct Target {
    nix: OnceCell<Nix>,
}

impl Target {
    /// The store of this machine. This does not look for Nix yet.
    pub(crate) fn here() -> Self {
        Self::default()
    }

    /// The Nix that manages the store. Fails if the store's files are elsewhere.
    pub(crate) fn nix(&self) -> Result<&Nix> {
        if let Some(nix) = self.nix.get() {
            return Ok(nix);
        }
        let found = Nix::find()?;
        found.ensure_store_is_here()?;
        Ok(self.nix.get_or_init(|| found))
    }

    /// A new connection to the store.
    pub(crate) fn connect(&self) -> Result<Connection> {
        self.nix()?.connect()
    }

    /// The system that programs are built for here: Nix's setting once Nix was found, else the
    /// machine's own.
    pub(crate) fn system(&self) -> String {
        let known = self.nix.get().map(|nix| nix.system.clone());
        known.unwrap_or_else(nix::own_system)
    }

    /// The store's directory: Nix's setting once Nix was found, else the usual one.
    pub(crate) fn store(&self) -> PathBuf {
        match self.nix.get() {
            Some(nix) => nix.store.as_path().to_owned(),
            None => nix::store_directory(),
        }
    }

    /// Whether this store path, or file in one, exists. Takes the full name.
    #[expect(
        clippy::unused_self,
        reason = "callers must not know where a target keeps its files"
    )]
    pub(crate) fn exists(&self, name: &Path) -> bool {
        name.symlink_metadata().is_ok()
    }

    /// Whether every path of a closure exists and is valid, according to the file system and the
    /// database, without asking Nix. `None` if the database cannot be read.
    pub(crate) fn has_all(&self, closure: &Closure) -> Option<bool> {
        let mut paths = closure.paths.iter().map(|path| &path.path);
        if !paths.all(|path| self.exists(&closure.store.join(path))) {
            return Some(false);
        }
        let paths = closure.paths.iter().map(|path| &path.path);
        database::are_valid(&nix::state_directory(), &closure.store, paths)
    }

    /// Whether this is the store directory here.
    pub(crate) fn is_store(&self, store: &StoreDir) -> bool {
        store.as_path() == self.store()
    }
}
