//! The store paths of a target, as an inventory or bundles that were opened there tell.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{BadBase, Error, Result};
use crate::inventory;
use crate::manifests::Listed;
use crate::nix::Nix;
use crate::report::Report;
use shellpack_format::bundle::inventory::Inventory;
use shellpack_format::bundle::manifest::{Closure, ClosurePath, Manifest, Origin};
use shellpack_format::store::hash::Digest;
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::{StoreDir, StorePath};

/// Where it is known from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownFrom {
    /// An inventory of the target.
    Inventory(PathBuf),
    /// A bundle that is open there, its manifest alone, or the name of one that was packed here.
    Bundle(PathBuf),
}

/// The contents of a path on the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Contents {
    nar_hash: Digest,
    nar_size: u64,
    /// The file that tells of it: an index into [`Known::stores`].
    from: usize,
}

/// The store paths of a target.
#[derive(Debug, Default)]
pub(in crate::create) struct Known {
    /// Each with its contents, which are several where files disagree.
    paths: BTreeMap<StorePath, Vec<Contents>>,
    stores: Vec<(PathBuf, StoreDir)>,
    systems: Vec<(PathBuf, String)>,
    origins: Vec<Origin>,
    bundles: Vec<PathBuf>,
    in_bundles: BTreeMap<StorePath, (usize, PathInfo)>,
}

impl Known {
    /// Reads all that the user names. All of them are united.
    pub(in crate::create) fn gather(from: &[KnownFrom], report: &Report) -> Result<Self> {
        let mut known = Self::default();
        for from in from {
            match from {
                KnownFrom::Inventory(file) => known.add_inventory(file, report)?,
                KnownFrom::Bundle(file) => known.add_bundle(file, report)?,
            }
        }
        known.origins.sort_unstable();
        known.origins.dedup();
        Ok(known)
    }

    fn add_inventory(&mut self, file: &Path, report: &Report) -> Result<()> {
        let Inventory {
            store,
            system,
            bundles,
            paths,
            ..
        } = inventory::read(file, report)?;
        self.stores.push((file.to_owned(), store));
        self.systems.push((file.to_owned(), system));
        self.origins.extend(bundles);
        for held in paths {
            self.add_path(held.path, held.nar_hash, held.nar_size);
        }
        Ok(())
    }

    fn add_bundle(&mut self, file: &Path, report: &Report) -> Result<()> {
        let bundle = match Listed::find(file, &[])? {
            // Its contents are read later.
            Listed::Bundle(_) if file == Path::new("-") => {
                return Err(Error::NotFromStdin("make an update from"));
            }
            Listed::Bundle(bundle) => bundle,
            Listed::Manifest(manifest, digest) => {
                self.add_manifest(file, &manifest, digest);
                return Ok(());
            }
            Listed::Inventory => return self.add_inventory(file, report),
        };
        let manifest = bundle.reader.manifest();
        self.add_manifest(file, manifest, bundle.reader.manifest_digest());
        let number = self.bundles.len();
        let paths = manifest.closure.paths.iter().enumerate();
        let carried = paths.filter(|(_, path)| !path.presumed);
        let infos = carried.map(|(index, path)| {
            let info = manifest.closure.path_info(index);
            (path.path.clone(), (number, info))
        });
        self.in_bundles.extend(infos);
        self.bundles.push(file.to_owned());
        Ok(())
    }

    fn add_manifest(&mut self, file: &Path, manifest: &Manifest, digest: Digest) {
        let store = manifest.closure.store.clone();
        self.stores.push((file.to_owned(), store));
        self.origins.push(Origin {
            name: manifest.name.clone(),
            digest,
        });
        for path in &manifest.closure.paths {
            self.add_path(path.path.clone(), path.nar_hash, path.nar_size);
        }
    }

    /// Adds a path of the file that was added last.
    fn add_path(&mut self, path: StorePath, nar_hash: Digest, nar_size: u64) {
        let from = self.stores.len().saturating_sub(1);
        let known = self.paths.entry(path).or_default();
        if !known.iter().any(|known| known.nar_hash == nar_hash) {
            known.push(Contents {
                nar_hash,
                nar_size,
                from,
            });
        }
    }

    /// Whether nothing was named.
    pub(super) fn is_nothing(&self) -> bool {
        self.stores.is_empty()
    }

    /// Fails if the target is another kind of machine than the shells are for.
    pub(super) fn ensure_fits(&self, manifest: &Manifest, nix: &Nix) -> Result<()> {
        if let Some((file, store)) = self.stores.iter().find(|(_, store)| *store != nix.store) {
            return Err(BadBase::Store {
                file: file.clone(),
                there: store.to_string(),
                here: nix.store.to_string(),
            }
            .into());
        }
        let runs = |system: &str| {
            let mut shells = manifest.shells.iter();
            shells.any(|shell| crate::nix::runs(system, &shell.system))
        };
        match self.systems.iter().find(|(_, system)| !runs(system)) {
            None => Ok(()),
            Some((file, system)) => Err(BadBase::System {
                file: file.clone(),
                there: system.clone(),
                shell: manifest.shells[0].system.clone(),
            }
            .into()),
        }
    }

    /// Fails if the target has a path of the closure with other contents: it would refuse the bundle.
    pub(super) fn ensure_same_contents(&self, closure: &Closure) -> Result<()> {
        let mut paths = closure.paths.iter();
        let found = paths.find_map(|path| Some((path, self.differing(path)?)));
        let Some((path, known)) = found else {
            return Ok(());
        };
        Err(BadBase::OtherContents {
            file: self.stores[known.from].0.clone(),
            path: closure.store.print(&path.path),
            there: known.nar_hash,
            here: path.nar_hash,
        }
        .into())
    }

    fn differing(&self, path: &ClosurePath) -> Option<&Contents> {
        let known = self.paths.get(&path.path)?;
        known.iter().find(|known| known.nar_hash != path.nar_hash)
    }

    /// Whether the target has a path with these contents.
    pub(super) fn has(&self, path: &StorePath, nar_hash: Digest) -> bool {
        self.paths
            .get(path)
            .is_some_and(|known| matches!(known.as_slice(), [known] if known.nar_hash == nar_hash))
    }

    /// All paths of the target, with the sizes of their NARs.
    pub(super) fn paths(&self) -> impl Iterator<Item = (&StorePath, u64)> {
        let known = self.paths.iter();
        known.filter_map(|(path, known)| Some((path, known.first()?.nar_size)))
    }

    /// The bundle that has a path, by its number, and what it says of the path.
    pub(super) fn in_bundle(&self, path: &StorePath) -> Option<(usize, PathInfo)> {
        let (number, info) = self.in_bundles.get(path)?;
        self.has(path, info.nar_hash)
            .then(|| (*number, info.clone()))
    }

    /// The bundles that were named as files.
    pub(super) fn bundles(&self) -> impl Iterator<Item = &Path> {
        self.bundles.iter().map(PathBuf::as_path)
    }

    /// The bundles that bring all this.
    pub(super) fn into_origins(self) -> Vec<Origin> {
        self.origins
    }
}
