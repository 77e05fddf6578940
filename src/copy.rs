//! A bundle is written again, to other files, and verified in the same pass: what does not
//! arrive as it was made gets no name.

use std::io::{self, BufWriter, Cursor, ErrorKind, Read, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::bundle::reader::{Content, Input};
use crate::error::{Error, Result};
use crate::input::{Found, Source};
use crate::output::{BUFFER, Cutter, Target, Written};
use crate::report::{Event, Phase, Report};
use crate::verify;

/// Copies a bundle to the files that `target` describes. `size` is told if it is known before.
pub(crate) fn copy(
    mut found: Found,
    target: &Target,
    jobs: usize,
    phase: Phase,
    report: &Report,
) -> Result<Written> {
    target.ensure_free()?;
    let copy = Copy::default();
    found.source = Box::new(Tee {
        from: found.source,
        copy: copy.clone(),
    });
    let bundle = found.open()?;
    bundle.ensure_whole()?;
    if let Some(size) = bundle.size() {
        target.ensure_room(size)?;
    }
    report.emit(Event::Phase(phase));
    copy.begin(target.begin()?)
        .map_err(Error::io("write", &target.path))?;
    let file = bundle.file;
    let outcome = verify::contents(&file, bundle.reader, jobs, report);
    let written = copy.end().map_err(Error::io("write", &target.path));
    if let Some(source) = outcome_before(&written, outcome)?.into_iter().next() {
        return Err(Error::Bundle { file, source });
    }
    let unnamed = target.sync(written?.finish(), report)?;
    unnamed.read_back(jobs, report)?.publish(report)
}

/// What was read says nothing where it could not be written.
fn outcome_before<T>(written: &Result<Cutter>, outcome: Result<Vec<T>>) -> Result<Vec<T>> {
    match (written, outcome) {
        (Err(_), Err(error @ Error::Interrupted)) => Err(error),
        (Err(_), _) => Ok(Vec::new()),
        (Ok(_), outcome) => outcome,
    }
}

/// Reads, and writes down what was read.
struct Tee {
    from: Source,
    copy: Copy,
}

impl Read for Tee {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(buffer)?;
        self.copy.write(&buffer[..n])?;
        Ok(n)
    }
}

impl Input for Tee {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        self.detach(bytes).map(drop)
    }

    /// What follows must be written behind it, so it is read now.
    fn detach(&mut self, bytes: u64) -> io::Result<Content> {
        let mut content = Vec::new();
        self.from.detach(bytes)?.read_to_end(&mut content)?;
        if content.len() as u64 != bytes {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.copy.write(&content)?;
        Ok(Box::new(Cursor::new(content)))
    }

    fn is_over(&mut self) -> io::Result<bool> {
        self.from.is_over()
    }
}

/// Where the copy goes. What is read before it is known whether there will be one is kept.
#[derive(Clone)]
struct Copy(Arc<Mutex<State>>);

enum State {
    Kept(Vec<u8>),
    Going(Box<BufWriter<Cutter>>),
    Failed(io::Error),
}

impl Default for Copy {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State::Kept(Vec::new()))))
    }
}

impl Copy {
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

    /// Everything was written, or why it was not.
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
