//! A bundle that exists becomes volumes.

use std::path::{Path, PathBuf};

use crate::carry::rewrite::{Rewrite, rewrite};
use crate::error::{Error, Result};
use crate::media::source::Bundle;
use crate::media::volumes::VolumeSize;
use crate::output::{OutputFiles, ReadBack, Replaces, Written};
use crate::report::{Event, Phase, Report};

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle.
    pub bundle: PathBuf,
    /// The size of a volume.
    pub volume_size: VolumeSize,
    /// Where the volumes go.
    pub dir: PathBuf,
    /// Whether volumes that are there are replaced.
    pub force: bool,
    /// Whether what was written is read again.
    pub read_back: ReadBack,
    /// How many segments are checked at a time.
    pub jobs: usize,
}

/// Writes the volumes of a bundle, with their checksum file, and verifies it on the way.
pub(crate) fn split(options: &Options, report: &Report) -> Result<Written> {
    if options.bundle == Path::new("-") {
        return Err(Error::NotFromStdin("split"));
    }
    report.emit(Event::Phase(Phase::Check));
    let found = Bundle::find(&options.bundle, &[], None)?;
    let name = found.file.file_name().unwrap_or_default();
    let output = OutputFiles {
        path: beside(&options.dir, Path::new(name)),
        force: options.force,
        volume_size: Some(options.volume_size),
        checksum: true,
        parity: None,
        keeps_parts: false,
        read_back: options.read_back,
        replaces: Replaces::Volumes,
    };
    let how = Rewrite {
        output: &output,
        jobs: options.jobs,
        phase: Phase::Split,
        expected: None,
        parity: None,
    };
    rewrite(found, &how, report)
}

/// A file in a directory, without a dot where that is the current one.
fn beside(dir: &Path, name: &Path) -> PathBuf {
    if dir == Path::new(".") {
        name.to_owned()
    } else {
        dir.join(name)
    }
}
