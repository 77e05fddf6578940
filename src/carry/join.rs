//! Volumes become one file again.

use std::path::PathBuf;

use crate::carry::rewrite::{Rewrite, rewrite};
use crate::error::Result;
use crate::media::source::Bundle;
use crate::output::{OutputFiles, ReadBack, Replaces, Written, files_of};
use crate::parity::parity_of;
use crate::report::{Event, Phase, Report};

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// One of the volumes, or what they are called together.
    pub volume: PathBuf,
    /// Further directories in which volumes may lie.
    pub dirs: Vec<PathBuf>,
    /// Where the bundle goes, if not to the current directory under its own name.
    pub output: Option<PathBuf>,
    /// Whether a file that is there is replaced.
    pub force: bool,
    /// Whether what was written is read again.
    pub read_back: ReadBack,
    /// How many segments are checked at a time.
    pub jobs: usize,
}

/// Writes what the volumes of a bundle hold to one file, and verifies it on the way.
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
        jobs: options.jobs,
        phase: Phase::Join,
        expected: None,
        parity: None,
    };
    rewrite(found, &how, report)
}
