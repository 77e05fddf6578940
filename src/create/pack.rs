//! Reads segments from the store and compresses them, several at a time, in bounded memory: each
//! thread holds one raw segment and its compressed form.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::thread::Builder;

use super::Options;
use crate::bases::Bases;
use crate::error::Result;
use crate::limits;
use crate::relay::{self, Relay};
use crate::report::{Event, Report, count, fewer_threads};
use crate::text::shown;
use shellpack_format::bundle::manifest::Manifest;
use shellpack_format::bundle::segment::Compressor;

mod ahead;
mod compare;
mod outlet;
mod packer;
mod reuse;
mod trees;
mod worker;

use outlet::Outlet;
use packer::Packer;
use reuse::Reuse;
pub(super) use reuse::ensure_reusable;
use trees::Trees;
use worker::{Segments, Worker};

/// Compression settings.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Earlier bundles, whose segments may be taken over.
    pub(super) reuse: Vec<PathBuf>,
    /// How many of them the user named. They come first.
    named: usize,
    pub(super) level: i32,
    pub(super) threads: usize,
}

impl Settings {
    /// The settings that the user asked for. `replaced` is the bundle that there was before.
    pub(super) fn of(options: &Options, replaced: Option<&Path>) -> Self {
        let replaced = replaced.map(Path::to_owned);
        Self {
            reuse: options.reuse.iter().cloned().chain(replaced).collect(),
            named: options.reuse.len(),
            level: options.level,
            threads: options.threads,
        }
    }
}

/// Which segments were taken over from an earlier bundle: they were decoded, and are right.
pub(super) type Taken = Vec<bool>;

/// Compresses every segment of the plan, or takes it over, and passes each, in order, to `deliver`.
pub(super) fn segments(
    manifest: &Manifest,
    bases: Option<&Bases<'_>>,
    settings: &Settings,
    report: &Report,
    deliver: &mut (dyn FnMut(usize, &[u8]) -> Result<()> + Send),
) -> Result<Taken> {
    let layout = manifest.layout();
    let trees = Trees::of(&manifest.closure);
    let packer = Packer::new(manifest, bases, (&layout, &trees), report);
    let largest = manifest.largest_window();
    let largest_raw = manifest.closure.segments.iter().max();
    let largest_raw = largest_raw.copied().unwrap_or_default();
    let reuse = Reuse::find(settings, manifest, report)?;
    let from = reuse.as_ref().map(|reuse| reuse.file.clone());
    let is_planned = |segment| reuse.as_ref().is_some_and(|reuse| reuse.has(segment));
    let planned: Vec<_> = (0..layout.segments()).map(is_planned).collect();
    let taken: Vec<_> = planned.iter().map(|_| AtomicBool::new(false)).collect();
    let source = Mutex::new(Segments::new(layout.segments(), reuse));
    let begun = Relay::new();
    let outlet = Outlet::new(deliver);
    let worker = Worker {
        packer: &packer,
        outlet: &outlet,
        source: &source,
        begun: &begun,
        taken: &taken,
        level: settings.level,
        largest: largest_raw,
    };
    let abandon = || {
        outlet.abandon();
        begun.abandon();
        packer.abandon();
    };
    let asked = settings.threads.min(layout.segments()).max(1);
    let threads = threads_that_fit(asked, Compressor::memory(settings.level, largest), report);
    let is_read = |segment: usize| !planned[segment];
    std::thread::scope(|scope| {
        // It only saves time.
        let read_ahead = || ahead::read_ahead(&layout, &trees, &begun, &is_read, settings.threads);
        let _ = Builder::new().spawn_scoped(scope, read_ahead);
        let outcome = relay::run(threads, || worker.work(), abandon);
        begun.abandon();
        outcome
    })?;
    let taken: Taken = taken.into_iter().map(AtomicBool::into_inner).collect();
    if settings.named > 0 {
        report.emit(Event::Note(&told(&taken, from.as_deref())));
    }
    Ok(taken)
}

/// How many segments were taken over.
fn told(taken: &Taken, from: Option<&Path>) -> String {
    let number = taken.iter().filter(|taken| **taken).count();
    let all = count(taken.len(), "segment");
    match from {
        Some(file) => format!("took over {number} of {all} from {}", shown(file)),
        None => format!("took over none of {all}"),
    }
}

/// As many threads as were asked for, or as there is memory for.
fn threads_that_fit(asked: usize, memory: u64, report: &Report) -> usize {
    let threads = limits::jobs(asked, memory);
    if threads < asked {
        report.emit(Event::Note(&fewer_threads(threads, asked, memory)));
    }
    threads
}
