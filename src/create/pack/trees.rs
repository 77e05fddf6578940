//! The trees of the closure's paths, walked once each.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::error::Result;
use crate::tree::dump::Dump;
use shellpack_format::bundle::manifest::Closure;

/// For each path the layout of its NAR, made by whoever needs it first and kept while
/// anybody holds it.
pub(super) struct Trees {
    trees: Vec<(PathBuf, Mutex<Weak<Dump>>)>,
}

impl Trees {
    /// The trees of a closure, none of them walked yet.
    pub(super) fn of(closure: &Closure) -> Self {
        let paths = closure.paths.iter();
        let trees = paths
            .map(|path| (closure.store.join(&path.path), Mutex::new(Weak::new())))
            .collect();
        Self { trees }
    }

    /// Where a path is.
    pub(super) fn place(&self, record: usize) -> &Path {
        &self.trees[record].0
    }

    /// The layout of a path's NAR.
    pub(super) fn dump(&self, record: usize) -> Result<Arc<Dump>> {
        let (place, slot) = &self.trees[record];
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dump) = slot.upgrade() {
            return Ok(dump);
        }
        let dump = Arc::new(Dump::of(place)?);
        *slot = Arc::downgrade(&dump);
        Ok(dump)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.trees.len()
    }
}
