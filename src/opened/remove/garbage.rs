//! Store paths that no record needs any more: in Nix's store they wait for Nix's garbage collector; a store
//! of ours has none, so that they are removed with the record.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::Result;
use crate::nix::daemon::Connection;
use crate::opened::{Record, Scope};
use crate::portable::{Collection, Portable};
use crate::report::Report;
use crate::target::Target;
use shellpack_format::store::store_path::StorePath;

/// The store paths that the removed roots protected. Bytes are those of NARs.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct Garbage {
    /// Paths that nothing else protects.
    pub(super) paths: usize,
    pub(super) bytes: u64,
    /// Paths that something else protects: other roots, or a running program. Of a store of ours, all
    /// that stay.
    pub(super) kept: usize,
}

/// The outcome for a store of ours.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Freed {
    /// The directory of the store.
    pub(super) store: PathBuf,
    /// The store paths that nothing needs; `None` if that was not asked, because other machines may use
    /// them.
    #[serde(flatten)]
    pub(super) garbage: Option<Garbage>,
    /// Who uses the store.
    #[serde(skip)]
    pub(super) sharing: Sharing,
}

/// Who uses a store of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// Processes of this machine only.
    Own,
    /// Other machines, perhaps.
    Shared,
    /// It is another user's, who frees its paths. This user only reads it.
    Others,
    /// Nix made it, and its collector frees the paths.
    Nixs,
}

/// All paths that records' roots protect in Nix's store, with the sizes of their NARs.
pub(super) fn held(records: &[Record], target: &Target) -> Result<BTreeMap<StorePath, u64>> {
    let nix = target.nix()?;
    let roots: Vec<_> = records
        .iter()
        .flat_map(|record| record.roots(target))
        .collect();
    let paths = roots
        .iter()
        .filter_map(|root| nix.store.containing(root.path.to_str()?));
    nix.connect()?.reachable(paths.map(|(path, _)| path))
}

/// Those of them that nothing protects now.
pub(super) fn in_nixs_store(held: &BTreeMap<StorePath, u64>, target: &Target) -> Result<Garbage> {
    let dead = target.nix()?.dead_paths()?;
    Ok(Garbage::among(held, |path| dead.contains(path)))
}

/// Those of them that nothing would protect without these records. Nix has no command for that, so its
/// roots are followed here.
pub(super) fn without(
    records: &[Record],
    held: &BTreeMap<StorePath, u64>,
    target: &Target,
) -> Result<Garbage> {
    let nix = target.nix()?;
    let dirs: BTreeSet<_> = records.iter().map(Record::path).collect();
    let is_gone = |link: &Path| link.parent().is_some_and(|dir| dirs.contains(dir));
    let others = nix.roots()?.into_iter().filter(|(link, _)| !is_gone(link));
    let kept = kept_by(others.map(|(_, path)| path), &mut nix.connect()?)?;
    Ok(Garbage::among(held, |path| !kept.contains(path)))
}

/// The paths that roots keep: all that is reachable from them, and the valid derivations of that. This is how Nix
/// collects unless it is told otherwise (`keep-derivations`).
fn kept_by(
    roots: impl Iterator<Item = StorePath>,
    connection: &mut Connection,
) -> Result<HashSet<StorePath>> {
    let mut kept = HashSet::new();
    let mut open: Vec<_> = roots.collect();
    while let Some(path) = open.pop() {
        if !kept.contains(&path)
            && let Some(info) = connection.path_info(&path)?
        {
            open.extend(info.references);
            open.extend(info.deriver);
            kept.insert(path);
        }
    }
    Ok(kept)
}

impl Garbage {
    fn among(held: &BTreeMap<StorePath, u64>, is_dead: impl Fn(&StorePath) -> bool) -> Self {
        let mut garbage = Self::default();
        for (path, size) in held {
            if is_dead(path) {
                garbage.paths += 1;
                garbage.bytes += size;
            } else {
                garbage.kept += 1;
            }
        }
        garbage
    }
}

/// The stores of ours that have the paths of these records, and who uses each.
pub(super) fn own_stores(records: &[Record]) -> Result<Vec<(Portable, Sharing)>> {
    let mut stores: BTreeMap<PathBuf, bool> = BTreeMap::new();
    for record in records {
        if let Some(dir) = record.store() {
            *stores.entry(dir).or_default() |= matches!(record.scope(), Scope::Store(_));
        }
    }
    let stores = stores.into_iter().map(|(dir, is_shared)| {
        let store = Portable::at(&dir)?;
        let sharing = if store.exists() && !store.may_change() {
            Sharing::Others
        } else if is_shared || store.is_on_a_network() {
            Sharing::Shared
        } else {
            Sharing::Own
        };
        let sharing = collected_by(&store, sharing);
        Ok((store, sharing))
    });
    stores.collect()
}

/// Who uses a store, and frees its paths: of one that Nix made, Nix.
pub(super) fn collected_by(store: &Portable, sharing: Sharing) -> Sharing {
    if store.exists() && !store.is_ours() && sharing != Sharing::Others {
        return Sharing::Nixs;
    }
    sharing
}

/// Looks for what nothing needs in a store of ours once these records are gone; `None` if there is no
/// store.
pub(super) fn collection<'a>(
    store: &'a Portable,
    gone: &[Record],
    report: &Report,
) -> Result<Option<Collection<'a>>> {
    if !store.exists() {
        return Ok(None);
    }
    let dirs: BTreeSet<_> = gone.iter().map(Record::path).collect();
    let is_gone = |link: &Path| link.parent().is_some_and(|dir| dirs.contains(dir));
    Collection::begin(store, is_gone, report).map(Some)
}

/// Removes it; or only counts it.
pub(super) fn collected(
    collection: Option<Collection>,
    is_dry_run: bool,
    report: &Report,
) -> Result<Garbage> {
    let Some(collection) = collection else {
        return Ok(Garbage::default());
    };
    let kept = collection.kept();
    let found = if is_dry_run {
        collection.garbage()?
    } else {
        collection.remove(report)?
    };
    Ok(Garbage {
        paths: found.paths,
        bytes: found.bytes,
        kept,
    })
}
