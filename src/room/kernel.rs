//! The parts of the kernel that a guarded room shows: few devices, and no settings that can be changed. Root on the
//! host owns the others, and needs no capability to open what it owns.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::mount::{MountFlags, mount, mount_bind, mount_bind_recursive};

use super::layers::mount_tmpfs;
use super::read_only;
use super::report::StageFailure;

/// Devices that any program may need, and that lead nowhere.
const DEVICES: [&str; 6] = ["full", "null", "random", "tty", "urandom", "zero"];

/// Symlinks beside them.
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("ptmx", "pts/ptmx"),
    ("stderr", "/proc/self/fd/2"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
];

/// Files in `/proc` that change the host, and that its root may write.
const SETTINGS: [&str; 8] = [
    "acpi",
    "bus",
    "fs",
    "irq",
    "mtrr",
    "scsi",
    "sys",
    "sysrq-trigger",
];

/// Makes a `/dev` of a few devices of the host's, whose own is at `host`.
pub(super) fn make_devices(host: &Path) -> Result<(), StageFailure> {
    let dev = Path::new("/dev");
    mount_tmpfs(dev, 0o755)?;
    for name in DEVICES {
        let (device, at) = (host.join(name), dev.join(name));
        if device.exists() {
            File::create(&at).map_err(StageFailure::at("creating", &at))?;
            mount_bind(&device, &at).map_err(StageFailure::at("binding", &at))?;
        }
    }
    for (name, target) in LINKS {
        let at = dev.join(name);
        symlink(target, &at).map_err(StageFailure::at("creating", &at))?;
    }
    for name in ["pts", "shm"] {
        let at = dev.join(name);
        fs::create_dir(&at).map_err(StageFailure::at("creating", &at))?;
    }
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    // Terminals of the room's own. Without, a program can do all but open one.
    let _ = mount(
        "devpts",
        "/dev/pts",
        "devpts",
        flags,
        c"newinstance,ptmxmode=0666,mode=0620",
    );
    read_only::remount(dev, MountFlags::NOSUID | MountFlags::NODEV)
        .map_err(StageFailure::at("making read-only", dev))
}

/// Makes the kernel's settings read-only.
pub(super) fn close_settings() -> Result<(), StageFailure> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    for name in SETTINGS {
        let at = Path::new("/proc").join(name);
        if at.exists() {
            mount_bind_recursive(&at, &at).map_err(StageFailure::at("binding", &at))?;
            read_only::make(&at, flags)?;
        }
    }
    Ok(())
}
