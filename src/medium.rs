//! What is known of a place before anything is written there: which file system it is, how much
//! room it has, how large a file may be, and whether it can be pulled out.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::StatVfsMountFlags;
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::space;

mod again;
mod file_system;
mod unreadable;

pub(crate) use again::FromMedium;
pub use file_system::FileSystem;
pub(crate) use unreadable::{Unreadable, is_lost};

/// The place that a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Medium {
    /// Its file system, as far as that is one with a name here.
    pub file_system: Option<FileSystem>,
    /// Bytes that we may still write, where the file system says how many.
    pub free: Option<u64>,
    /// Whether nobody can write.
    pub is_read_only: bool,
    /// Whether it can be pulled out; `None` where there is no device, or nobody knows.
    pub is_removable: Option<bool>,
}

impl Medium {
    /// Looks at the medium of an existing directory.
    pub fn of(dir: &Path) -> Result<Self> {
        let failed = |error: Errno| Error::io("look at the file system of", dir)(error.into());
        let kind = rustix::fs::statfs(dir).map_err(failed)?;
        let numbers = rustix::fs::statvfs(dir).map_err(failed)?;
        Ok(Self {
            // The type of the field depends on the machine; all magic numbers have 32 bits.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "bits"
            )]
            file_system: FileSystem::of_magic(kind.f_type as u32),
            free: space::free(&numbers),
            is_read_only: numbers.f_flag.contains(StatVfsMountFlags::RDONLY),
            is_removable: fs::metadata(dir)
                .ok()
                .and_then(|metadata| device(metadata.dev()))
                .map(|device| is_removable(&device, &says_removable(&device))),
        })
    }

    /// Looks at the medium of a directory, and refuses one where nobody can write.
    pub(crate) fn writable(dir: &Path) -> Result<Self> {
        let medium = Self::of(dir)?;
        if medium.is_read_only {
            return Err(Error::io("write to", dir)(Errno::ROFS.into()));
        }
        Ok(medium)
    }

    /// Whether it has no room for so many bytes, and how much it has.
    pub(crate) fn too_small_for(&self, bytes: u64) -> Option<u64> {
        self.free.filter(|free| bytes > *free)
    }

    /// The size of the largest file that can be written there, where there is a limit that one
    /// can meet.
    pub fn largest_file(&self) -> Option<u64> {
        self.file_system?.largest_file()
    }

    /// What kind of file system it is, for a sentence.
    pub fn name(&self) -> &'static str {
        self.file_system.map_or("its file system", FileSystem::name)
    }
}

/// Where the kernel speaks of a block device.
fn device(number: u64) -> Option<PathBuf> {
    let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
    fs::canonicalize(format!("/sys/dev/block/{major}:{minor}")).ok()
}

/// The kernel's own words on a device, and on the disk that a partition is part of.
fn says_removable(device: &Path) -> Vec<String> {
    let disk = device.parent();
    let places = [Some(device), disk].into_iter().flatten();
    let words = places.map(|place| fs::read_to_string(place.join("removable")));
    words.filter_map(std::result::Result::ok).collect()
}

/// Sticks say that they are removable; disks in a case of their own do not, but hang on a bus
/// from which things are pulled.
fn is_removable(device: &Path, says: &[String]) -> bool {
    let is_pluggable = |name: &str| {
        name.starts_with("usb") || name.starts_with("mmc_host") || name.starts_with("firewire")
    };
    let mut parts = device.iter().filter_map(|part| part.to_str());
    says.iter().any(|word| word.trim() == "1") || parts.any(is_pluggable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plugged_in_can_be_pulled_out() {
        let disk = "/sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda";
        let stick = "/sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb/sdb1";
        let card =
            "/sys/devices/pci0000:00/0000:00:1d.6/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0/mmcblk0p1";
        for (device, says, removable) in [
            (disk, "0\n", false),
            (disk, "1\n", true),
            (stick, "0\n", true),
            (card, "0\n", true),
            ("/sys/devices/virtual/block/loop0", "0\n", false),
        ] {
            let found = is_removable(Path::new(device), &[says.to_owned()]);
            assert_eq!(found, removable, "{device}");
        }
    }

    #[test]
    fn a_place_is_known() {
        let proc = Medium::of(Path::new("/proc")).unwrap();
        assert_eq!((proc.free, proc.is_removable), (None, None));
        let here = Medium::of(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(here.free > Some(0) && !here.is_read_only);
        assert!(Medium::of(Path::new("/nowhere")).is_err());
    }
}
