//! Where the bases of an update are, for a check of all that it brings.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::bases;
use crate::error::{Error, Result};
use crate::media::source::Bundle;
use crate::report::Report;
use shellpack_format::bundle::manifest::{Base, Delta};
use shellpack_format::store::hash::Digest;
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
        let (dirs, files): (Vec<_>, Vec<_>) = named.iter().partition(|named| named.is_dir());
        for dir in dirs {
            places.dirs.extend([dir.join(inside), dir.clone()]);
        }
        let open = |file: &&PathBuf| Bundle::open_among(file, &[], report.prompt());
        let bundles = files.iter().map(open).collect::<Result<Vec<_>>>()?;
        let bundles = bases::in_order(bundles, |bundle| {
            (bundle.reader.manifest(), bundle.reader.manifest_digest())
        });
        let updates = bundles
            .iter()
            .filter_map(|bundle| bundle.reader.manifest().delta.as_ref());
        let wanted = updates.chain([delta]).flat_map(|delta| &delta.bases);
        let wanted = wanted.map(|base| (base.path.clone(), base.nar_hash));
        let wanted = wanted.collect();
        for bundle in bundles {
            places.take_out(&bundle.file, &wanted, report)?;
        }
        Ok(places)
    }

    /// Takes the wanted paths out of a bundle, as far as their own bases are here.
    fn take_out(
        &mut self,
        bundle: &Path,
        wanted: &BTreeMap<StorePath, Digest>,
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
        bases::extract(bundle, wanted, &dir, |base| self.find(base, report), report)?;
        self.dirs.push(dir);
        Ok(())
    }

    /// Where a base is, if it is anywhere. Of several, the one with the right contents.
    pub(super) fn find(&self, base: &Base, report: &Report) -> Option<PathBuf> {
        let places = self.dirs.iter().map(|dir| dir.join(base.path.base_name()));
        let mut places = places.filter(|place| place.symlink_metadata().is_ok());
        let first = places.next()?;
        let is_right = |place: &PathBuf| {
            bases::ensure_right(place, base.nar_hash, base.nar_size, report).is_ok()
        };
        let others: Vec<_> = places.collect();
        if others.is_empty() || is_right(&first) {
            return Some(first);
        }
        Some(others.into_iter().find(is_right).unwrap_or(first))
    }
}
