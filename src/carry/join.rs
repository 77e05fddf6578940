//! Joins volumes into one file.

use std::path::PathBuf;

use crate::carry::rewrite::{Rewrite, rewrite};
use crate::error::Result;
use crate::media::source::Bundle;
use crate::output::{OutputFiles, ReadBack, Replaces, Written, files_of};
use crate::parity::parity_of;
use crate::report::{Event, Phase, Report};

/// The user's options.
#[derive(Debug, Clone)]
pub struct Options {
    /// One of the volumes, or their common name.
    pub volume: PathBuf,
    /// Further directories that may hold volumes.
    pub dirs: Vec<PathBuf>,
    /// The path of the bundle; by default its own name in the current directory.
    pub output: Option<PathBuf>,
    /// Whether an existing file is replaced.
    pub force: bool,
    /// Whether the file is read back.
    pub read_back: ReadBack,
    /// Number of threads that check segments.
    pub threads: usize,
}

/// Writes the bytes of a bundle's volumes to one file, and verifies the bundle on the way.
pub(crate) fn join(options: &Options, report: &Report) -> Result<Written> {
    report.emit(Event::Phase(Phase::Check));
    let found = Bundle::find(&options.volume, &options.dirs, report.prompt())?;
    let name = || found.file.file_name().unwrap_or_default().into();
    let output = OutputFiles {
        path: options.output.clone().unwrap_or_else(name),
        force: options.force,
        volume_size: None,
        checksum: false,
        parity: None,
        keeps_parts: false,
        read_back: options.read_back,
        replaces: Replaces::Joined,
    };
    let mut files = files_of(&options.volume, &options.dirs);
    files.extend(parity_of(&found.file, &options.dirs));
    output.ensure_apart(&files)?;
    let how = Rewrite {
        output: &output,
        threads: options.threads,
        phase: Phase::Join,
        expected: None,
        parity: None,
        opener: None,
    };
    rewrite(found, &how, report)
}
