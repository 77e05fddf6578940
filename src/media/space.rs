//! Free space on file systems, checked before it is needed.

use std::path::Path;

use rustix::fs::StatVfs;

use crate::error::{Error, Result, Unfit};
use crate::report::human;

/// The approximate size of unpacked NARs. A file needs whole blocks, and a nixpkgs source, mostly
/// files of a few hundred bytes, needs a quarter more than its NAR.
pub(crate) fn unpacked(nar_bytes: u64) -> u64 {
    nar_bytes.saturating_add(nar_bytes / 4)
}

/// The free bytes that we may use, as a file system reports them. Some do not know their size:
/// ramfs, which the root of an initramfs may be, and a tmpfs without a limit.
pub(crate) fn free(file_system: &StatVfs) -> Option<u64> {
    let is_known = file_system.f_blocks > 0;
    is_known.then(|| file_system.f_bavail.saturating_mul(file_system.f_frsize))
}

/// Ensures that a directory's file system has this many free bytes, as far as it reports them.
pub(crate) fn ensure_free(dir: &Path, needed: u64) -> Result<()> {
    let file_system = rustix::fs::statvfs(dir)
        .map_err(|error| Error::io("look at the file system of", dir)(error.into()))?;
    match free(&file_system) {
        Some(free) if needed > free => Err(Unfit::NoSpace {
            dir: dir.to_owned(),
            needed: human(needed),
            free: human(free),
        }
        .into()),
        _ => Ok(()),
    }
}
