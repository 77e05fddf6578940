//! The bundles that are open in a store, and what they brought.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::error::{Error, NotThere, Result};
use crate::opened::Record;
use crate::portable::Portable;
use crate::report::{Event, Report, count};
use crate::target::Target;
use crate::text::printable_line;
use shellpack_format::bundle::manifest::{Manifest, Origin};
use shellpack_format::store::hash::Digest;
use shellpack_format::store::store_path::StorePath;

/// Valid paths of a store, with the hash and the size of the NAR of each.
pub(super) type Held = BTreeMap<StorePath, (Digest, u64)>;

/// Bundles in a store.
#[derive(Debug, Default)]
pub(super) struct OpenedHere {
    /// Those of which every path is there, the one that was opened last first.
    pub(super) bundles: Vec<Origin>,
    /// The paths of all of them.
    pub(super) paths: BTreeSet<StorePath>,
}

impl OpenedHere {
    /// Finds them by their records. A note names those that lack paths.
    pub(super) fn find(target: &Target, held: &Held, report: &Report) -> Result<Self> {
        Self::gather(target, report, |manifest| Ok(missing(manifest, held)))
    }

    /// Those of which no path is missing. A note names the others.
    fn gather(
        target: &Target,
        report: &Report,
        mut missing: impl FnMut(&Manifest) -> Result<usize>,
    ) -> Result<Self> {
        let mut here = Self::default();
        for record in records(target)? {
            let said = match record.manifest() {
                Ok((manifest, digest)) => match missing(&manifest)? {
                    0 => {
                        here.add(manifest, digest);
                        continue;
                    }
                    missing => lacks(missing),
                },
                Err(damage) => damage.to_string(),
            };
            leave_out(&record, &said, report);
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

/// The bundles that are open in this store and have all of their paths there, the last one first. Nix is
/// asked for the store's contents only if its database cannot be read.
pub(super) fn complete(target: &Target, report: &Report) -> Result<Vec<Origin>> {
    let mut contents = None;
    let here = OpenedHere::gather(target, report, |manifest| {
        if target.has_all(&manifest.closure) == Some(true) {
            return Ok(0);
        }
        let held = match &contents {
            Some(held) => held,
            None => contents.insert(held(target, report)?),
        };
        Ok(missing(manifest, held))
    })?;
    Ok(here.bundles)
}

/// The stores besides this one in which bundles are open, and how many: `None` is Nix's.
pub(super) fn elsewhere(target: &Target) -> BTreeMap<Option<PathBuf>, usize> {
    let mut stores = BTreeMap::new();
    let dir = target.as_portable().map(Portable::dir);
    // A list that cannot be read is not worth more than a note.
    for record in Record::all(None).unwrap_or_default() {
        if !is_in(&record, dir) && record.manifest().is_ok() {
            *stores.entry(record.store()).or_default() += 1;
        }
    }
    stores
}

fn lacks(missing: usize) -> String {
    format!("this store lacks {} of it", count(missing, "path"))
}

fn leave_out(record: &Record, said: &str, report: &Report) {
    let name = printable_line(&record.full_name());
    report.emit(Event::Note(&format!("{name} is left out: {said}")));
}

/// The valid paths of a store.
pub(super) fn held(target: &Target, report: &Report) -> Result<Held> {
    // Bundles carry no derivations, and an evaluation writes its own: nothing is lost without them.
    let contents = target.contents(report)?.into_iter();
    let known = contents.filter(|it| !it.path.is_derivation());
    let known = known.filter_map(|it| Some((it.path, (it.nar_hash?, it.nar_size))));
    Ok(known.collect())
}

/// The records of bundles that are in this store, the one that was opened last first.
fn records(target: &Target) -> Result<Vec<Record>> {
    let dir = target.as_portable().map(Portable::dir);
    let mut records = match Record::all(dir.filter(|dir| *dir != Path::new("/"))) {
        // Where nothing can be recorded, nothing is.
        Err(Error::NotThere(NotThere::NoHome)) => return Ok(Vec::new()),
        records => records?,
    };
    records.retain(|record| is_in(record, dir));
    records.sort_by_cached_key(|record| Reverse(record.last_opened()));
    Ok(records)
}

/// Whether a bundle is in the store of ours in this directory, or else in Nix's.
fn is_in(record: &Record, dir: Option<&Path>) -> bool {
    match (record.store(), dir) {
        (Some(store), Some(dir)) => store == dir,
        (None, Some(dir)) => dir == Path::new("/"),
        (Some(store), None) => {
            Target::at(&store).is_ok_and(|target| target.as_portable().is_none())
        }
        (None, None) => true,
    }
}

/// How many of its paths are not there.
fn missing(manifest: &Manifest, held: &Held) -> usize {
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
