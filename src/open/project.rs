//! Reads the project files from the bundle.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use crate::describe::project_bytes;
use crate::entry::project::root::ProjectRoot;
use crate::entry::project::staged::Staged;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::media::source::Bundle;
use crate::media::sync::{self, Extent};
use crate::media::writeback::Steady;
use crate::report::{Event, Report};
use shellpack_format::bundle::manifest::ProjectFile;
use shellpack_format::bundle::reader::{Input, ReadError, Reader};

/// With fewer bytes, no medium lets anybody wait.
const LARGE: u64 = 1 << 20;

/// Reads the files into a directory near the project's root. Each is compared with its digest.
/// `None` if all are in their place already.
pub(super) fn stage<'a>(
    root: &'a ProjectRoot,
    bundle: &mut Bundle,
    report: &Report,
) -> Result<Option<Staged<'a>>> {
    let Bundle { reader, file, .. } = bundle;
    let manifest = reader.manifest().clone();
    let files = &manifest.project.files;
    if root.is_settled(&manifest) {
        // Of a stream, what comes after them is read.
        files
            .iter()
            .try_for_each(|one| read(one, reader, file, report))?;
        return Ok(None);
    }
    let staged = Staged::near(root)?;
    for one in files {
        match staged.create(one)? {
            Some(out) => {
                let to = staged.path(one);
                write(out, one, &to, reader, file, report)?;
            }
            None => read(one, reader, file, report)?,
        }
    }
    Ok(Some(staged))
}

/// How many bytes of the bundle [`stage`] will read.
pub(super) fn bytes_to_stage(root: &ProjectRoot, bundle: &Bundle) -> u64 {
    let manifest = bundle.reader.manifest();
    if root.is_settled(manifest) && !bundle.is_stream() {
        return 0;
    }
    project_bytes(&manifest.project.files)
}

fn read(
    file: &ProjectFile,
    reader: &mut Reader<impl Input>,
    bundle: &Path,
    report: &Report,
) -> Result<()> {
    let outcome = reader.project_file(file, |chunk| advance(chunk, report));
    outcome.map_err(|error| Error::read_bundle(bundle, error))
}

fn write(
    out: File,
    file: &ProjectFile,
    path: &Path,
    reader: &mut Reader<impl Input>,
    bundle: &Path,
    report: &Report,
) -> Result<()> {
    let mut out = Steady::new(out);
    let mut failed = None;
    let outcome = reader.project_file(file, |chunk| {
        advance(chunk, report)?;
        out.write_all(chunk).inspect_err(|error| {
            failed = Some(error.kind());
        })
    });
    match (failed, outcome) {
        (Some(kind), Err(ReadError::Io(error))) if error.kind() == kind => {
            return Err(Error::io("write", path)(error));
        }
        (_, outcome) => outcome.map_err(|error| Error::read_bundle(bundle, error))?,
    }
    let synced = out.finish().and_then(|(out, rest)| match rest {
        LARGE.. => sync::sync(&out, Extent::File),
        _ => out.sync_all(),
    });
    synced.map_err(Error::io("sync", path))
}

fn advance(chunk: &[u8], report: &Report) -> io::Result<()> {
    interrupt::ensure_none()?;
    report.emit(Event::Advanced {
        bytes: chunk.len() as u64,
    });
    Ok(())
}
