//! Reads the project files from the bundle, to their place and to the record.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use crate::describe::project_bytes;
use crate::entry::project::root::ProjectRoot;
use crate::entry::project::staged::Staged;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::media::source::{Bundle, Source};
use crate::media::sync::{self, Extent};
use crate::media::writeback::Steady;
use crate::opened::{Keeping, Record};
use crate::report::{Event, Report};
use shellpack_format::bundle::manifest::ProjectFile;
use shellpack_format::bundle::reader::Reader;

/// With fewer bytes, no medium lets anybody wait.
const LARGE: u64 = 1 << 20;

/// Reads the files into a directory near the project's root, and keeps them in the record. Each is
/// compared with its digest. `None` if all are in their place already.
pub(super) fn stage<'a>(
    root: &'a ProjectRoot,
    bundle: &mut Bundle,
    record: Option<&Record>,
    report: &Report,
) -> Result<Option<Staged<'a>>> {
    let Bundle { reader, file, .. } = bundle;
    let manifest = reader.manifest().clone();
    let mut reading = Reading {
        reader,
        bundle: file,
        keeping: Keeping::begin(record),
        report,
    };
    let mut staged = None;
    if !root.is_settled(&manifest) {
        staged = Some(Staged::near(root)?);
    }
    for one in &manifest.project.files {
        let out = match &staged {
            Some(staged) => staged.create(one)?.map(|out| (out, staged.path(one))),
            None => None,
        };
        match out {
            Some((out, to)) => reading.write(one, out, &to)?,
            // The file in its place is read as well: it may not be kept yet, and of a stream, what
            // comes after it is needed.
            None => reading.read(one, |_| Ok(()))?,
        }
    }
    reading.keeping.end(manifest.name.as_str(), report);
    Ok(staged)
}

/// How many bytes of the bundle [`stage`] will read.
pub(super) fn bytes_to_stage(root: &ProjectRoot, bundle: &Bundle) -> u64 {
    let manifest = bundle.reader.manifest();
    if root.is_settled(manifest) && !bundle.is_stream() {
        return 0;
    }
    project_bytes(&manifest.project.files)
}

/// The project files of a bundle, while they are read.
struct Reading<'a> {
    reader: &'a mut Reader<Source>,
    bundle: &'a Path,
    keeping: Keeping,
    report: &'a Report,
}

impl Reading<'_> {
    /// Reads a file and keeps it; `take` gets what it contains.
    fn read(
        &mut self,
        file: &ProjectFile,
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<()> {
        let mut content = self.keeping.content(&file.kind);
        let outcome = self.reader.project_file(file, |chunk| {
            advance(chunk, self.report)?;
            content = content.take().and_then(|content| content.with(chunk));
            take(chunk)
        });
        outcome.map_err(|error| Error::read_bundle(self.bundle, error))?;
        if let Some(content) = content {
            content.finish();
        }
        Ok(())
    }

    fn write(&mut self, file: &ProjectFile, out: File, path: &Path) -> Result<()> {
        let mut out = Steady::new(out);
        let mut failed = None;
        let outcome = self.read(file, |chunk| {
            out.write_all(chunk).map_err(|error| {
                let kind = error.kind();
                failed = Some(error);
                kind.into()
            })
        });
        if let Some(error) = failed {
            return Err(Error::io("write", path)(error));
        }
        outcome?;
        let synced = out.finish().and_then(|(out, rest)| match rest {
            LARGE.. => sync::sync(&out, Extent::File),
            _ => out.sync_all(),
        });
        synced.map_err(Error::io("sync", path))
    }
}

fn advance(chunk: &[u8], report: &Report) -> io::Result<()> {
    interrupt::ensure_none()?;
    report.emit(Event::Advanced {
        bytes: chunk.len() as u64,
    });
    Ok(())
}
