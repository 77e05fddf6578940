//! Free space on file systems, asked for before it is needed.

use std::path::Path;

use crate::error::{Error, Result};
use crate::report::human;

/// About what NARs take once they are unpacked: a file takes whole blocks, and a nixpkgs
/// source, mostly files of a few hundred bytes, a quarter more than its NAR.
pub(crate) fn unpacked(nar_bytes: u64) -> u64 {
    nar_bytes.saturating_add(nar_bytes / 4)
}

/// Ensures that a directory's file system has this many bytes free for us.
pub(crate) fn ensure_free(dir: &Path, needed: u64) -> Result<()> {
    let statistics = rustix::fs::statvfs(dir)
        .map_err(|error| Error::io("look at the file system of", dir)(error.into()))?;
    let free = statistics.f_bavail.saturating_mul(statistics.f_frsize);
    if needed <= free {
        return Ok(());
    }
    Err(Error::NoSpace {
        dir: dir.to_owned(),
        needed: human(needed),
        free: human(free),
    })
}
