//! A side of a comparison: store paths by name, and where they are listed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::Result;
use crate::inventory;
use crate::manifests::Listed;
use crate::report::Report;
use shellpack_format::bundle::manifest::{Manifest, Pin, Shell};
use shellpack_format::store::hash::Digest;
use shellpack_format::store::store_path::{StoreDir, StorePath};

/// A path, as far as the side tells of it.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) nar_hash: Digest,
    pub(super) nar_size: u64,
}

/// The paths on a side.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) summary: Summary,
    pub(super) paths: BTreeMap<StorePath, Content>,
    /// The project files of a bundle or manifest: what each is, by its path.
    pub(super) files: Option<BTreeMap<String, String>>,
    /// Its shells: what each is, by its name, or that of its file.
    pub(super) shells: Option<BTreeMap<String, String>>,
    /// Its pins.
    pub(super) pins: Option<Vec<Pin>>,
}

/// A side in a few words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Summary {
    /// As it was typed.
    pub(super) argument: String,
    kind: Kind,
    /// The bundle's name, if it is of one.
    name: Option<String>,
    /// The digest of its manifest.
    manifest_digest: Option<Digest>,
    pub(super) store: StoreDir,
    pub(super) paths: usize,
    pub(super) nar_bytes: u64,
}

/// The file that lists the paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Bundle,
    Manifest,
    Inventory,
}

impl Side {
    /// Reads what an argument names.
    pub(super) fn read(from: &Path, dirs: &[PathBuf], report: &Report) -> Result<Self> {
        Ok(match Listed::find(from, dirs)? {
            Listed::Bundle(bundle) => {
                let (manifest, digest) =
                    (bundle.reader.manifest(), bundle.reader.manifest_digest());
                Self::of_manifest(from, Kind::Bundle, manifest.clone(), digest)
            }
            Listed::Manifest(manifest, digest) => {
                Self::of_manifest(from, Kind::Manifest, *manifest, digest)
            }
            Listed::Inventory => {
                let inventory = inventory::read(from, report)?;
                let paths = inventory.paths.into_iter().map(|held| {
                    let (nar_hash, nar_size) = (held.nar_hash, held.nar_size);
                    (held.path, Content { nar_hash, nar_size })
                });
                let paths: BTreeMap<_, _> = paths.collect();
                let summary = Summary::of(from, Kind::Inventory, inventory.store, &paths);
                Self {
                    summary,
                    paths,
                    files: None,
                    shells: None,
                    pins: None,
                }
            }
        })
    }

    fn of_manifest(from: &Path, kind: Kind, manifest: Manifest, digest: Digest) -> Self {
        let files = manifest.project.files.iter();
        let files = files.map(|file| (file.path.to_string(), format!("{:?}", file.kind)));
        let files = files.collect();
        // Its derivation is among the store paths that differ.
        let shells = manifest.shells.iter();
        let shells = shells.map(|shell| (name_of(shell), String::new()));
        let shells = shells.collect();
        let paths = manifest.closure.paths.into_iter().map(|path| {
            let (nar_hash, nar_size) = (path.nar_hash, path.nar_size);
            (path.path, Content { nar_hash, nar_size })
        });
        let paths: BTreeMap<_, _> = paths.collect();
        let summary = Summary {
            name: Some(manifest.name.to_string()),
            manifest_digest: Some(digest),
            ..Summary::of(from, kind, manifest.closure.store, &paths)
        };
        Self {
            summary,
            paths,
            files: Some(files),
            shells: Some(shells),
            pins: Some(manifest.pins),
        }
    }

    #[cfg(test)]
    pub(super) fn of_paths(name: &str, paths: BTreeMap<StorePath, Content>) -> Self {
        let store = StoreDir::parse("/nix/store").unwrap();
        let summary = Summary::of(Path::new(name), Kind::Inventory, store, &paths);
        Self {
            summary,
            paths,
            files: None,
            shells: None,
            pins: None,
        }
    }
}

fn name_of(shell: &Shell) -> String {
    match &shell.name {
        Some(name) => name.to_string(),
        None => shell.file.to_string(),
    }
}

impl Summary {
    fn of(from: &Path, kind: Kind, store: StoreDir, paths: &BTreeMap<StorePath, Content>) -> Self {
        let sizes = paths.values().map(|content| content.nar_size);
        Self {
            argument: from.to_string_lossy().into_owned(),
            kind,
            name: None,
            manifest_digest: None,
            store,
            paths: paths.len(),
            nar_bytes: sizes.fold(0, u64::saturating_add),
        }
    }
}
