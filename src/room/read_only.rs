//! Mounts that are made read-only.

use std::fs::{self, File};
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::{MountFlags, mount_bind_recursive, mount_remount};

use super::layers::mount_tmpfs;
use super::report::StageFailure;

/// Makes one mount read-only, with these flags besides.
pub(super) fn remount(at: &Path, flags: MountFlags) -> rustix::io::Result<()> {
    mount_remount(at, MountFlags::BIND | MountFlags::RDONLY | flags, "")
}

/// Makes one mount read-only, or hides it, or fails: it never stays writable.
pub(super) fn make(at: &Path, flags: MountFlags) -> Result<(), StageFailure> {
    match remount(at, flags) {
        // These errors mean that the mount cannot be reached by its name, and so not from the room:
        // it was unlinked since it was mounted on, is below a directory that is closed to us, or is
        // covered by another mount.
        Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::INVAL) => Ok(()),
        // The mount has an unknown flag that must not be dropped.
        Err(error) => hide(at).map_err(|_| StageFailure::at("making read-only", at)(error)),
    }
}

/// Covers a directory with an empty one, and anything else with an empty file.
fn hide(at: &Path) -> Result<(), StageFailure> {
    let found = fs::symlink_metadata(at).map_err(StageFailure::at("reading", at))?;
    if found.is_dir() {
        mount_tmpfs(at, 0o555)?;
    } else {
        // Its name is needed only for the mount.
        let empty = Path::new("/.empty");
        File::create(empty).map_err(StageFailure::at("creating", empty))?;
        mount_bind_recursive(empty, at).map_err(StageFailure::at("hiding", at))?;
        fs::remove_file(empty).map_err(StageFailure::at("removing", empty))?;
    }
    remount(at, MountFlags::NOSUID | MountFlags::NODEV).map_err(StageFailure::at("hiding", at))
}
