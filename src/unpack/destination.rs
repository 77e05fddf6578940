//! The two things that a user of this module brings along: a destination for NARs, and a policy for
//! faults.

use crate::error::Result;
use shellpack_format::bundle::BadBundle;
use shellpack_format::bundle::reader::ReadError;

/// A destination for NARs.
pub(crate) trait Destination: Sync {
    /// Receives one NAR.
    type Sink<'a>: NarSink
    where
        Self: 'a;

    /// Whether whole NARs may come in another order, each as soon as it is ready, on any free
    /// thread. If all are ready at once, it is better to take them in order while their segment is
    /// being decoded, out of the processor's cache.
    const ANY_ORDER: bool = false;

    /// Whether a path is needed. The number behind the last path means the stream's end mark. A
    /// segment without anything that is needed is not decoded.
    fn wants(&self, index: usize) -> bool;

    /// Whether a NAR can begin now. If not, it can once NARs before it in the stream are finished.
    fn is_ready(&self, _index: usize) -> bool {
        true
    }

    /// Begins a NAR that is ready.
    fn begin(&self, index: usize) -> Result<Self::Sink<'_>>;

    /// A fault in the bundle. An error stops; after `Ok`, the search for further faults goes on.
    fn fault(&self, fault: BadBundle) -> Result<()>;

    /// A failure to read, after which nothing more can be read.
    fn unreadable(&self, error: ReadError) -> Result<()>;
}

/// Receives one NAR. If it is dropped without `finish`, it must leave nothing behind.
pub(crate) trait NarSink: Send + Sized {
    /// Writes some bytes of the NAR while others come after them.
    type Part: NarPart;
    /// Whether parts have anything to do.
    const HAS_PARTS: bool;

    /// Takes the next bytes, which have not been checked yet.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;

    /// Notes the next bytes, quickly, so that another thread can go on behind them.
    fn split(&mut self, bytes: &[u8]) -> Result<Self::Part>;

    /// The NAR is complete, and is the one that the manifest names.
    fn finish(self) -> Result<()>;
}

/// Takes the bytes that the sink has noted, once more.
pub(crate) trait NarPart: Send {
    /// Takes the next of them.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;

    /// There are no more.
    fn finish(self) -> Result<()>;
}

/// With everything done in the order of the NAR, nothing is left to do.
impl NarPart for () {
    fn write(&mut self, _bytes: &[u8]) -> Result<()> {
        Ok(())
    }

    fn finish(self) -> Result<()> {
        Ok(())
    }
}
