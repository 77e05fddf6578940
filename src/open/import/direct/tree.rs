//! One path on its way into the store, unpacked by one thread or, where it lies in several
//! segments, by several.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Direct, PathLock};
use crate::error::Result;
use crate::tree;
use crate::tree::restore::{self, Restore};
use crate::unpack::{NarPart, NarSink};

/// A tree that is being unpacked. It becomes a valid path only after its NAR was found to be
/// the one that the manifest names.
#[derive(Debug)]
pub(in super::super) struct Tree<'a> {
    direct: &'a Direct<'a>,
    index: usize,
    /// `None` where the path became valid meanwhile.
    unpacking: Option<(Restore, Arc<Unpacking<'a>>)>,
}

/// What the threads share that unpack one tree. Without its lock taken out it removes the
/// tree when it is dropped.
#[derive(Debug)]
struct Unpacking<'a> {
    direct: &'a Direct<'a>,
    index: usize,
    place: PathBuf,
    lock: Option<PathLock>,
    /// Whether the NAR was found to be the right one.
    is_vouched: AtomicBool,
}

/// One thread's part of a tree.
#[derive(Debug)]
pub(in super::super) struct TreePart<'a>(Option<(restore::Part, Arc<Unpacking<'a>>)>);

impl<'a> Tree<'a> {
    /// A tree that will be at `place`, where nothing is.
    pub(super) fn new(
        direct: &'a Direct<'a>,
        index: usize,
        place: PathBuf,
        lock: PathLock,
    ) -> Self {
        let restore = Restore::new(place.clone());
        let unpacking = Unpacking {
            direct,
            index,
            place,
            lock: Some(lock),
            is_vouched: AtomicBool::new(false),
        };
        Self {
            direct,
            index,
            unpacking: Some((restore, Arc::new(unpacking))),
        }
    }

    /// A path that is valid already.
    pub(super) fn present(direct: &'a Direct<'a>, index: usize) -> Self {
        Self {
            direct,
            index,
            unpacking: None,
        }
    }
}

impl<'a> NarSink for Tree<'a> {
    type Part = TreePart<'a>;
    const HAS_PARTS: bool = true;

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.unpacking {
            Some((restore, _)) => {
                self.direct.wrote(bytes.len());
                restore.write(bytes)
            }
            None => Ok(()),
        }
    }

    fn split(&mut self, bytes: &[u8]) -> Result<TreePart<'a>> {
        let Some((restore, unpacking)) = &mut self.unpacking else {
            return Ok(TreePart(None));
        };
        let part = restore.split(bytes)?;
        Ok(TreePart(Some((part, Arc::clone(unpacking)))))
    }

    fn finish(self) -> Result<()> {
        let Some((restore, unpacking)) = self.unpacking else {
            self.direct.lock().valid[self.index] = true;
            return Ok(());
        };
        restore.finish()?;
        unpacking.is_vouched.store(true, Ordering::Release);
        Unpacking::finish(unpacking)
    }
}

impl NarPart for TreePart<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.0 {
            Some((part, unpacking)) => {
                unpacking.direct.wrote(bytes.len());
                part.write(bytes)
            }
            None => Ok(()),
        }
    }

    fn finish(self) -> Result<()> {
        let Some((part, unpacking)) = self.0 else {
            return Ok(());
        };
        part.finish()?;
        Unpacking::finish(unpacking)
    }
}

impl Unpacking<'_> {
    /// One of those that unpack the tree is done. The last one has a complete tree; if its
    /// NAR was not the right one, it goes.
    fn finish(unpacking: Arc<Self>) -> Result<()> {
        match Arc::into_inner(unpacking) {
            Some(mut last) if last.is_vouched.load(Ordering::Acquire) => last.complete(),
            _ => Ok(()),
        }
    }

    fn complete(&mut self) -> Result<()> {
        self.direct
            .ensure_content_address(self.index, &self.place)?;
        if let Some(lock) = self.lock.take() {
            self.direct.complete(self.index, lock);
        }
        Ok(())
    }
}

impl Drop for Unpacking<'_> {
    fn drop(&mut self) {
        if self.lock.is_some() {
            let _ = tree::delete_tree(&self.place);
        }
    }
}
