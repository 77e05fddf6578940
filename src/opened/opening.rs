//! A record that is being made. It is removed again unless it becomes complete.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use super::Record;
use crate::error::{Error, Result};
use crate::target::Session;
use shellpack_format::bundle::manifest::Manifest;

/// How often to make a record again if another process removes it meanwhile.
const ATTEMPTS: usize = 10;

/// An incomplete record. Its roots protect paths that will be imported.
#[must_use]
#[derive(Debug)]
pub(crate) struct Opening {
    record: Record,
    manifest: Vec<u8>,
    /// Whether there was no such record before.
    is_new: bool,
}

impl Opening {
    /// Makes the roots, before the paths that they protect exist. `bytes` are those of the manifest.
    pub(crate) fn begin(
        record: Record,
        manifest: &Manifest,
        bytes: &[u8],
        session: &mut Session,
    ) -> Result<Self> {
        let opening = Self {
            is_new: !record.path().exists(),
            record,
            manifest: bytes.to_vec(),
        };
        retrying(|| opening.make(manifest, session))?;
        Ok(opening)
    }

    /// Completes the record: the shell can be entered in this project directory.
    pub(crate) fn complete(
        mut self,
        manifest: &Manifest,
        project: &Path,
        session: &mut Session,
    ) -> Result<Record> {
        retrying(|| {
            // `remove`, or another opening that failed, may have removed it meanwhile.
            self.make(manifest, session)?;
            self.record.note_store(session)?;
            self.record.add_place(project)?;
            self.record.write_manifest(&self.manifest)
        })?;
        self.is_new = false;
        Ok(self.record.clone())
    }

    fn make(&self, manifest: &Manifest, session: &mut Session) -> Result<()> {
        let dir = self.record.path();
        // No other user writes to it, whatever the umask is.
        let made = DirBuilder::new().recursive(true).mode(0o755).create(dir);
        made.map_err(Error::io("create", dir))?;
        if !self.record.is_whole() {
            // A whole one keeps the store that has its paths, until the other one has them.
            self.record.note_store(session)?;
        }
        self.record.hold(manifest, session)
    }
}

/// Repeats work on a record while other processes remove the record.
fn retrying(mut work: impl FnMut() -> Result<()>) -> Result<()> {
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
        // Another opening of this bundle may have completed it.
        if self.is_new && !self.record.is_whole() {
            let _ = self.record.remove();
        }
    }
}
