//! Unpacks the closure's segments. Every NAR is compared with the manifest, by hash and size, in
//! the same pass in which it goes to its destination. `open` and `verify` differ in the
//! destination, and in the meaning of a fault.

use std::io::{self, Read as _};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result, Unfit};
use crate::limits;
use crate::media::Unreadable;
use crate::relay::{self, Relay};
use crate::report::{Event, Report, fewer_threads, human};
use shellpack_format::bundle::BadBundle;
use shellpack_format::bundle::manifest::Manifest;
use shellpack_format::bundle::reader::{Input, ReadError, Reader, Segment};
use shellpack_format::bundle::segment::{BadSegment, Decoder, Decoding};

mod crew;
mod destination;
mod job;
mod prefixes;
mod taker;
mod unpacker;
mod worker;

pub(crate) use destination::{Destination, NarPart, NarSink};
pub(crate) use prefixes::{Prefixes, Unknown};

use crew::Crew;
use taker::Taker;
use unpacker::Unpacker;

/// How many compressed bytes are read at a time. What they decode to is still in the processor's
/// cache when it is hashed and written.
const CHUNK: usize = 128 << 10;

/// The memory that a thread needs besides its segment, with what the rest of the program may still
/// take meanwhile: few things can be told that there is none.
const REST: u64 = 16 << 20;

/// Reads all segments on several threads, each of which holds one raw segment and its prefix.
pub(crate) fn segments<I: Input + Send, D: Destination>(
    reader: Reader<I>,
    destination: &D,
    prefixes: &dyn Prefixes,
    threads: usize,
    report: &Report,
) -> Result<()> {
    let manifest = reader.manifest().clone();
    let layout = reader.manifest().layout();
    let source = Mutex::new(Segments {
        reader,
        next: 0,
        over: false,
    });
    let unpacker = Unpacker {
        manifest: &manifest,
        closure: &manifest.closure,
        layout: &layout,
        destination,
        prefixes,
        report,
        open: Relay::new(),
        crew: Crew::new(),
        trailer: Mutex::default(),
    };
    let abandon = || {
        source.lock().unwrap_or_else(PoisonError::into_inner).over = true;
        unpacker.open.abandon();
        unpacker.crew.abandon();
    };
    let threads = jobs(threads, &manifest, report)?;
    relay::run(threads, || unpacker.work(&source), abandon)
}

/// As many threads as there is memory for, if not as many as asked.
fn jobs(asked: usize, manifest: &Manifest, report: &Report) -> Result<usize> {
    ensure_memory(manifest)?;
    let asked = asked.clamp(1, manifest.closure.segments.len().max(1));
    let jobs = limits::jobs(asked, memory(manifest));
    if jobs < asked {
        let note = fewer_threads(jobs, asked, memory(manifest));
        report.emit(Event::Note(&note));
    }
    Ok(jobs)
}

/// The memory that one thread needs: its segment with its prefix, and a little more.
fn memory(manifest: &Manifest) -> u64 {
    manifest.largest_window() + REST
}

/// Fails if this process may not take the memory that a segment needs, before anything is begun.
pub(crate) fn ensure_memory(manifest: &Manifest) -> Result<(), Unfit> {
    let needed = memory(manifest);
    match limits::promised() {
        Some(left) if left < needed => Err(Unfit::TooLittleMemory {
            needed: human(needed),
            left: human(left),
        }),
        _ => Ok(()),
    }
}

struct Segments<I> {
    reader: Reader<I>,
    next: usize,
    over: bool,
}

impl<D: Destination> Unpacker<'_, D> {
    fn work<I: Input>(&self, source: &Mutex<Segments<I>>) -> Result<()> {
        self.crew.enter();
        let mut decoder = Decoder::default();
        let mut chunk = vec![0; CHUNK];
        while let Some((segment, content)) = self.next_segment(source)? {
            self.segment(segment, content, &mut decoder, &mut chunk)?;
        }
        self.crew.leave(self)
    }

    /// Hands out segments in order, to any thread that wants the next one.
    fn next_segment<I: Input>(
        &self,
        source: &Mutex<Segments<I>>,
    ) -> Result<Option<(usize, Segment)>> {
        let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            self.report.ensure_not_interrupted()?;
            if source.over {
                return Ok(None);
            }
            let segment = source.next;
            source.next += 1;
            let mut slices = (segment < self.layout.segments())
                .then(|| self.layout.slices(segment))
                .into_iter()
                .flatten();
            let outcome = if segment == self.layout.segments() {
                source.over = true;
                source.reader.finish().map(|()| None)
            } else if slices.any(|slice| self.destination.wants(slice.index)) {
                source.reader.segment(segment).map(Some)
            } else {
                source.reader.skip_segment(segment).map(|()| None)
            };
            match outcome {
                Ok(Some(content)) => return Ok(Some((segment, content))),
                Ok(None) => {}
                Err(error) => {
                    // Segments under way wait only for each other, so they can go on to their end.
                    source.over = true;
                    self.destination.unreadable(error)?;
                }
            }
        }
    }

    /// Decodes a segment and takes its NARs apart. Nothing of a NAR is final before its hash was
    /// found right. A fault in a NAR is reported only once the segment itself is known to be
    /// undamaged, since damage of the segment is the better explanation.
    fn segment(
        &self,
        segment: usize,
        mut content: Segment,
        decoder: &mut Decoder,
        chunk: &mut [u8],
    ) -> Result<()> {
        let size = self.layout.segment_size(segment);
        let name = self.manifest.segment_name(segment);
        let prefix = self.prefix(segment)?;
        let begun = match prefix.as_deref() {
            None | Some([]) => decoder.begin(size, content.size),
            Some(prefix) => decoder.begin_with_prefix(prefix, size, content.size),
        };
        let mut decoding = begun.map_err(Error::io("decode", name.as_str()))?;
        let mut taker = Taker::new(self, segment);
        let mut fed = Ok(());
        let mut outcome = Ok(());
        loop {
            self.report.ensure_not_interrupted()?;
            let n = match read_some(&mut content, chunk) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) => {
                    taker.give_up();
                    return self.unread(name, error);
                }
            };
            if prefix.is_none() || fed.is_err() || outcome.is_err() {
                decoding.pass_over(&chunk[..n]);
                continue;
            }
            fed = decoding.feed(&chunk[..n]);
            outcome = taker.advance(decoding.raw());
        }
        let is_partial = prefix.is_none() || outcome.is_err();
        if let Err(bad) = verdict(&decoding, fed, is_partial) {
            if bad.is_lack_of_memory() {
                let error = io::Error::from(io::ErrorKind::OutOfMemory);
                return Err(Error::io("decode", name)(error));
            }
            taker.give_up();
            return self.destination.fault(BadBundle::Segment {
                member: name,
                reason: bad.to_string(),
            });
        }
        outcome?;
        if prefix.is_none() {
            taker.give_up();
            return Ok(());
        }
        let raw = Arc::new(decoding.into_raw());
        taker.finish(&raw)?;
        decoder.recycle(self.crew.help_until_free(self, raw)?);
        Ok(())
    }

    /// The prefix that a segment was compressed with; `None` if it is not decoded.
    fn prefix(&self, segment: usize) -> Result<Option<Vec<u8>>> {
        if self.prefixes.is_right(segment) {
            return Ok(None);
        }
        if self.manifest.pieces(segment).is_empty() {
            return Ok(Some(Vec::new()));
        }
        self.prefixes.of(segment)
    }

    /// If a medium fails in one place, the rest of it may still be readable.
    fn unread(&self, member: String, error: io::Error) -> Result<()> {
        if !Unreadable::is_in(&error) {
            return self.destination.unreadable(error.into());
        }
        let reason = error.to_string();
        self.destination
            .fault(BadBundle::Unreadable { member, reason })
    }
}

/// Whether the segment is the one that was written. Damaged bytes are the better explanation of
/// whatever follows from them.
fn verdict(
    decoding: &Decoding<'_>,
    fed: Result<(), BadSegment>,
    stopped: bool,
) -> Result<(), BadSegment> {
    decoding.ensure_undamaged()?;
    fed?;
    if stopped { Ok(()) } else { decoding.finish() }
}

fn read_some(content: &mut Segment, chunk: &mut [u8]) -> io::Result<usize> {
    loop {
        match content.content.read(chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// The error for a bundle that could not be read, for destinations that stop at the first fault.
pub(crate) fn stop(file: &std::path::Path, error: impl Into<ReadError>) -> Error {
    Error::read_bundle(file, error.into())
}
