//! The record of a bundle while it is being opened. Unless it becomes whole, nothing of it
//! stays.

use std::fs;
use std::io;
use std::path::Path;

use crate::error::{Error, Result};
use crate::nix::daemon::Connection;
use crate::opened::Record;
use shellpack_format::bundle::manifest::Manifest;
use shellpack_format::bundle::reader::{Input, Reader};

/// How often a record is made again that somebody takes away in the middle of it.
const ATTEMPTS: usize = 10;

/// A record that is not whole yet. Its roots hold what comes.
#[must_use]
#[derive(Debug)]
pub(super) struct Opening {
    record: Record,
    manifest: Vec<u8>,
    /// Whether nobody would miss it.
    is_new: bool,
}

impl Opening {
    /// Makes the roots, before there is anything that they could hold.
    pub(super) fn begin(reader: &Reader<impl Input>, connection: &mut Connection) -> Result<Self> {
        let manifest = reader.manifest();
        let record = Record::of(&manifest.name, reader.manifest_digest())?;
        let opening = Self {
            is_new: !record.path().exists(),
            record,
            manifest: reader.manifest_bytes().to_vec(),
        };
        undisturbed(|| opening.make(manifest, connection))?;
        Ok(opening)
    }

    /// The shell can be entered in this project directory: the record is whole, and stays.
    pub(super) fn complete(
        mut self,
        manifest: &Manifest,
        project: &Path,
        connection: &mut Connection,
    ) -> Result<Record> {
        undisturbed(|| {
            // Meanwhile `remove`, or another opening that failed, may have taken it away.
            self.make(manifest, connection)?;
            self.record.add_place(project)?;
            self.record.write_manifest(&self.manifest)
        })?;
        self.is_new = false;
        Ok(self.record.clone())
    }

    fn make(&self, manifest: &Manifest, connection: &mut Connection) -> Result<()> {
        let dir = self.record.path();
        fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
        self.record.hold(manifest, connection)
    }
}

/// Does something with a record that others may take away at any time: then it is done again.
fn undisturbed(mut work: impl FnMut() -> Result<()>) -> Result<()> {
    let is_gone = |error: &Error| matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound);
    let mut outcome = work();
    for _ in 1..ATTEMPTS {
        if !outcome.as_ref().is_err_and(is_gone) {
            break;
        }
        outcome = work();
    }
    outcome
}

impl Drop for Opening {
    fn drop(&mut self) {
        // Another opening of the same bundle may have made it whole.
        if self.is_new && !self.record.is_whole() {
            let _ = self.record.remove();
        }
    }
}
