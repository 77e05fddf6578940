//! Gives a complete bundle its names. The file that makes it a bundle, the first volume or the
//! bundle in one file, comes last: once it exists, everything does.

use std::ffi::OsString;
use std::path::PathBuf;

use super::cutter::CompleteFile;
use super::naming::Publishing;
use super::{FinishedFiles, OutputFiles, Written, WrittenFile};
use crate::error::Result;
use crate::media::Medium;
use crate::media::volumes::{Names, checksum_name};
use crate::parity::parity_name;
use crate::report::Report;

/// A bundle that is complete and on disk, under temporary names.
#[must_use]
#[derive(Debug)]
pub(crate) struct Unnamed {
    pub(super) output: OutputFiles,
    pub(super) finished: FinishedFiles,
    pub(super) medium: Medium,
    /// Whether it was read back from the medium.
    pub(super) is_read_from_medium: bool,
}

impl Unnamed {
    pub(super) fn new(output: OutputFiles, finished: FinishedFiles, medium: Medium) -> Self {
        Self {
            output,
            finished,
            medium,
            is_read_from_medium: false,
        }
    }

    /// Gives the files their names.
    pub(crate) fn publish(self, report: &Report) -> Result<Written> {
        report.ensure_not_interrupted()?;
        let _waiting = report.waiting("the directory to be synced to disk");
        let written = self.written();
        let Self {
            output,
            finished,
            medium,
            ..
        } = self;
        let mut publishing = Publishing::begin(&output, &written)?;
        if let Err(error) = publishing.name_all(finished, &written) {
            return Err(publishing.take_back(error));
        }
        publishing.ensure_lasting(&medium)?;
        publishing.finish(&medium, report)?;
        // These are parts of smaller volumes of an earlier attempt.
        if output.keeps_parts {
            output.drop_kept();
        }
        Ok(written)
    }

    /// The result, once all files have their names.
    fn written(&self) -> Written {
        let Self {
            output,
            finished,
            medium,
            is_read_from_medium,
        } = self;
        let file = |path: PathBuf, part: &CompleteFile| WrittenFile {
            path,
            size: part.size,
            digest: part.digest,
        };
        let names = names(output, finished).into_iter();
        let files = names.zip(&finished.parts);
        let is_cut = finished.cut_at.is_some();
        Written {
            path: Some(output.path.clone()),
            size: finished.size,
            digest: finished.digest,
            files: files.map(|(path, part)| file(path, part)).collect(),
            is_cut,
            checksum_file: (is_cut || output.checksum).then(|| checksum_name(&output.path)),
            parity_file: finished
                .parity
                .as_ref()
                .map(|part| file(parity_name(&output.path), part)),
            opener: None,
            read_from_medium: *is_read_from_medium,
            safe_to_remove: *is_read_from_medium && medium.is_removable == Some(true),
        }
    }
}

fn names(output: &OutputFiles, finished: &FinishedFiles) -> Vec<PathBuf> {
    if finished.cut_at.is_none() {
        return vec![output.path.clone()];
    }
    let bundle = output.path.file_name().unwrap_or_default();
    let names = Names::for_volumes(bundle, finished.parts.len());
    let numbers = (1..).take(finished.parts.len());
    let beside = |name: OsString| output.path.with_file_name(name);
    numbers.map(|number| beside(names.of(number))).collect()
}
