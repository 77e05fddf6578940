//! Reads segments from the store and compresses them, several at a time, in bounded memory:
//! each thread holds one raw segment and what it compresses to.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::plan::Plan;
use crate::bundle::segment::Compressor;
use crate::error::Result;
use crate::relay::{self, Relay};
use crate::report::Report;

mod ahead;
mod packer;
mod trees;

use packer::Packer;
use trees::Trees;

/// How to compress.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) level: i32,
    pub(super) jobs: usize,
}

/// Compresses every segment of the plan and gives each, in order, to `deliver`.
pub(super) fn segments(
    plan: &Plan,
    settings: &Settings,
    report: &Report,
    deliver: &mut (dyn FnMut(usize, &[u8]) -> Result<()> + Send),
) -> Result<()> {
    let layout = plan.manifest.layout();
    let trees = Trees::of(&plan.manifest.closure);
    let packer = Packer::new(plan, &layout, &trees, report);
    let largest = plan.manifest.closure.segments.iter().max();
    let largest = largest.copied().unwrap_or_default();
    let next = AtomicUsize::new(0);
    let begun = Relay::new();
    let turns = Relay::new();
    turns.pass(0, deliver);
    let work = || -> Result<()> {
        let mut compressor = Compressor::new(settings.level, largest).map_err(packer.failed())?;
        loop {
            let segment = next.fetch_add(1, Ordering::Relaxed);
            if segment >= layout.segments() {
                return Ok(());
            }
            begun.pass(segment, ());
            let member = packer.segment(segment, &mut compressor)?;
            let Some(deliver) = turns.take(segment) else {
                return Ok(());
            };
            deliver(segment, member)?;
            turns.pass(segment + 1, deliver);
        }
    };
    let abandon = || {
        turns.abandon();
        begun.abandon();
        packer.abandon();
    };
    std::thread::scope(|scope| {
        scope.spawn(|| ahead::read_ahead(&layout, &trees, &begun, settings.jobs));
        let outcome = relay::run(settings.jobs, work, abandon);
        begun.abandon();
        outcome
    })
}
