//! Where store paths go, and where they are once they went there.
//!
//! A target is chosen once, by `accept` or at the start of a command. The import, the entry, `list`
//! and `remove` take it; none of them looks for a Nix by itself. The Nix behind it is asked when
//! that is needed for the first time, so a command that needs none works without.

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
    /// This machine's own store. No Nix is asked yet.
    pub(crate) fn here() -> Self {
        Self::default()
    }

    /// The Nix that manages the store.
    pub(crate) fn nix(&self) -> Result<&Nix> {
        if let Some(nix) = self.nix.get() {
            return Ok(nix);
        }
        let found = Nix::find()?;
        Ok(self.nix.get_or_init(|| found))
    }

    /// A new connection to the store.
    pub(crate) fn connect(&self) -> Result<Connection> {
        self.nix()?.connect()
    }

    /// The system that programs are for here. Before Nix is asked, the machine's own.
    pub(crate) fn system(&self) -> String {
        let known = self.nix.get().map(|nix| nix.system.clone());
        known.unwrap_or_else(nix::own_system)
    }

    /// The store's directory. Before Nix is asked, the usual one.
    pub(crate) fn store(&self) -> PathBuf {
        match self.nix.get() {
            Some(nix) => nix.store.as_path().to_owned(),
            None => nix::store_directory(),
        }
    }

    /// Whether something is there under the full name of a store path or of a file in one.
    #[expect(
        clippy::unused_self,
        reason = "callers must not know where a target keeps its files"
    )]
    pub(crate) fn exists(&self, name: &Path) -> bool {
        name.symlink_metadata().is_ok()
    }

    /// Whether every path of a closure is there and valid, as far as that can be told without
    /// asking Nix. `None` if its database cannot be read.
    pub(crate) fn has_all(&self, closure: &Closure) -> Option<bool> {
        let mut paths = closure.paths.iter().map(|path| &path.path);
        if !paths.all(|path| self.exists(&closure.store.join(path))) {
            return Some(false);
        }
        let paths = closure.paths.iter().map(|path| &path.path);
        database::are_valid(&nix::state_directory(), &closure.store, paths)
    }

    /// Whether the store directory of a bundle is the one here.
    pub(crate) fn is_store(&self, store: &StoreDir) -> bool {
        store.as_path() == self.store()
    }
}
