//! File systems, by the number from `statfs`.

/// A file system that may hold a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileSystem {
    /// FAT in any width, as on sticks.
    Vfat,
    /// exFAT, through the kernel.
    Exfat,
    /// NTFS, through the kernel.
    Ntfs,
    /// A user's program, which may be NTFS or exFAT as well.
    Fuse,
    /// ext2, ext3 or ext4.
    Ext,
    /// XFS.
    Xfs,
    /// Btrfs.
    Btrfs,
    /// F2FS.
    F2fs,
    /// ZFS.
    Zfs,
    /// bcachefs.
    Bcachefs,
    /// Memory.
    Tmpfs,
    /// Memory, the root of an initramfs.
    Ramfs,
    /// Two directories, one over the other.
    Overlay,
    /// A CD or DVD.
    Iso9660,
    /// A DVD or Blu-ray disc.
    Udf,
    /// HFS+.
    HfsPlus,
    /// A read-only image.
    Squashfs,
    /// Another one.
    Erofs,
    /// A server's, over NFS.
    Nfs,
    /// A server's, over SMB.
    Smb,
    /// A host's, in a guest.
    NineP,
    Lustre,
}

use FileSystem as F;

/// The numbers in the kernel's `magic.h`, and others.
const TABLE: [(u32, FileSystem, &str); 24] = [
    (0x0000_4d44, F::Vfat, "vfat"),
    (0x2011_bab0, F::Exfat, "exfat"),
    (0x7366_746e, F::Ntfs, "ntfs"),
    (0x5346_544e, F::Ntfs, "ntfs"),
    (0x6573_5546, F::Fuse, "fuse"),
    (0x0000_ef53, F::Ext, "ext4"),
    (0x5846_5342, F::Xfs, "xfs"),
    (0x9123_683e, F::Btrfs, "btrfs"),
    (0xf2f5_2010, F::F2fs, "f2fs"),
    (0x2fc1_2fc1, F::Zfs, "zfs"),
    (0xca45_1a4e, F::Bcachefs, "bcachefs"),
    (0x0102_1994, F::Tmpfs, "tmpfs"),
    (0x8584_58f6, F::Ramfs, "ramfs"),
    (0x794c_7630, F::Overlay, "overlay"),
    (0x0000_9660, F::Iso9660, "iso9660"),
    (0x1501_3346, F::Udf, "udf"),
    (0x0000_482b, F::HfsPlus, "hfsplus"),
    (0x7371_7368, F::Squashfs, "squashfs"),
    (0xe0f5_e1e2, F::Erofs, "erofs"),
    (0x0000_6969, F::Nfs, "nfs"),
    (0xff53_4d42, F::Smb, "smb"),
    (0xfe53_4d42, F::Smb, "smb"),
    (0x0102_1997, F::NineP, "9p"),
    (0x0bd0_0bd0, F::Lustre, "lustre"),
];

impl FileSystem {
    /// The file system with this number.
    pub(crate) fn of_magic(magic: u32) -> Option<Self> {
        let row = TABLE.iter().find(|row| row.0 == magic);
        row.map(|row| row.1)
    }

    /// The name that `mount -t` uses for it, or for one of its kind.
    pub(crate) fn name(self) -> &'static str {
        let row = TABLE.iter().find(|row| row.1 == self);
        row.map_or("unknown", |row| row.2)
    }

    /// Whether other machines may use it at the same time.
    pub(crate) fn is_of_a_network(self) -> bool {
        matches!(self, Self::Nfs | Self::Smb | Self::NineP | Self::Lustre)
    }

    /// The size of the largest file, if a bundle can be larger. Other file systems have limits as
    /// well, which depend on how they were made and start at 16 GiB (ext3 with small blocks).
    /// Writing finds those, and the limits of a program or a server.
    pub(crate) fn largest_file(self) -> Option<u64> {
        match self {
            Self::Vfat => Some(u32::MAX.into()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_have_one_name_each() {
        for (magic, file_system, name) in TABLE {
            assert_eq!(FileSystem::of_magic(magic), Some(file_system));
            assert_eq!(file_system.name(), name);
        }
        assert_eq!(FileSystem::of_magic(0x0000_9fa0), None, "proc");
    }

    #[test]
    fn fat_takes_no_file_of_4_gib() {
        let limits = [F::Vfat, F::Exfat, F::Ext].map(FileSystem::largest_file);
        assert_eq!(limits, [Some(4_294_967_295), None, None]);
    }
}
