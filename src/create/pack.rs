//! Fills segments from the store and compresses them, several at a time, in bounded memory:
//! each thread holds one raw segment and what it compressed to.

use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use sha2::{Digest as _, Sha256};

use super::plan::Plan;
use crate::bundle::layout::{Layout, Parts};
use crate::bundle::segment::Compressor;
use crate::error::{Error, Result};
use crate::nix::export;
use crate::nix::hash::Digest;
use crate::nix::nar::dump::Dump;
use crate::relay::Relay;
use crate::report::{Event, Report};

/// Compresses every segment of the plan and gives each, in order, to `deliver`.
pub(super) fn segments(
    plan: &Plan,
    settings: &Settings,
    report: &Report,
    deliver: &mut (dyn FnMut(usize, &[u8]) -> Result<()> + Send),
) -> Result<()> {
    let layout = plan.manifest.layout();
    let dumps = plan
        .manifest
        .closure
        .paths
        .iter()
        .map(|_| Mutex::new(Weak::new()))
        .collect();
    let packer = Packer {
        plan,
        layout: &layout,
        report,
        dumps,
        hashers: Relay::new(),
    };
    let next = AtomicUsize::new(0);
    let turns = Relay::new();
    turns.pass(0, deliver);
    let work = || -> Result<()> {
        let mut compressor = Compressor::new(settings.level)
            .map_err(Error::io("set up compression for", &plan.project_root))?;
        loop {
            let segment = next.fetch_add(1, Ordering::Relaxed);
            if segment >= layout.segments() {
                return Ok(());
            }
            let raw = packer.fill(segment)?;
            let compressed = compressor
                .compress(&raw)
                .map_err(Error::io("compress the closure of", &plan.project_root))?;
            drop(raw);
            let Some(deliver) = turns.take(segment) else {
                return Ok(());
            };
            deliver(segment, &compressed)?;
            turns.pass(segment + 1, deliver);
        }
    };
    crate::relay::run(settings.jobs, || {
        let outcome = work();
        if outcome.is_err() {
            turns.abandon();
            packer.hashers.abandon();
        }
        outcome
    })
}

/// How to compress.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) level: i32,
    pub(super) jobs: usize,
}

struct Packer<'a> {
    plan: &'a Plan,
    layout: &'a Layout,
    report: &'a Report,
    /// The layout of a NAR that several segments share, made once while any of them needs it.
    dumps: Vec<Mutex<Weak<Dump>>>,
    /// The hash of a NAR that goes on in the next segment.
    hashers: Relay<Sha256>,
}

impl Packer<'_> {
    fn fill(&self, segment: usize) -> Result<Vec<u8>> {
        let size = self.layout.segment_size(segment);
        let mut raw = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        let closure = &self.plan.manifest.closure;
        for slice in self.layout.slices(segment) {
            self.report.ensure_not_interrupted()?;
            let parts = self.layout.parts(&slice);
            if slice.record == closure.paths.len() {
                raw.extend_from_slice(&export::END[range(&parts.head)]);
                continue;
            }
            raw.extend_from_slice(&export::NEXT[range(&parts.head)]);
            self.nar(segment, slice.record, &parts, &mut raw)?;
            let trailer = export::trailer(&closure.path_info(slice.record), &closure.store);
            raw.extend_from_slice(&trailer[range(&parts.trailer)]);
        }
        Ok(raw)
    }

    /// Appends a part of a NAR and compares the whole with the store's database: a damaged
    /// path must not travel.
    fn nar(&self, segment: usize, record: usize, parts: &Parts, raw: &mut Vec<u8>) -> Result<()> {
        if parts.nar.is_empty() {
            return Ok(());
        }
        let path = &self.plan.manifest.closure.paths[record];
        let full = self.plan.manifest.closure.store.join(&path.path);
        let damaged = |reason: String| Error::DamagedStorePath {
            path: full.display().to_string(),
            reason,
        };
        let dump = self.dump(record)?;
        if dump.size() != path.nar_size {
            return Err(damaged(format!(
                "{} bytes instead of {}",
                dump.size(),
                path.nar_size
            )));
        }
        let start = raw.len();
        let mut reader = dump
            .reader(parts.nar.start)
            .take(parts.nar.end - parts.nar.start);
        reader.read_to_end(raw).map_err(Error::io("read", &full))?;
        self.report.emit(Event::Advanced {
            bytes: (raw.len() - start) as u64,
        });
        let mut hasher = if parts.nar.start == 0 {
            Sha256::new()
        } else {
            let Some(hasher) = self.hashers.take(segment) else {
                return Err(Error::Interrupted);
            };
            hasher
        };
        hasher.update(&raw[start..]);
        if parts.nar.end < path.nar_size {
            self.hashers.pass(segment + 1, hasher);
            return Ok(());
        }
        self.report.emit(Event::PathDone);
        let found = Digest::from(hasher);
        if found == path.nar_hash {
            Ok(())
        } else {
            Err(damaged(format!("{found} instead of {}", path.nar_hash)))
        }
    }

    fn dump(&self, record: usize) -> Result<Arc<Dump>> {
        let closure = &self.plan.manifest.closure;
        let mut slot = self.dumps[record]
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(dump) = slot.upgrade() {
            return Ok(dump);
        }
        let dump = Arc::new(Dump::of(&closure.store.join(&closure.paths[record].path))?);
        *slot = Arc::downgrade(&dump);
        Ok(dump)
    }
}

/// Ranges within a head or trailer are a few kilobytes at most.
fn range(range: &std::ops::Range<u64>) -> std::ops::Range<usize> {
    let at = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    at(range.start)..at(range.end)
}
