//! The state that the threads of an unpacking share.

use super::crew::Crew;
use super::destination::Destination;
use super::job::Job;
use crate::relay::Relay;
use crate::report::Report;
use shellpack_format::bundle::layout::Layout;
use shellpack_format::bundle::manifest::Closure;
use shellpack_format::store::nar_check::NarCheck;

/// A NAR under way.
pub(super) struct Nar<S> {
    pub(super) check: NarCheck,
    /// `None` once the NAR has broken a rule.
    pub(super) sink: Option<S>,
}

/// The state that all threads of an unpacking share.
pub(super) struct Unpacker<'a, D: Destination> {
    pub(super) closure: &'a Closure,
    pub(super) layout: &'a Layout,
    pub(super) destination: &'a D,
    pub(super) report: &'a Report,
    /// NARs that go on in the next segment; `None` if such a NAR is lost.
    pub(super) open: Relay<Option<Nar<D::Sink<'a>>>>,
    pub(super) crew: Crew<Job<'a, D>>,
}
