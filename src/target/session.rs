//! Questions to a store, and requests: to Nix, or to a store of ours.

use std::path::Path;

use crate::error::Result;
use crate::nix::daemon::Connection;
use crate::nix::registered::Registered;
use crate::portable::Portable;
use shellpack_format::store::store_path::StorePath;

/// A store that answers.
#[derive(Debug)]
pub(crate) enum Session {
    /// Nix, or its daemon.
    Nix(Connection),
    /// A store that only shellpack manages.
    Portable(Portable),
}

impl Session {
    /// Those of these paths that are valid.
    pub(crate) fn valid_paths(&mut self, paths: &[StorePath]) -> Result<Vec<StorePath>> {
        match self {
            Self::Nix(connection) => connection.valid_paths(paths),
            Self::Portable(store) => {
                let both = paths.iter().zip(store.registered(paths)?);
                let valid = both.filter(|(_, registered)| registered.is_some());
                Ok(valid.map(|(path, _)| path.clone()).collect())
            }
        }
    }

    /// The store's record of a path.
    pub(super) fn registered(&mut self, path: &StorePath) -> Result<Option<Registered>> {
        match self {
            Self::Nix(connection) => Ok(connection.path_info(path)?.map(Registered::from)),
            Self::Portable(store) => Ok(store
                .registered(std::slice::from_ref(path))?
                .pop()
                .flatten()),
        }
    }

    /// A valid path with the hash part of this one.
    pub(super) fn path_with_hash_part(&mut self, path: &StorePath) -> Result<Option<StorePath>> {
        match self {
            Self::Nix(connection) => connection.path_with_hash_part(path.hash_part()),
            Self::Portable(store) => store.other_with_hash_part(path),
        }
    }

    /// Protects a path from the garbage collector while this lives. In a store of ours, an import keeps
    /// the collector itself away.
    pub(crate) fn add_temp_root(&mut self, path: &StorePath) -> Result<()> {
        match self {
            Self::Nix(connection) => connection.add_temp_root(path),
            Self::Portable(_) => Ok(()),
        }
    }

    /// Registers a root: a symlink that leads to a store path.
    pub(crate) fn add_indirect_root(&mut self, link: &Path) -> Result<()> {
        match self {
            Self::Nix(connection) => connection.add_indirect_root(link),
            Self::Portable(store) => store.add_root(link),
        }
    }
}
