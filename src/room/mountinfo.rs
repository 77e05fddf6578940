//! The mounts in `/proc/self/mountinfo`, read once per room.
//!
//! Only two columns matter here: the mount point and the options of that one mount. To make a bind
//! mount read-only, a remount must state *all* flags again, and in a user namespace the kernel
//! refuses to drop one that the host set.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Bound;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::mount::MountFlags;

/// The mount points of a mount namespace, with the flags that a remount must repeat.
#[derive(Debug, Default)]
pub(super) struct MountTable {
    mounts: BTreeMap<PathBuf, MountFlags>,
}

impl MountTable {
    /// Parses the kernel's table. Malformed lines are skipped: the kernel writes none, and a
    /// missing mount is noticed when it is looked up.
    pub(super) fn parse(mountinfo: &[u8]) -> Self {
        let mut mounts = BTreeMap::new();
        for line in mountinfo.split(|byte| *byte == b'\n') {
            let mut columns = line.split(|byte| *byte == b' ').skip(4);
            let (Some(point), Some(options)) = (columns.next(), columns.next()) else {
                continue;
            };
            // Of several mounts on one point, the last line is the topmost one, which path lookup
            // reaches.
            mounts.insert(unescape(point), flags(options));
        }
        Self { mounts }
    }

    /// The flags of the mount that holds `path`.
    pub(super) fn flags_at(&self, path: &Path) -> MountFlags {
        path.ancestors()
            .find_map(|at| self.mounts.get(at))
            .copied()
            .unwrap_or(MountFlags::empty())
    }

    /// The mounts strictly below `path`, each parent before its children.
    pub(super) fn below<'a>(
        &'a self,
        path: &'a Path,
    ) -> impl Iterator<Item = (&'a Path, MountFlags)> {
        // Paths are compared by component, so all paths below one follow it directly.
        self.mounts
            .range::<Path, _>((Bound::Excluded(path), Bound::Unbounded))
            .map(|(point, flags)| (point.as_path(), *flags))
            .take_while(move |(point, _)| point.starts_with(path))
    }
}

/// The kernel writes space, tab, newline and backslash in a path as `\` and three octal digits.
fn unescape(column: &[u8]) -> PathBuf {
    let mut path = Vec::with_capacity(column.len());
    let mut rest = column;
    while let Some((&byte, tail)) = rest.split_first() {
        let (byte, after) = match (byte, tail) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..]) => {
                (((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'), tail)
            }
            _ => (byte, tail),
        };
        path.push(byte);
        rest = after;
    }
    PathBuf::from(OsString::from_vec(path))
}

/// The flags that a remount drops unless it repeats them. The access-time flags are not among them:
/// the kernel keeps these if a remount names none.
fn flags(options: &[u8]) -> MountFlags {
    options
        .split(|byte| *byte == b',')
        .map(|option| match option {
            b"nosuid" => MountFlags::NOSUID,
            b"nodev" => MountFlags::NODEV,
            b"noexec" => MountFlags::NOEXEC,
            b"nosymfollow" => MountFlags::NOSYMFOLLOW,
            _ => MountFlags::empty(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"\
22 27 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:5 - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
30 27 0:30 / /mnt/a\\040b\\134c\\011 ro,nodev,noatime master:1 propagate_from:2 - tmpfs tmpfs rw
31 27 0:31 / /usr rw - ext4 /dev/vdb rw
32 31 0:32 / /usr/local rw,nosuid - ext4 /dev/vdb rw
33 27 0:33 / /usr2 rw - ext4 /dev/vdb rw
34 31 0:34 / /usr/local rw,noexec - ext4 /dev/vdc rw
short line
";

    fn below<'a>(table: &'a MountTable, path: &'a str) -> Vec<&'a str> {
        table
            .below(Path::new(path))
            .map(|(point, _)| point.to_str().unwrap())
            .collect()
    }

    #[test]
    fn flags_come_from_the_innermost_mount() {
        let table = MountTable::parse(TABLE);
        let proc = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        assert_eq!(table.flags_at(Path::new("/proc/self")), proc);
        assert_eq!(table.flags_at(Path::new("/usr/bin")), MountFlags::empty());
    }

    #[test]
    fn the_topmost_of_two_mounts_counts() {
        let table = MountTable::parse(TABLE);
        assert_eq!(
            table.flags_at(Path::new("/usr/local/bin")),
            MountFlags::NOEXEC
        );
    }

    #[test]
    fn octal_escapes_are_decoded() {
        let table = MountTable::parse(TABLE);
        assert_eq!(
            table.flags_at(Path::new("/mnt/a b\\c\t/x")),
            MountFlags::NODEV
        );
        assert_eq!(unescape(b"/a\\0401\\"), PathBuf::from("/a 1\\"));
        assert_eq!(unescape(b"/\\377").into_os_string().into_vec(), b"/\xff");
    }

    #[test]
    fn below_stops_at_siblings_with_the_same_prefix() {
        let table = MountTable::parse(TABLE);
        assert_eq!(below(&table, "/usr"), ["/usr/local"]);
        assert_eq!(below(&table, "/mnt/a"), Vec::<&str>::new());
        assert_eq!(below(&table, "/").len(), 5);
    }
}
