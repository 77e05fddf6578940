//! File systems of the room's own: empty directories in memory, and overlays of two layers, in which a
//! directory of the host can be changed and stays as it is.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use super::report::StageFailure;

/// Where a layer in memory is while it is put in place.
const IN_MEMORY: &str = "/.shellpack-writes";

/// Overlays `lower` with an empty layer in `writes`, or in memory: not every file system can hold a
/// layer, another overlay for one.
pub(super) fn mount_on(at: &Path, lower: &Path, writes: &Path) -> Result<(), StageFailure> {
    let failed = StageFailure::at("layering", at);
    if mount_with(at, lower, writes).is_ok() {
        return Ok(());
    }
    let memory = Path::new(IN_MEMORY);
    fs::create_dir(memory).map_err(StageFailure::at("creating", memory))?;
    mount_tmpfs(memory, 0o755)?;
    let mounted = mount_with(at, lower, memory);
    // The overlay keeps hold of it.
    unmount(memory, UnmountFlags::DETACH).map_err(StageFailure::at("unmounting", memory))?;
    fs::remove_dir(memory).map_err(StageFailure::at("removing", memory))?;
    mounted.map_err(failed)
}

fn mount_with(at: &Path, lower: &Path, writes: &Path) -> io::Result<()> {
    let (upper, work) = (writes.join("upper"), writes.join("work"));
    for dir in [&upper, &work] {
        fs::create_dir(dir)?;
    }
    // The directory itself looks as in the upper layer.
    let mode = fs::metadata(lower)?.permissions();
    fs::set_permissions(&upper, mode)?;
    // By number: a comma or colon in a name would be part of the options' syntax.
    let layers = [File::open(lower)?, File::open(&upper)?, File::open(&work)?];
    let [lower, upper, work] = layers.each_ref().map(|layer| {
        let number = layer.as_raw_fd();
        format!("/proc/self/fd/{number}")
    });
    let options = format!("lowerdir={lower},upperdir={upper},workdir={work}");
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    let overlay = |options: String| {
        let options = CString::new(options)?;
        Ok(mount("overlay", at, "overlay", flags, options.as_c_str())?)
    };
    // An ordinary user may set only attributes of this kind. Older kernels do not know the option.
    overlay(format!("{options},userxattr")).or_else(|_: io::Error| overlay(options))
}

/// Covers a directory with an empty one, in memory.
pub(super) fn mount_tmpfs(dir: &Path, mode: u32) -> Result<(), StageFailure> {
    let options = CString::new(format!("mode={mode:o}")).unwrap_or_default();
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", dir, "tmpfs", flags, options.as_c_str())
        .map_err(StageFailure::at("mounting a tmpfs on", dir))
}
