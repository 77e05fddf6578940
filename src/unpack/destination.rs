//! What a user of this module brings along: where NARs go, and what a fault means there.

use crate::error::Result;
use shellpack_format::bundle::BadBundle;
use shellpack_format::bundle::reader::ReadError;

/// Where NARs go.
pub(crate) trait Destination: Sync {
    /// What takes one NAR.
    type Sink<'a>: NarSink
    where
        Self: 'a;

    /// Whether whole NARs may be taken in another order, each as soon as it is ready, by
    /// whichever thread is free. Where all are ready at once it is better to take them while
    /// their segment is being decoded: in order, out of the processor's cache.
    const ANY_ORDER: bool = false;

    /// Whether a path is needed at all; the number behind the last path means the stream's
    /// end mark. A segment with nothing that is needed is not decoded.
    fn wants(&self, index: usize) -> bool;

    /// Whether a NAR can begin now. If not, it can when NARs before it in the stream are finished.
    fn is_ready(&self, _index: usize) -> bool {
        true
    }

    /// Begins a NAR that is ready.
    fn begin(&self, index: usize) -> Result<Self::Sink<'_>>;

    /// A fault in the bundle: an error stops, `Ok` goes on to find more.
    fn fault(&self, fault: BadBundle) -> Result<()>;

    /// A failure to read, which ends everything.
    fn unreadable(&self, error: ReadError) -> Result<()>;
}

/// Takes one NAR. Dropped without `finish`, it must leave nothing behind.
pub(crate) trait NarSink: Send + Sized {
    /// What brings some bytes of the NAR to their place while others come after them.
    type Part: NarPart;
    /// Whether parts have anything to do.
    const HAS_PARTS: bool;

    /// Takes the next bytes, which have not been compared with anything yet.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;

    /// Takes note of the next bytes, quickly, so that another thread can go on behind them.
    fn split(&mut self, bytes: &[u8]) -> Result<Self::Part>;

    /// The NAR was complete and is the one that the manifest names.
    fn finish(self) -> Result<()>;
}

/// Takes the bytes that the sink has taken note of, again.
pub(crate) trait NarPart: Send {
    /// Takes the next of them.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;

    /// They were all.
    fn finish(self) -> Result<()>;
}

/// Where everything happens in the order of the NAR, nothing is left to do.
impl NarPart for () {
    fn write(&mut self, _bytes: &[u8]) -> Result<()> {
        Ok(())
    }

    fn finish(self) -> Result<()> {
        Ok(())
    }
}
