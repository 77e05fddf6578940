//! Through Nix's daemon, where it owns the store: several connections, each importing one
//! path at a time, checked by Nix itself.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::nix::Nix;
use crate::nix::daemon::Connection;
use crate::unpack::{self, Destination, NarSink};
use shellpack_format::bundle::BadBundle;
use shellpack_format::bundle::manifest::Closure;
use shellpack_format::bundle::reader::ReadError;

/// A store that a daemon writes.
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
    /// Connections that nobody uses. They stay open: each holds temporary roots for what
    /// was imported through it.
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

/// A path on its way. Dropped before its end, it closes the connection, and Nix forgets it.
#[derive(Debug)]
pub(super) struct Upload<'a> {
    uploads: &'a Uploads<'a>,
    index: usize,
    connection: Connection,
    /// Nix said that it needs no more.
    over: bool,
}

impl NarSink for Upload<'_> {
    /// A connection takes a NAR in order.
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
