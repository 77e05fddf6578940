//! The store paths that evaluation reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::nix::Nix;
use crate::nix::evaluate::Recorded;
use shellpack_format::store::store_path::StorePath;

/// Derivations whose outputs evaluation reads, with the names of those outputs. If there are none,
/// evaluation reads the path itself.
pub(in crate::create) type Reads = BTreeMap<StorePath, BTreeSet<String>>;

/// Outputs that import from derivation built, other store paths that evaluation names, and those that
/// some files are links to.
pub(super) fn while_evaluating<'a>(
    events: &[Recorded],
    files: impl Iterator<Item = &'a PathBuf>,
    nix: &Nix,
) -> Reads {
    let mut read = Reads::new();
    for event in events {
        if let Recorded::Realise { path, outputs } = event
            && let Some((path, _)) = nix.store.containing(path)
            // Evaluation itself writes derivations.
            && !(path.is_derivation() && outputs.is_empty())
        {
            read.entry(path)
                .or_default()
                .extend(outputs.iter().cloned());
        }
    }
    for path in files.filter_map(|file| link_into_store(file, nix)) {
        read.entry(path).or_default();
    }
    read
}

/// The store path that a file is a link to.
fn link_into_store(file: &Path, nix: &Nix) -> Option<StorePath> {
    let real = fs::canonicalize(file).ok().filter(|_| file.is_symlink())?;
    Some(nix.store.containing(real.to_str()?)?.0)
}
