//! Reads the project files from the bundle.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use crate::entry::project::root::ProjectRoot;
use crate::entry::project::staged::Staged;
use crate::error::{Error, Result};
use crate::media::source::Bundle;
use shellpack_format::bundle::manifest::ProjectFile;
use shellpack_format::bundle::reader::{Input, ReadError, Reader};

/// Reads the files into a directory near the project's root. Each is compared with its digest.
/// `None` if all are in their place already.
pub(super) fn stage<'a>(root: &'a ProjectRoot, bundle: &mut Bundle) -> Result<Option<Staged<'a>>> {
    let Bundle { reader, file, .. } = bundle;
    let manifest = reader.manifest().clone();
    let files = &manifest.project.files;
    if root.is_settled(&manifest) {
        // Of a stream, what comes after them is read.
        files.iter().try_for_each(|one| read(one, reader, file))?;
        return Ok(None);
    }
    let staged = Staged::near(root)?;
    for one in files {
        match staged.create(one)? {
            Some(out) => write(out, one, &staged, reader, file)?,
            None => read(one, reader, file)?,
        }
    }
    Ok(Some(staged))
}

fn read(file: &ProjectFile, reader: &mut Reader<impl Input>, bundle: &Path) -> Result<()> {
    let outcome = reader.project_file(file, |_| Ok(()));
    outcome.map_err(|error| Error::read_bundle(bundle, error))
}

fn write(
    mut out: File,
    file: &ProjectFile,
    staged: &Staged<'_>,
    reader: &mut Reader<impl Input>,
    bundle: &Path,
) -> Result<()> {
    let path = staged.path(file);
    let mut failed = None;
    let outcome = reader.project_file(file, |chunk| {
        out.write_all(chunk).inspect_err(|error| {
            failed = Some(error.kind());
        })
    });
    match (failed, outcome) {
        (Some(kind), Err(ReadError::Io(error))) if error.kind() == kind => {
            return Err(Error::io("write", &path)(error));
        }
        (_, outcome) => outcome.map_err(|error| Error::read_bundle(bundle, error))?,
    }
    out.sync_all().map_err(Error::io("sync", &path))
}
