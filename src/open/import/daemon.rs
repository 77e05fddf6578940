//! Imports through Nix's daemon, if it owns the store: over several connections, each for one path
//! at a time. Nix checks every path itself.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::nix::Nix;
use crate::nix::daemon::Connection;
use crate::unpack::{self, Destination, NarSink};
use shellpack_format::bundle::BadBundle;
use shellpack_format::bundle::manifest::Closure;
use shellpack_format::bundle::reader::ReadError;

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
    /// Whether Nix said that it needs no more bytes.
    over: bool,
}

impl NarSink for Upload<'_> {
    /// A connection needs its NAR in order.
    type Part = ();
    const HAS_PARTS: bool = false;

    fn split(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if !self.over {
            self.over = !self.connection.send_nar(bytes)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        if !self.over {
            self.connection.finish_import()?;
        }
        let mut state = self.uploads.lock();
        state.valid[self.index] = true;
        state.idle.push(self.connection);
        Ok(())
    }
}
