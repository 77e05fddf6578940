//! Writes a bundle to other files, and verifies it in the same pass. A copy that differs from the
//! original gets no name.

use std::io::{self, BufWriter, ErrorKind, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{BadParity, Error, Result};
use crate::media::source::{Found, Tee};
use crate::output::{BUFFER, Cutter, OutputFiles, ProgramBeside, Written};
use crate::report::{Event, Phase, Report};
use crate::unpack::Unknown;
use crate::verify;
use shellpack_format::store::hash::Digest;

/// How a bundle is rewritten.
pub(crate) struct Rewrite<'a> {
    /// The new files.
    pub(crate) output: &'a OutputFiles,
    /// Number of threads that check segments.
    pub(crate) threads: usize,
    /// The name of this phase.
    pub(crate) phase: Phase,
    /// The digest that the whole must have, if known.
    pub(crate) expected: Option<Digest>,
    /// A parity file to copy as well.
    pub(crate) parity: Option<PathBuf>,
    /// A program to write beside it.
    pub(crate) opener: Option<ProgramBeside<'a>>,
}

/// Rewrites a bundle.
pub(crate) fn rewrite(mut found: Found, options: &Rewrite<'_>, report: &Report) -> Result<Written> {
    let (output, threads) = (options.output, options.threads);
    output.ensure_unoccupied()?;
    let opener = options.opener.as_ref();
    opener.map_or(Ok(()), ProgramBeside::ensure_unoccupied)?;
    let copy = CopySink::default();
    let sink = copy.clone();
    found.source = Box::new(Tee::new(found.source, move |bytes| sink.write(bytes)));
    let bundle = found.open()?;
    bundle.ensure_whole()?;
    let manifest = bundle.reader.manifest_digest();
    let head = bundle.reader.head_size();
    let opens_itself = bundle.reader.executable().is_some();
    let ensure_opening = |size| {
        let size = Some(size).filter(|_| opens_itself).flatten();
        output.ensure_first_holds(size, head)
    };
    ensure_opening(output.volume_size)?;
    if let Some(size) = bundle.size() {
        let parity = options
            .parity
            .as_ref()
            .and_then(|file| file.metadata().ok());
        output.ensure_room_for(size, parity.map_or(0, |file| file.len()))?;
    }
    report.emit(Event::Phase(options.phase));
    let out = output.begin()?;
    let out = if opens_itself { out.executable() } else { out };
    copy.begin(out).map_err(Error::io("write", &output.path))?;
    let file = bundle.file.clone();
    let outcome = verify::contents(bundle, threads, report);
    let written = copy.end().map_err(Error::io("write", &output.path));
    if let Some(source) = outcome_before(&written, outcome)?.into_iter().next() {
        return Err(Error::Bundle { file, source });
    }
    let finished = written?
        .finish()
        .map_err(Error::io("write", &output.path))?;
    if options
        .expected
        .is_some_and(|expected| expected != finished.digest())
    {
        return Err(BadParity::NotRestored(file).into());
    }
    ensure_opening(finished.volume_size())?;
    let finished = match &options.parity {
        Some(parity) => output.carry(finished, parity, report)?,
        None => output.protect(finished, manifest, report)?,
    };
    let unnamed = output.sync(finished, report)?;
    let complete = unnamed.read_back(&Unknown, threads, report)?;
    let opener = opener.map(|opener| opener.write(report)).transpose()?;
    let written = complete.publish(report)?;
    Ok(Written { opener, ..written })
}

/// If writing failed, the result of reading means nothing.
fn outcome_before<T>(written: &Result<Cutter>, outcome: Result<Vec<T>>) -> Result<Vec<T>> {
    match (written, outcome) {
        (Err(_), Err(error @ Error::Interrupted)) => Err(error),
        (Err(_), _) => Ok(Vec::new()),
        (Ok(_), outcome) => outcome,
    }
}

/// The destination of a copy. Bytes that are read before it is known whether there will be one are
/// kept.
#[derive(Clone)]
struct CopySink(Arc<Mutex<State>>);

enum State {
    Kept(Vec<u8>),
    Going(Box<BufWriter<Cutter>>),
    Failed(io::Error),
}

impl Default for CopySink {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State::Kept(Vec::new()))))
    }
}

impl CopySink {
    fn begin(&self, out: Cutter) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(BUFFER, out);
        let mut state = self.lock();
        if let State::Kept(bytes) = &*state {
            out.write_all(bytes)?;
        }
        *state = State::Going(Box::new(out));
        Ok(())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        let outcome = match &mut *state {
            State::Kept(kept) => {
                kept.extend_from_slice(bytes);
                Ok(())
            }
            State::Going(out) => out.write_all(bytes),
            State::Failed(_) => Err(ErrorKind::Other.into()),
        };
        outcome.map_err(|error| {
            if !matches!(*state, State::Failed(_)) {
                *state = State::Failed(error);
            }
            io::Error::other("it could not be copied")
        })
    }

    /// Returns the files, or the error of writing.
    fn end(&self) -> io::Result<Cutter> {
        match std::mem::replace(&mut *self.lock(), State::Kept(Vec::new())) {
            State::Going(out) => (*out).into_inner().map_err(io::IntoInnerError::into_error),
            State::Failed(error) => Err(error),
            State::Kept(_) => Err(ErrorKind::UnexpectedEof.into()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
