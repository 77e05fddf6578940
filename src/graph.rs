//! The references in a bundle: what each store path weighs, and what brings it in. The manifest alone tells
//! all of it.

use std::path::PathBuf;

use crate::error::{BadBase, Error, Result};
use crate::manifests::Listed;
use shellpack_format::bundle::manifest::{Closure, Manifest};
use shellpack_format::store::store_path::{StoreDir, StorePath};

mod dominators;
mod roots;
mod tree;
mod weights;
mod why;

use roots::Root;
pub(crate) use tree::tree;
pub(crate) use weights::du;
pub(crate) use why::why;

/// The bundle to look at.
#[derive(Debug, Clone)]
pub struct Options {
    /// A bundle, its manifest, or the name of one that was packed here; `-` is a bundle on stdin.
    pub bundle: PathBuf,
    /// Further directories to look for volumes in.
    pub volumes: Vec<PathBuf>,
}

impl Options {
    fn manifest(&self) -> Result<Manifest> {
        match Listed::find(&self.bundle, &self.volumes)? {
            Listed::Bundle(bundle) => Ok(bundle.reader.manifest().clone()),
            Listed::Manifest(manifest, _) => Ok(*manifest),
            Listed::Inventory => Err(Error::Base(BadBase::NoReferences(self.bundle.clone()))),
        }
    }
}

/// Store paths, with those that they refer to and those that refer to them.
struct Graph<'a> {
    closure: &'a Closure,
    roots: Vec<Root>,
    /// For each path, the indices of the paths that refer to it, without itself.
    referrers: Vec<Vec<u32>>,
}

impl<'a> Graph<'a> {
    fn of(manifest: &'a Manifest) -> Self {
        let closure = &manifest.closure;
        let mut referrers = vec![Vec::new(); closure.paths.len()];
        for (index, path) in closure.paths.iter().enumerate() {
            for &other in &path.references {
                if let (true, Ok(index)) = (other as usize != index, u32::try_from(index)) {
                    referrers[other as usize].push(index);
                }
            }
        }
        Self {
            closure,
            roots: Root::all(manifest),
            referrers,
        }
    }

    fn references(&self, index: usize) -> impl Iterator<Item = usize> {
        let references = self.closure.paths[index].references.iter();
        references
            .map(|&other| other as usize)
            .filter(move |&other| other != index)
    }

    fn path(&self, index: usize) -> &StorePath {
        &self.closure.paths[index].path
    }

    fn size(&self, index: usize) -> u64 {
        self.closure.paths[index].nar_size
    }

    /// The bytes of a path and all that it refers to.
    fn closure_bytes(&self, index: usize) -> u64 {
        let mut is_seen = vec![false; self.closure.paths.len()];
        let mut open = vec![index];
        is_seen[index] = true;
        let mut bytes = 0_u64;
        while let Some(index) = open.pop() {
            bytes = bytes.saturating_add(self.size(index));
            for other in self.references(index) {
                if !is_seen[other] {
                    is_seen[other] = true;
                    open.push(other);
                }
            }
        }
        bytes
    }
}

/// Whether an argument means a path: in full, by its name with or without the version, or by its hash part.
fn is_meant(argument: &str, store: &StoreDir, path: &StorePath) -> bool {
    let typed = argument.strip_prefix(&format!("{store}/"));
    let typed = typed.unwrap_or(argument);
    let typed = typed.split('/').next().unwrap_or(typed);
    typed == path.base_name() || typed == path.name() || typed == path.hash_part()
}
