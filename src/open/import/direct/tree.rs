//! Unpacks one path into the store, in one thread, or in several if the path spans several
//! segments.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Direct, PathLock, removal};
use crate::error::Result;
use crate::tree;
use crate::tree::restore::{self, Restore};
use crate::unpack::{NarPart, NarSink};

/// A tree that is being unpacked. It becomes a valid path only after its NAR has matched the
/// manifest.
#[derive(Debug)]
pub(in super::super) struct Tree<'a> {
    direct: &'a Direct<'a>,
    index: usize,
    /// `None` if the path became valid meanwhile.
    unpacking: Option<(Restore, Arc<Unpacking<'a>>)>,
}

/// The state shared by the threads that unpack one tree. When it is dropped, it removes the tree,
/// unless the lock was taken out.
#[derive(Debug)]
struct Unpacking<'a> {
    direct: &'a Direct<'a>,
    index: usize,
    place: PathBuf,
    lock: Option<PathLock>,
    /// Whether the NAR matched the manifest.
    is_verified: AtomicBool,
}

/// The part of a tree that one thread unpacks.
#[derive(Debug)]
pub(in super::super) struct TreePart<'a>(Option<(restore::RestorePart, Arc<Unpacking<'a>>)>);

impl<'a> Tree<'a> {
    /// A tree to unpack at `place`, where nothing exists.
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
            is_verified: AtomicBool::new(false),
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
                self.direct.wrote(bytes.len())?;
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
        unpacking.is_verified.store(true, Ordering::Release);
        Unpacking::finish(unpacking);
        Ok(())
    }
}

impl NarPart for TreePart<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.0 {
            Some((part, unpacking)) => {
                unpacking.direct.wrote(bytes.len())?;
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
        Unpacking::finish(unpacking);
        Ok(())
    }
}

impl Unpacking<'_> {
    /// Called by each thread that has finished its part. The last one completes the tree, or
    /// removes it if its NAR did not match.
    fn finish(unpacking: Arc<Self>) {
        if let Some(mut last) = Arc::into_inner(unpacking)
            && last.is_verified.load(Ordering::Acquire)
        {
            last.complete();
        }
    }

    fn complete(&mut self) {
        if let Some(lock) = self.lock.take() {
            self.direct.complete(self.index, lock);
        }
    }
}

impl Drop for Unpacking<'_> {
    fn drop(&mut self) {
        let Some(lock) = self.lock.take() else {
            return;
        };
        if self.direct.report.ensure_not_interrupted().is_err() {
            removal::remove(&self.place, lock);
        } else {
            let _ = tree::delete_tree(&self.place);
        }
    }
}
