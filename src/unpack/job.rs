//! Work on a part of a decoded segment, which any thread can do.

use std::ops::Range;
use std::sync::Arc;

use super::destination::{Destination, NarSink};
use shellpack_format::bundle::layout::Slice;

/// The size of pieces of a NAR: a large NAR makes enough of them for many threads, and one full of
/// small files takes a few hundredths of a second.
pub(super) const PIECE: usize = 4 << 20;

/// Writes a piece of a NAR.
pub(super) type PartOf<'a, D> = <<D as Destination>::Sink<'a> as NarSink>::Part;

/// A job and the bytes that it is made of.
pub(super) struct Job<'a, D: Destination + 'a> {
    pub(super) kind: JobKind<'a, D>,
    /// The segment that the bytes are in.
    pub(super) raw: Arc<Vec<u8>>,
    pub(super) bytes: Range<usize>,
}

pub(super) enum JobKind<'a, D: Destination + 'a> {
    /// A piece of a NAR that is hashed already, and still to be written.
    Piece(PartOf<'a, D>),
    /// A whole framed NAR, still unchecked.
    Whole { segment: usize, slice: Slice },
}
