//! Syncs names to disk: the name of a file is stored in its directory.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::fs::syncfs;

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
