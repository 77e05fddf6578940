//! The block device below a file system, and whether it can be removed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

/// The kernel's description of the block device that a directory is on.
pub(super) fn of(dir: &Path) -> Option<PathBuf> {
    let number = fs::metadata(dir).ok()?.dev();
    // btrfs and others have numbers of their own, and are mounted from a device.
    numbered(number).or_else(|| numbered(fs::metadata(mounted_from(dir)?).ok()?.rdev()))
}

fn numbered(device: u64) -> Option<PathBuf> {
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    fs::canonicalize(format!("/sys/dev/block/{major}:{minor}")).ok()
}

/// The device that is mounted there.
fn mounted_from(dir: &Path) -> Option<PathBuf> {
    let mount = statx(CWD, dir, AtFlags::empty(), StatxFlags::MNT_ID).ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    source_of(&mounts, mount.stx_mnt_id).map(PathBuf::from)
}

/// In the format of `proc_pid_mountinfo(5)`: the number comes first, and the source second behind a
/// dash.
fn source_of(mounts: &str, number: u64) -> Option<&str> {
    let is_it = |line: &&str| line.split(' ').next() == Some(number.to_string().as_str());
    let line = mounts.lines().find(is_it)?;
    line.split_once(" - ")?.1.split(' ').nth(1)
}

/// Sticks report that they are removable. External disks do not, but are on a bus whose devices can
/// be removed. An encrypted device, or one made of several, is what is below it.
pub(super) fn is_removable(device: &Path) -> bool {
    says_so(device) || is_pluggable(device) || below(device).iter().any(|it| is_removable(it))
}

/// The kernel's own report about a device, or about the disk of a partition.
fn says_so(device: &Path) -> bool {
    let places = [Some(device), device.parent()].into_iter().flatten();
    places
        .filter_map(|place| fs::read_to_string(place.join("removable")).ok())
        .any(|word| word.trim() == "1")
}

fn is_pluggable(device: &Path) -> bool {
    let mut parts = device.iter().filter_map(|part| part.to_str());
    parts.any(|name| {
        name.starts_with("usb") || name.starts_with("mmc_host") || name.starts_with("firewire")
    })
}

/// The devices that device mapper, md and the like have combined.
fn below(device: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(device.join("slaves")).into_iter().flatten();
    let entries = entries.filter_map(std::result::Result::ok);
    entries
        .filter_map(|entry| fs::canonicalize(entry.path()).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Directories like the kernel's: a device and its attributes.
    fn sys(devices: &[(&str, &str)]) -> tempfile::TempDir {
        let sys = tempfile::tempdir().unwrap();
        for (device, says) in devices {
            fs::create_dir_all(sys.path().join(device)).unwrap();
            fs::write(sys.path().join(device).join("removable"), says).unwrap();
        }
        sys
    }

    #[test]
    fn what_is_plugged_in_can_be_pulled_out() {
        for (device, says, removable) in [
            ("pci0000:00/0000:00:17.0/ata1/block/sda", "0\n", false),
            ("pci0000:00/0000:00:17.0/ata1/block/sda", "1\n", true),
            (
                "pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/block/sdb",
                "0\n",
                true,
            ),
            (
                "pci0000:00/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0",
                "0\n",
                true,
            ),
            ("virtual/block/loop0", "0\n", false),
        ] {
            let sys = sys(&[(device, says)]);
            let disk = sys.path().join(device);
            assert_eq!(is_removable(&disk), removable, "{device}");
            assert_eq!(is_removable(&disk.join("sdx1")), removable, "{device}");
        }
    }

    #[test]
    fn what_is_encrypted_is_on_a_stick_all_the_same() {
        let (stick, disk) = ("usb2/block/sdb", "ata1/block/sda");
        let (mapped, second) = ("virtual/block/dm-0", "virtual/block/dm-1");
        for (below, removable) in [(stick, true), (disk, false)] {
            let sys = sys(&[(stick, "0"), (disk, "0"), (mapped, "0"), (second, "0")]);
            for (device, below) in [(mapped, below), (second, mapped)] {
                let slaves = sys.path().join(device).join("slaves");
                fs::create_dir(&slaves).unwrap();
                symlink(sys.path().join(below), slaves.join("it")).unwrap();
            }
            assert_eq!(is_removable(&sys.path().join(second)), removable);
        }
    }

    #[test]
    fn a_mount_has_a_source() {
        let mounts = "21 1 0:20 / /sys rw shared:7 - sysfs sysfs rw\n\
                      121 1 0:54 /sub /mnt/a\\040b rw - btrfs /dev/sdb1 rw,ssd\n";
        assert_eq!(source_of(mounts, 121), Some("/dev/sdb1"));
        assert_eq!(source_of(mounts, 21), Some("sysfs"));
        assert_eq!(source_of(mounts, 12), None);
    }
}
