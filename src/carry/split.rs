//! Splits an existing bundle into volumes.

use std::path::{Path, PathBuf};

use crate::carry::rewrite::{Rewrite, rewrite};
use crate::error::{Error, Result};
use crate::media::source::Bundle;
use crate::media::volumes::VolumeSize;
use crate::output::{OutputFiles, ReadBack, Replaces, Written};
use crate::report::{Event, Phase, Report};

/// The user's options.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle.
    pub bundle: PathBuf,
    /// The size of a volume.
    pub volume_size: VolumeSize,
    /// The directory for the volumes.
    pub dir: PathBuf,
    /// Whether existing volumes are replaced.
    pub force: bool,
    /// Whether the volumes are read back.
    pub read_back: ReadBack,
    /// Number of threads that check segments.
    pub threads: usize,
}

/// Writes the volumes of a bundle and their checksum file, and verifies the bundle on the way.
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
        threads: options.threads,
        phase: Phase::Split,
        expected: None,
        parity: None,
        opener: None,
    };
    rewrite(found, &how, report)
}

/// The path of a file in a directory; in the current one, just its name.
fn beside(dir: &Path, name: &Path) -> PathBuf {
    if dir == Path::new(".") {
        name.to_owned()
    } else {
        dir.join(name)
    }
}
