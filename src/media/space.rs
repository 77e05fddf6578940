//! Free space on file systems, asked for before it is needed.

use std::path::Path;

use rustix::fs::StatVfs;

use crate::error::{Error, Result};
use crate::report::human;

/// About what NARs take once they are unpacked: a file takes whole blocks, and a nixpkgs
/// source, mostly files of a few hundred bytes, a quarter more than its NAR.
pub(crate) fn unpacked(nar_bytes: u64) -> u64 {
    nar_bytes.saturating_add(nar_bytes / 4)
}

/// How many bytes are free for us, by what a file system says of itself. Some do not know how large
/// they are: ramfs, which the root of an initramfs may be, and a tmpfs without a limit.
pub(crate) fn free(file_system: &StatVfs) -> Option<u64> {
    let is_known = file_system.f_blocks > 0;
    is_known.then(|| file_system.f_bavail.saturating_mul(file_system.f_frsize))
}

/// Ensures that a directory's file system has this many bytes free for us, as far as it says.
pub(crate) fn ensure_free(dir: &Path, needed: u64) -> Result<()> {
    let file_system = rustix::fs::statvfs(dir)
        .map_err(|error| Error::io("look at the file system of", dir)(error.into()))?;
    match free(&file_system) {
        Some(free) if needed > free => Err(Error::NoSpace {
            dir: dir.to_owned(),
            needed: human(needed),
            free: human(free),
        }),
        _ => Ok(()),
    }
}
