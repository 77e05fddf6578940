//! The properties of a place, before anything is written there: its file system, its free space,
//! its largest file, and whether the medium can be removed.

use std::path::Path;

use rustix::fs::StatVfsMountFlags;
use rustix::io::Errno;

use crate::error::{BadOutput, Error, Result};

mod again;
mod device;
mod file_system;
pub(crate) mod source;
pub(crate) mod space;
pub(crate) mod sync;
mod unreadable;
pub(crate) mod volumes;
pub(crate) mod workplace;
pub(crate) mod writeback;

pub(crate) use again::FromMedium;
pub(crate) use file_system::FileSystem;
pub(crate) use unreadable::{Unreadable, is_lost};

/// The medium of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Medium {
    /// Its file system, if it is one with a name here.
    pub file_system: Option<FileSystem>,
    /// The free bytes that we may use, if the file system reports them.
    pub free: Option<u64>,
    /// Whether it is read-only.
    pub is_read_only: bool,
    /// Whether the medium can be removed; `None` without a device, or if it is unknown.
    pub is_removable: Option<bool>,
}

impl Medium {
    /// Looks at the medium of an existing directory.
    pub(crate) fn of(dir: &Path) -> Result<Self> {
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
            is_removable: device::of(dir).map(|device| device::is_removable(&device)),
        })
    }

    /// Looks at the medium of a directory. Refuses one that does not exist, or is read-only.
    pub(crate) fn writable(dir: &Path) -> Result<Self> {
        if !dir.is_dir() {
            return Err(BadOutput::NotDirectory(dir.to_owned()).into());
        }
        let medium = Self::of(dir)?;
        if medium.is_read_only {
            return Err(Error::io("write to", dir)(Errno::ROFS.into()));
        }
        Ok(medium)
    }

    /// The free space, if it is less than this many bytes.
    pub(crate) fn too_small_for(&self, bytes: u64) -> Option<u64> {
        self.free.filter(|free| bytes > *free)
    }

    /// The size of the largest file, if there is a limit that a bundle can reach.
    pub(crate) fn largest_file(&self) -> Option<u64> {
        self.file_system?.largest_file()
    }

    /// The kind of file system, as part of a sentence.
    pub(crate) fn name(&self) -> &'static str {
        self.file_system.map_or("its file system", FileSystem::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_known() {
        let proc = Medium::of(Path::new("/proc")).unwrap();
        assert_eq!((proc.free, proc.is_removable), (None, None));
        let here = Medium::of(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(here.free > Some(0) && !here.is_read_only);
        assert!(Medium::of(Path::new("/nowhere")).is_err());
    }
}
