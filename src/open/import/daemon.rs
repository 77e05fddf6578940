//! Imports through Nix's daemon, if it owns the store: over several connections, each for one path
//! at a time. Nix checks the hash of every path itself, and little else: it takes NARs that it would
//! not write. So the end of each NAR is kept back until the NAR was found right here.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::nix::Nix;
use crate::nix::daemon::Connection;
use crate::nix::locks::ensure_lockable;
use crate::unpack::{self, Destination, NarSink};
use shellpack_format::bundle::BadBundle;
use shellpack_format::bundle::manifest::Closure;
use shellpack_format::bundle::reader::ReadError;

/// How many bytes are kept back. Nix cannot complete a NAR without the last one.
const END: usize = 8;

/// A store that the daemon writes to.
#[derive(Debug)]
pub(super) struct Uploads<'a> {
    nix: &'a Nix,
    closure: &'a Closure,
    wanted: &'a [bool],
    bundle: &'a Path,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    valid: Vec<bool>,
    /// Unused connections. They stay open, because each holds temporary roots for the paths that
    /// were imported through it.
    idle: Vec<Connection>,
}

impl<'a> Uploads<'a> {
    pub(super) fn new(
        nix: &'a Nix,
        closure: &'a Closure,
        wanted: &'a [bool],
        bundle: &'a Path,
    ) -> Self {
        let valid = wanted.iter().map(|wanted| !wanted).collect();
        let state = Mutex::new(State {
            valid,
            idle: Vec::new(),
        });
        Self {
            nix,
            closure,
            wanted,
            bundle,
            state,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Destination for Uploads<'_> {
    type Sink<'a>
        = Upload<'a>
    where
        Self: 'a;
    const ANY_ORDER: bool = true;

    fn wants(&self, index: usize) -> bool {
        self.wanted.get(index).copied().unwrap_or(false)
    }

    /// Nix refuses a path whose references are not valid.
    fn is_ready(&self, index: usize) -> bool {
        let state = self.lock();
        let references = self.closure.paths[index].references.iter();
        let mut others = references
            .map(|&other| other as usize)
            .filter(|&other| other != index);
        others.all(|other| state.valid[other])
    }

    fn begin(&self, index: usize) -> Result<Upload<'_>> {
        let path = &self.closure.paths[index].path;
        ensure_lockable(&self.closure.store.join(path))?;
        let idle = self.lock().idle.pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.nix.connect()?,
        };
        connection.begin_import(&self.closure.path_info(index))?;
        Ok(Upload {
            uploads: self,
            index,
            connection,
            end: Vec::with_capacity(2 * END),
            over: false,
        })
    }

    fn fault(&self, fault: BadBundle) -> Result<()> {
        Err(unpack::stop(self.bundle, fault))
    }

    fn unreadable(&self, error: ReadError) -> Result<()> {
        Err(unpack::stop(self.bundle, error))
    }
}

/// A path that is being imported. If it is dropped before the end, the connection closes and Nix
/// discards the path.
#[derive(Debug)]
pub(super) struct Upload<'a> {
    uploads: &'a Uploads<'a>,
    index: usize,
    connection: Connection,
    /// The last bytes, which were not sent yet.
    end: Vec<u8>,
    /// Whether Nix said that it needs no more bytes.
    over: bool,
}

impl Upload<'_> {
    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        if !self.over {
            self.over = !self.connection.send_nar(bytes)?;
        }
        Ok(())
    }
}

impl NarSink for Upload<'_> {
    /// A connection needs its NAR in order.
    type Part = ();
    const HAS_PARTS: bool = false;

    fn split(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let (now, last) = bytes.split_at(bytes.len().saturating_sub(END));
        let before = self.end.len().saturating_sub(END - last.len());
        let before: Vec<u8> = self.end.drain(..before).collect();
        self.end.extend_from_slice(last);
        self.send(&before)?;
        self.send(now)
    }

    fn finish(mut self) -> Result<()> {
        let end = std::mem::take(&mut self.end);
        self.send(&end)?;
        if !self.over {
            self.connection.finish_import()?;
        }
        let mut state = self.uploads.lock();
        state.valid[self.index] = true;
        state.idle.push(self.connection);
        Ok(())
    }
}
