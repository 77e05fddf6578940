//! The prefixes that segments of an update were compressed with.

use crate::error::Result;

/// The prefixes of segments.
pub(crate) trait Prefixes: Sync {
    /// The prefix of a segment that has one. `None` if it cannot be had: then nothing but the damage of
    /// the segment can be found.
    fn of(&self, segment: usize) -> Result<Option<Vec<u8>>>;

    /// Whether a segment is known to be right if its bytes have arrived, so that it need not be decoded.
    fn is_right(&self, _segment: usize) -> bool {
        false
    }
}

/// For a bundle whose bases are not known.
pub(crate) struct Unknown;

impl Prefixes for Unknown {
    fn of(&self, _segment: usize) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }
}
