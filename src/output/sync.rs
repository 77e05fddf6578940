//! Syncs files to disk, and their names: the name of a file is stored in its directory.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::fs::syncfs;

use super::cutter::CompleteFile;
use crate::error::{Error, Result};
use crate::report::{Event, Phase, Report, human};
use crate::text::shown;

/// Waits until files are on their medium. Most of their bytes are, and the rest is counted.
pub(super) fn sync_files(
    files: &mut [&mut CompleteFile],
    name: &Path,
    report: &Report,
) -> Result<()> {
    report.emit(Event::Phase(Phase::Sync));
    let bytes = files.iter().map(|file| file.rest()).sum();
    report.emit(Event::Total { bytes, paths: 0 });
    for file in files {
        let rest = file.rest();
        let words = format!("{} to reach {}", human(rest), shown(name));
        let _waiting = report.waiting(&words);
        file.sync().map_err(Error::io("sync", name))?;
        report.emit(Event::Advanced { bytes: rest });
    }
    Ok(())
}

/// Syncs a directory in which this file has just got its name.
pub(super) fn sync_directory(dir: &Path, file: &Path) -> io::Result<()> {
    match File::open(dir).and_then(|dir| dir.sync_all()) {
        // Some file systems (vfat through FUSE, network ones) cannot sync a directory.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        other => or_through(file, other),
    }
}

/// Syncs everything that is waiting for a medium, which is about to be removed.
pub(super) fn sync_all_around(dir: &Path, file: &Path) -> io::Result<()> {
    or_through(file, File::open(dir).and_then(|dir| Ok(syncfs(dir)?)))
}

/// A directory that accepts files but cannot be listed (a drop box) cannot be opened. Then its file
/// system is reached through the file; if that cannot be read either, there is no way.
fn or_through(file: &Path, outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => match File::open(file) {
            Ok(file) => Ok(syncfs(file)?),
            Err(_) => Ok(()),
        },
        other => other,
    }
}
