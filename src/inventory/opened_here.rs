//! The bundles that are open in a store, and what they brought.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::{Error, NotThere, Result};
use crate::opened::Record;
use crate::portable::Portable;
use crate::report::{Event, Report, count};
use crate::target::Target;
use crate::text::printable_line;
use shellpack_format::bundle::manifest::{Manifest, Origin};
use shellpack_format::store::hash::Digest;
use shellpack_format::store::store_path::StorePath;

/// Bundles in a store.
pub(super) struct OpenedHere {
    /// Those of which every path is there, the one that was opened last first.
    pub(super) bundles: Vec<Origin>,
    /// The paths of all of them.
    pub(super) paths: BTreeSet<StorePath>,
}

impl OpenedHere {
    /// Finds them by their records. A note names those that lack paths.
    pub(super) fn find(
        target: &Target,
        held: &BTreeMap<StorePath, (Digest, u64)>,
        report: &Report,
    ) -> Result<Self> {
        let mut here = Self {
            bundles: Vec::new(),
            paths: BTreeSet::new(),
        };
        let mut records = records(target)?;
        records.sort_by_cached_key(|record| Reverse(record.last_opened()));
        for record in records {
            let said = match record.manifest() {
                Ok((manifest, digest)) => match missing(&manifest, held) {
                    0 => {
                        here.add(manifest, digest);
                        continue;
                    }
                    missing => format!("this store lacks {} of it", count(missing, "path")),
                },
                Err(damage) => damage.to_string(),
            };
            let name = printable_line(&record.full_name());
            report.emit(Event::Note(&format!("{name} is left out: {said}")));
        }
        Ok(here)
    }

    fn add(&mut self, manifest: Manifest, digest: Digest) {
        let paths = manifest.closure.paths.into_iter();
        self.paths.extend(paths.map(|path| path.path));
        let name = manifest.name;
        self.bundles.push(Origin { name, digest });
    }
}

/// The records of bundles that are in this store.
fn records(target: &Target) -> Result<Vec<Record>> {
    let dir = target.as_portable().map(Portable::dir);
    let records = match Record::all(dir.filter(|dir| *dir != Path::new("/"))) {
        // Where nothing can be recorded, nothing is.
        Err(Error::NotThere(NotThere::NoHome)) => return Ok(Vec::new()),
        records => records?,
    };
    let is_here = |record: &Record| match (record.store(), dir) {
        (Some(store), Some(dir)) => store == dir,
        (None, Some(dir)) => dir == Path::new("/"),
        (Some(store), None) => {
            Target::at(&store).is_ok_and(|target| target.as_portable().is_none())
        }
        (None, None) => true,
    };
    Ok(records.into_iter().filter(is_here).collect())
}

/// How many of its paths are not there.
fn missing(manifest: &Manifest, held: &BTreeMap<StorePath, (Digest, u64)>) -> usize {
    let paths = manifest.closure.paths.iter();
    let is_missing = |path: &&shellpack_format::bundle::manifest::ClosurePath| {
        // Derivations are not listed.
        !path.path.is_derivation()
            && held
                .get(&path.path)
                .is_none_or(|(hash, _)| *hash != path.nar_hash)
    };
    paths.filter(is_missing).count()
}
