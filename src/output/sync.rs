//! Names reach the disk, too: that of a file is in its directory.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::fs::syncfs;

/// Brings a directory to the disk, in which this file has just got its name.
pub(super) fn sync_directory(dir: &Path, file: &Path) -> io::Result<()> {
    match File::open(dir).and_then(|dir| dir.sync_all()) {
        // Some file systems (vfat through FUSE, network ones) cannot sync a directory.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        other => or_through(file, other),
    }
}

/// Brings to a medium whatever there is for it: it is about to be pulled out.
pub(super) fn sync_all_around(dir: &Path, file: &Path) -> io::Result<()> {
    or_through(file, File::open(dir).and_then(|dir| Ok(syncfs(dir)?)))
}

/// A directory that takes files but is not to be listed (a drop box) cannot be opened. Its file
/// system is asked through the file then; one that is not to be read either leaves no way.
fn or_through(file: &Path, outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => match File::open(file) {
            Ok(file) => Ok(syncfs(file)?),
            Err(_) => Ok(()),
        },
        other => other,
    }
}
