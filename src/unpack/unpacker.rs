//! The state that the threads of an unpacking share.

use std::sync::{Arc, Mutex, PoisonError};

use super::crew::Crew;
use super::destination::Destination;
use super::job::Job;
use super::prefixes::Prefixes;
use crate::relay::Relay;
use crate::report::Report;
use shellpack_format::bundle::layout::Layout;
use shellpack_format::bundle::manifest::{Closure, Manifest};
use shellpack_format::store::export;
use shellpack_format::store::nar_check::NarCheck;

/// A NAR under way.
pub(super) struct Nar<S> {
    pub(super) check: NarCheck,
    /// `None` once the NAR has broken a rule.
    pub(super) sink: Option<S>,
}

/// The state that all threads of an unpacking share.
pub(super) struct Unpacker<'a, D: Destination> {
    pub(super) manifest: &'a Manifest,
    pub(super) closure: &'a Closure,
    pub(super) layout: &'a Layout,
    pub(super) destination: &'a D,
    pub(super) prefixes: &'a dyn Prefixes,
    pub(super) report: &'a Report,
    /// NARs that go on in the next segment; `None` if such a NAR is lost.
    pub(super) open: Relay<Option<Nar<D::Sink<'a>>>>,
    pub(super) crew: Crew<Job<'a, D>>,
    /// The framing behind the NAR of the path that was last asked for.
    pub(super) trailer: Mutex<(usize, Arc<Vec<u8>>)>,
}

impl<D: Destination> Unpacker<'_, D> {
    /// The framing that a path must have behind its NAR. It is kept for the next segment: a hostile
    /// bundle can cut it into as many segments as it has bytes.
    pub(super) fn trailer(&self, path: usize) -> Arc<Vec<u8>> {
        let mut kept = self.trailer.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 != path || kept.1.is_empty() {
            let trailer = export::trailer(&self.closure.path_info(path), &self.closure.store);
            *kept = (path, Arc::new(trailer));
        }
        Arc::clone(&kept.1)
    }
}
