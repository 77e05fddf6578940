//! Reads segments from the store and compresses them, several at a time, in bounded memory: each
//! thread holds one raw segment and its compressed form.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

use super::Options;
use crate::bases::Bases;
use crate::error::Result;
use crate::limits;
use crate::relay::{self, Relay};
use crate::report::{Event, Report, fewer_threads};
use shellpack_format::bundle::manifest::Manifest;
use shellpack_format::bundle::segment::Compressor;

mod ahead;
mod outlet;
mod packer;
mod trees;

use outlet::{Finished, Offered, Outlet};
use packer::Packer;
use trees::Trees;

/// Compression settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) level: i32,
    pub(super) threads: usize,
}

impl Settings {
    /// The settings that the user asked for.
    pub(super) fn of(options: &Options) -> Self {
        Self {
            level: options.level,
            threads: options.threads,
        }
    }
}

/// Compresses every segment of the plan and passes each, in order, to `deliver`.
pub(super) fn segments(
    manifest: &Manifest,
    bases: Option<&Bases<'_>>,
    settings: &Settings,
    report: &Report,
    deliver: &mut (dyn FnMut(usize, &[u8]) -> Result<()> + Send),
) -> Result<()> {
    let layout = manifest.layout();
    let trees = Trees::of(&manifest.closure);
    let packer = Packer::new(manifest, bases, (&layout, &trees), report);
    let largest = manifest.largest_window();
    let largest_raw = manifest.closure.segments.iter().max();
    let largest_raw = largest_raw.copied().unwrap_or_default();
    let next = AtomicUsize::new(0);
    let begun = Relay::new();
    let outlet = Outlet::new(deliver);
    let work = || -> Result<()> {
        let mut compressor =
            Compressor::new(settings.level, largest_raw).map_err(packer.failed())?;
        let mut early = None;
        loop {
            let segment = next.fetch_add(1, Ordering::Relaxed);
            if segment >= layout.segments() {
                return early.map_or(Ok(()), |early| outlet.deliver(early).map(drop));
            }
            begun.pass(segment, ());
            let mut frame = packer.read_segment(segment, &mut compressor)?;
            if let Some(early) = early.take() {
                frame.recycle(outlet.deliver(early)?);
            }
            let is_stepwise = frame.is_stepwise();
            let member = packer.compress(segment, frame)?;
            let finished = Finished { segment, member };
            // Earlier segments may have to be written first. Then this thread reads its next
            // segment, unless reading would compress it, too, and need the memory of another
            // segment.
            if is_stepwise {
                compressor.recycle(outlet.deliver(finished)?);
                continue;
            }
            match outlet.offer(finished)? {
                Offered::Delivered(written) => compressor.recycle(written),
                Offered::Early(finished) => early = Some(finished),
            }
        }
    };
    let abandon = || {
        outlet.abandon();
        begun.abandon();
        packer.abandon();
    };
    let asked = settings.threads.min(layout.segments()).max(1);
    let threads = threads_that_fit(asked, Compressor::memory(settings.level, largest), report);
    std::thread::scope(|scope| {
        // It only saves time.
        let read_ahead = || ahead::read_ahead(&layout, &trees, &begun, settings.threads);
        let _ = Builder::new().spawn_scoped(scope, read_ahead);
        let outcome = relay::run(threads, work, abandon);
        begun.abandon();
        outcome
    })
}

/// As many threads as were asked for, or as there is memory for.
fn threads_that_fit(asked: usize, memory: u64, report: &Report) -> usize {
    let threads = limits::jobs(asked, memory);
    if threads < asked {
        report.emit(Event::Note(&fewer_threads(threads, asked, memory)));
    }
    threads
}
