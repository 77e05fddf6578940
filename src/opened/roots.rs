//! Garbage collection roots. On a machine with no network, a collected path cannot be fetched
//! again.
//!
//! No single path refers to all inputs of a shell, so each input has an indirect root: a symlink in
//! the record that is registered with Nix.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::Record;
use crate::error::{Error, Result};
use crate::nix::daemon::Connection;
use crate::target::Target;
use shellpack_format::bundle::manifest::Manifest;

/// A root of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Root {
    /// The store path that it protects.
    pub path: PathBuf,
    /// Whether the path exists: a user can force Nix to delete it.
    pub exists: bool,
}

impl Record {
    /// Makes all roots that do not exist yet. Paths that are not valid yet are protected as soon as
    /// they are.
    pub(crate) fn hold(&self, manifest: &Manifest, connection: &mut Connection) -> Result<()> {
        for path in manifest.shells.iter().flat_map(|shell| &shell.roots) {
            let link = self.dir.join(path.base_name());
            match symlink(manifest.closure.store.join(path), &link) {
                // Made by an earlier opening, or by one that runs now.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => other.map_err(Error::io("create", &link))?,
            }
            connection.add_indirect_root(&link)?;
        }
        Ok(())
    }

    /// Whether the record has all roots of a bundle.
    pub(crate) fn has_all_roots(&self, manifest: &Manifest) -> bool {
        let mut roots = manifest.shells.iter().flat_map(|shell| &shell.roots);
        roots.all(|path| self.dir.join(path.base_name()).symlink_metadata().is_ok())
    }

    /// The existing roots.
    pub(crate) fn roots(&self, target: &Target) -> Vec<Root> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let paths = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
        let mut roots: Vec<_> = paths
            .map(|path| Root {
                exists: target.exists(&path),
                path,
            })
            .collect();
        roots.sort_by(|a, b| a.path.cmp(&b.path));
        roots
    }
}
