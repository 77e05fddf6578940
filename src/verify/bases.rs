//! Where the bases of an update are, for a check of all that it brings.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::bases;
use crate::error::{Error, Result};
use crate::report::Report;
use shellpack_format::bundle::manifest::{Base, Delta};
use shellpack_format::store::store_path::{StoreDir, StorePath};

/// Places of store paths: stores, and what was taken out of bundles.
#[derive(Debug)]
pub(super) struct Places {
    dirs: Vec<PathBuf>,
    /// Has what was taken out of bundles, and removes it in the end.
    scratch: Option<TempDir>,
}

impl Places {
    /// Those that the user names, else this machine's own store. A directory is a store, or the
    /// directory of its store paths; a file is a bundle.
    pub(super) fn of(
        named: &[PathBuf],
        delta: &Delta,
        store: &StoreDir,
        report: &Report,
    ) -> Result<Self> {
        let mut places = Self {
            dirs: Vec::new(),
            scratch: None,
        };
        if named.is_empty() {
            places.dirs.push(store.as_path().to_owned());
            return Ok(places);
        }
        let inside = store.as_path().strip_prefix("/").unwrap_or(store.as_path());
        for dir in named {
            if dir.is_dir() {
                places.dirs.extend([dir.join(inside), dir.clone()]);
            } else {
                let wanted = delta.bases.iter().map(|base| base.path.clone()).collect();
                places.take_out(dir, &wanted, report)?;
            }
        }
        Ok(places)
    }

    fn take_out(
        &mut self,
        bundle: &Path,
        wanted: &BTreeSet<StorePath>,
        report: &Report,
    ) -> Result<()> {
        let scratch = match self.scratch.take() {
            Some(scratch) => scratch,
            None => tempfile::Builder::new()
                .prefix("shellpack-bases-")
                .permissions(Permissions::from_mode(0o700))
                .tempdir()
                .map_err(Error::io("create a directory in", std::env::temp_dir()))?,
        };
        let dir = scratch.path().join(self.dirs.len().to_string());
        self.scratch = Some(scratch);
        bases::extract(bundle, wanted, &dir, report)?;
        self.dirs.push(dir);
        Ok(())
    }

    /// Where a base is, if it is anywhere.
    pub(super) fn find(&self, base: &Base) -> Option<PathBuf> {
        let mut places = self.dirs.iter().map(|dir| dir.join(base.path.base_name()));
        places.find(|place| place.symlink_metadata().is_ok())
    }
}
