//! Garbage collection roots: on a machine with no network a collected path is gone for good.
//!
//! Nothing joins the inputs of a shell, so each has an indirect root of its own: a symlink
//! in the record, which Nix is told about.

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
    /// What it keeps, in the store.
    pub path: PathBuf,
    /// Whether that is there: somebody may have forced Nix to delete it.
    pub exists: bool,
}

impl Record {
    /// Makes the roots, or makes sure of them. Paths that are not valid yet are held as soon
    /// as they are.
    pub(crate) fn hold(&self, manifest: &Manifest, connection: &mut Connection) -> Result<()> {
        for path in manifest.shells.iter().flat_map(|shell| &shell.roots) {
            let link = self.dir.join(path.base_name());
            match symlink(manifest.closure.store.join(path), &link) {
                // From an earlier opening, or from one that runs at the same time.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => other.map_err(Error::io("create", &link))?,
            }
            connection.add_indirect_root(&link)?;
        }
        Ok(())
    }

    /// Whether it has all of a bundle's roots.
    pub(crate) fn holds(&self, manifest: &Manifest) -> bool {
        let mut roots = manifest.shells.iter().flat_map(|shell| &shell.roots);
        roots.all(|path| self.dir.join(path.base_name()).symlink_metadata().is_ok())
    }

    /// The roots that are there.
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
