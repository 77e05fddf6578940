//! What any thread can do with a part of a decoded segment.

use std::ops::Range;
use std::sync::Arc;

use super::destination::{Destination, NarSink};
use shellpack_format::bundle::layout::Slice;

/// How large pieces of a NAR are: a large NAR makes enough of them for many threads, and of
/// small files one takes a few hundredths of a second.
pub(super) const PIECE: usize = 4 << 20;

/// What brings a piece of a NAR to its place.
pub(super) type PartOf<'a, D> = <<D as Destination>::Sink<'a> as NarSink>::Part;

/// A job and the bytes that it is made of.
pub(super) struct Job<'a, D: Destination + 'a> {
    pub(super) task: Work<'a, D>,
    /// The segment that the bytes are in.
    pub(super) raw: Arc<Vec<u8>>,
    pub(super) bytes: Range<usize>,
}

pub(super) enum Work<'a, D: Destination + 'a> {
    /// A piece of a NAR, hashed already, which is still to be brought to its place.
    Piece(PartOf<'a, D>),
    /// A whole framed NAR, of which nothing is known yet.
    Whole { segment: usize, slice: Slice },
}
