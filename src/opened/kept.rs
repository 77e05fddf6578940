//! The project files of an opened bundle, kept in its record: a rollback puts them back.
//!
//! Each content is a file that is named by its digest. Records share contents by hard links, so the file
//! system counts the records that need one, and removing the last of them frees it. Some contents are
//! secrets, so only the owner reads any of them. None is synced: a reader compares it with its digest,
//! and a power failure that damages one comes while the bundle is still at hand.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::Record;
use crate::interrupt;
use crate::report::{Event, Report};
use crate::tree;
use crate::{launch, replace};
use shellpack_format::bundle::manifest::FileKind;
use shellpack_format::store::hash::Digest;

/// The directory of a record that has them.
const FILES: &str = "files";

impl Record {
    /// Where a content is, if it is kept.
    pub(crate) fn kept(&self, digest: Digest) -> PathBuf {
        self.path().join(FILES).join(digest.hex())
    }
}

/// Project files that are being kept. A failure only ends the keeping: the bundle is there, and opens
/// without them.
#[derive(Debug)]
pub(crate) struct Keeping {
    /// `None` if nothing is kept.
    record: Option<Record>,
    /// This directory in other records.
    others: Vec<PathBuf>,
    failed: Option<io::Error>,
}

impl Keeping {
    /// Begins to keep the files of a bundle. A record for all users has a copy of the project instead.
    pub(crate) fn begin(record: Option<&Record>) -> Self {
        let record = record.filter(|record| !record.is_for_all()).cloned();
        let mut keeping = Self {
            others: record.as_ref().map(others).unwrap_or_default(),
            record,
            failed: None,
        };
        if let Some(record) = &keeping.record {
            let dir = record.path().join(FILES);
            let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
            made.unwrap_or_else(|error| keeping.give_up(error));
        }
        keeping
    }

    /// Begins to keep a file; `None` if there is nothing to write.
    pub(crate) fn content(&mut self, kind: &FileKind) -> Option<Content<'_>> {
        let FileKind::File { size, digest, .. } = *kind else {
            return None;
        };
        let place = self.record.as_ref()?.kept(digest);
        if is_content(&place, size, digest) || self.is_shared(&place, size, digest) {
            return None;
        }
        match NamedTempFile::new_in(place.parent().unwrap_or(&place)) {
            Ok(file) => Some(Content {
                keeping: self,
                file,
                place,
            }),
            Err(error) => {
                self.give_up(error);
                None
            }
        }
    }

    /// Keeps a file whose content is in another one.
    pub(crate) fn copy(&mut self, kind: &FileKind, from: &Path) {
        if let Some(mut content) = self.content(kind) {
            let copied =
                File::open(from).and_then(|mut from| io::copy(&mut from, &mut content.file));
            content.finish_if(copied.map(drop));
        }
    }

    /// Warns if files could not be kept. `name` is that of the bundle.
    pub(crate) fn end(self, name: &str, report: &Report) {
        if let Some(error) = self.failed {
            let line = launch::for_here("shellpack rollback");
            report.emit(Event::Warning(&format!(
                "could not keep the project files of {name}, so that `{line}` cannot put them back: {error}"
            )));
        }
    }

    /// Whether another record has this content, and this one has it now, too.
    fn is_shared(&self, place: &Path, size: u64, digest: Digest) -> bool {
        let name = place.file_name().unwrap_or_default();
        let mut others = self.others.iter().map(|dir| dir.join(name));
        others.any(|other| {
            is_content(&other, size, digest) && replace::hard_link(place, &other).is_ok()
        })
    }

    /// A half of them would be of no use, and a full disk needs the room.
    fn give_up(&mut self, error: io::Error) {
        if let Some(record) = self.record.take() {
            let _ = tree::delete_tree(&record.path().join(FILES));
        }
        self.failed = Some(error);
    }
}

/// A content that is being written.
#[must_use]
#[derive(Debug)]
pub(crate) struct Content<'a> {
    keeping: &'a mut Keeping,
    file: NamedTempFile,
    place: PathBuf,
}

impl Content<'_> {
    /// Writes a part of it; `None` if that failed.
    pub(crate) fn with(mut self, part: &[u8]) -> Option<Self> {
        match self.file.write_all(part) {
            Ok(()) => Some(self),
            Err(error) => {
                self.keeping.give_up(error);
                None
            }
        }
    }

    /// Gives it its name. The writer has compared all parts with the digest.
    pub(crate) fn finish(self) {
        self.finish_if(Ok(()));
    }

    fn finish_if(self, written: io::Result<()>) {
        let Self {
            keeping,
            file,
            place,
        } = self;
        let named = written.and_then(|()| Ok(file.persist(place)?));
        if let Err(error) = named {
            keeping.give_up(error);
        }
    }
}

/// The directories of contents in the records beside this one.
fn others(record: &Record) -> Vec<PathBuf> {
    let beside = record.path().parent().map(fs::read_dir);
    let beside = beside.into_iter().flatten().flatten().flatten();
    let beside = beside.map(|entry| entry.path());
    let others = beside.filter(|path| path != record.path());
    others.map(|path| path.join(FILES)).collect()
}

/// Whether a file has this content.
fn is_content(path: &Path, size: u64, digest: Digest) -> bool {
    let is_alike = |about: fs::Metadata| about.is_file() && about.len() == size;
    fs::symlink_metadata(path).is_ok_and(is_alike)
        && read_content(path, |_| Ok(())).is_ok_and(|found| found == digest)
}

/// Hands over a content, step by step. Returns the digest of what was there.
pub(crate) fn read_content(
    path: &Path,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    interrupt::read_in_steps(path, |step| {
        hasher.update(step);
        take(step)
    })?;
    Ok(hasher.into())
}
