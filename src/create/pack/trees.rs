//! The trees of the closure's paths. Each is walked once.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::error::Result;
use crate::tree::dump::Dump;
use shellpack_format::bundle::manifest::Closure;

/// For each path, the layout of its NAR: computed when it is first needed, and kept as long as any
/// thread uses it.
pub(super) struct Trees {
    trees: Vec<(PathBuf, Mutex<Weak<Dump>>)>,
}

impl Trees {
    /// The trees of a closure. This walks none of them yet.
    pub(super) fn of(closure: &Closure) -> Self {
        let paths = closure.paths.iter();
        let trees = paths
            .map(|path| (closure.store.join(&path.path), Mutex::new(Weak::new())))
            .collect();
        Self { trees }
    }

    /// The location of a path.
    pub(super) fn place(&self, index: usize) -> &Path {
        &self.trees[index].0
    }

    /// The layout of a path's NAR.
    pub(super) fn dump(&self, index: usize) -> Result<Arc<Dump>> {
        let (place, slot) = &self.trees[index];
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dump) = slot.upgrade() {
            return Ok(dump);
        }
        let dump = Arc::new(Dump::of(place)?);
        *slot = Arc::downgrade(&dump);
        Ok(dump)
    }

    /// The number of trees.
    pub(super) fn len(&self) -> usize {
        self.trees.len()
    }
}
