//! Reads the files of the next segments ahead while the current ones are compressed: with a cold
//! page cache, threads that read and compress by turns wait for the disk half of the time.

use std::collections::VecDeque;

use super::trees::Trees;
use crate::relay::Relay;
use shellpack_format::bundle::layout::Layout;

/// How many segments are read ahead of the newest one in progress. The page cache must have memory
/// for this much.
const SEGMENTS: usize = 2;

/// Walks trees and reads their files ahead, segment by segment, as the workers begin them. Errors
/// are ignored: the worker that reads the file reports them. Segments that are taken over are not read.
pub(super) fn read_ahead(
    layout: &Layout,
    trees: &Trees,
    begun: &Relay<()>,
    is_read: &(dyn Fn(usize) -> bool + Sync),
    threads: usize,
) {
    // The trees stay until their segment is in progress, so that no tree is walked twice.
    let mut walked = VecDeque::new();
    for segment in 0..layout.segments() {
        if segment >= SEGMENTS && begun.take(segment - SEGMENTS).is_none() {
            return;
        }
        let mut dumps = Vec::new();
        for slice in layout.slices(segment).filter(|_| is_read(segment)) {
            let nar = layout.parts(&slice).nar;
            if nar.is_empty() || slice.index >= trees.len() {
                continue;
            }
            let Ok(dump) = trees.dump(slice.index) else {
                continue;
            };
            dump.will_need(&nar);
            dumps.push(dump);
        }
        walked.push_back(dumps);
        if walked.len() > SEGMENTS + threads {
            walked.pop_front();
        }
    }
    // Hold the last trees until the workers have them.
    let _ = begun.take(layout.segments());
}
