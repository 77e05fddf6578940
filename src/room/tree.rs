//! The room's directory tree: a tmpfs, the host bound on it, the overlays on top.
//!
//! The new root is made the root *first*, with the host's whole tree at a directory of it, and
//! everything is then bound from there. So no source can be hidden by what is mounted before it.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::{self, File, FileType};
use std::io;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind_recursive, mount_change,
    mount_remount, unmount,
};
use rustix::process::{pivot_root, umask};

use super::Room;
use super::mountinfo::MountTable;
use super::report::StageFailure;
use super::spec::{Access, Overlay};

/// Where the host's tree is until everything is bound.
const HOST: &str = "/.shellpack-host";
/// The directory that the new root is mounted on. It only has to exist, and it does: we
/// were started through it.
const MOUNT_POINT: &str = "/proc";
/// Top-level directories that are not simply the host's.
const SPECIAL: [&str; 3] = ["/proc", "/dev", "/sys"];

/// Gives the current process, alone in its mount namespace, the room's tree as its root.
pub(super) fn build(room: &Room) -> Result<(), StageFailure> {
    let table =
        fs::read("/proc/self/mountinfo").map_err(StageFailure::during("reading the mounts"))?;
    let mut tree = Tree {
        table: MountTable::parse(&table),
        writable: BTreeMap::new(),
    };
    // Mount points are for everybody, whatever the caller's files are to be.
    let callers_umask = umask(Mode::from_raw_mode(0o022));
    tree.enter_empty_root()?;
    tree.bind_host(room)?;
    tree.add_kernel_directories(room)?;
    tree.add_overlays(room)?;
    if let Some(home) = &room.home {
        tree.place(home.path(), PlaceKind::Directory)?
            .ok_or_else(|| no_such_place(home.path()))?;
    }
    close_root()?;
    umask(callers_umask);
    Ok(())
}

struct Tree {
    /// The host's mounts, read once: thousands of binds need their flags.
    table: MountTable,
    /// For each directory that something is mounted on, whether places may be created below.
    writable: BTreeMap<PathBuf, bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PlaceKind {
    Directory,
    File,
}

impl PlaceKind {
    fn of(file: FileType) -> Self {
        if file.is_dir() {
            Self::Directory
        } else {
            Self::File
        }
    }
}

impl Tree {
    fn enter_empty_root(&mut self) -> Result<(), StageFailure> {
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change("/", private).map_err(|error| match error {
            // The first mount: a security module that lets one make the namespace but not use
            // it (Ubuntu's AppArmor does) refuses here.
            Errno::PERM | Errno::ACCESS => {
                StageFailure::forbidden("mounting inside a user namespace")(error)
            }
            // In a chroot, for one: its root is no mount.
            error => StageFailure::during("making the mounts private")(error),
        })?;
        mount_tmpfs(Path::new(MOUNT_POINT), 0o755)?;
        let put_old = format!("{MOUNT_POINT}{HOST}");
        fs::create_dir(&put_old).map_err(StageFailure::at("creating", Path::new(HOST)))?;
        pivot_root(MOUNT_POINT, put_old.as_str())
            .map_err(StageFailure::during("changing the root"))?;
        std::env::set_current_dir("/").map_err(StageFailure::during("entering the new root"))?;
        self.writable.insert("/".into(), true);
        Ok(())
    }

    fn bind_host(&mut self, room: &Room) -> Result<(), StageFailure> {
        let listing = StageFailure::at("listing", Path::new("/"));
        let entries: Vec<_> = fs::read_dir(HOST)
            .and_then(Iterator::collect)
            .map_err(listing)?;
        for entry in entries {
            let at = Path::new("/").join(entry.file_name());
            let kind = entry
                .file_type()
                .map_err(StageFailure::at("reading", &at))?;
            // What an overlay hides as a whole need not be there.
            let hidden = room.overlays.iter().any(|overlay| overlay.at() == at);
            let is_special = SPECIAL.iter().any(|special| at == Path::new(special));
            if kind.is_symlink() {
                let target =
                    fs::read_link(entry.path()).map_err(StageFailure::at("reading", &at))?;
                symlink(target, &at).map_err(StageFailure::at("creating", &at))?;
            } else if !is_special && at != Path::new(HOST) && !hidden {
                create(&at, PlaceKind::of(kind)).map_err(StageFailure::at("creating", &at))?;
                self.bind(&at, &at, host_access(room))?;
                self.writable.insert(at, false);
            }
        }
        Ok(())
    }

    fn add_kernel_directories(&mut self, room: &Room) -> Result<(), StageFailure> {
        for special in SPECIAL.map(Path::new) {
            create(special, PlaceKind::Directory).map_err(StageFailure::at("creating", special))?;
            self.writable.insert(special.to_owned(), false);
        }
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        if mount("proc", "/proc", "proc", flags, None).is_err() {
            // In a container that hides parts of /proc nobody may mount a fresh one. The host's
            // shows processes from outside, and /proc/self works all the same. It stays
            // writable, for without that no room could be made inside this one.
            self.bind(Path::new("/proc"), Path::new("/proc"), Access::Writable)?;
        }
        for shared in ["/dev", "/sys"].map(Path::new) {
            self.bind(shared, shared, host_access(room))?;
        }
        let shm = Path::new("/dev/shm");
        if fs::symlink_metadata(shm).is_ok_and(|shm| shm.is_dir()) {
            self.mask(shm)?;
        }
        Ok(())
    }

    fn add_overlays(&mut self, room: &Room) -> Result<(), StageFailure> {
        let mut overlays: Vec<_> = room.overlays.iter().collect();
        overlays.sort_by_key(|overlay| overlay.at().components().count());
        for overlay in overlays {
            match overlay {
                Overlay::Private { at } => {
                    if let Some(dir) = self.place(at.path(), PlaceKind::Directory)? {
                        self.mask(&dir)?;
                    }
                }
                Overlay::Bind { source, at, access } => {
                    let kind = PlaceKind::of(host_type(source.path())?);
                    self.bind_at(source.path(), at.path(), kind, *access)?;
                }
                Overlay::StorePath { source, at } => {
                    self.add_store_path(source.path(), at.path())?;
                }
            }
        }
        Ok(())
    }

    fn add_store_path(&mut self, source: &Path, at: &Path) -> Result<(), StageFailure> {
        let kind = host_type(source)?;
        if !kind.is_symlink() {
            return self.bind_at(source, at, PlaceKind::of(kind), Access::ReadOnly);
        }
        let place = self.creatable(at).ok_or_else(|| no_such_place(at))?;
        let target = fs::read_link(host(source)).map_err(StageFailure::at("reading", source))?;
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(StageFailure::at("creating", parent))?;
        }
        match symlink(&target, &place) {
            // Left by an earlier room with the same /nix.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let is_same = fs::read_link(&place).is_ok_and(|there| there == target);
                if is_same { Ok(()) } else { Err(error) }
            }
            other => other,
        }
        .map_err(StageFailure::at("creating the symlink", at))
    }

    fn bind_at(
        &mut self,
        source: &Path,
        at: &Path,
        kind: PlaceKind,
        access: Access,
    ) -> Result<(), StageFailure> {
        let place = self.place(at, kind)?.ok_or_else(|| no_such_place(at))?;
        self.bind(source, &place, access)?;
        self.writable.insert(place, access == Access::Writable);
        Ok(())
    }

    /// Mounts something of the host at a place that exists.
    fn bind(&self, source: &Path, at: &Path, access: Access) -> Result<(), StageFailure> {
        // Recursive always: in a user namespace the kernel lets nobody peel a mount off
        // what lies under it.
        mount_bind_recursive(host(source), at).map_err(StageFailure::at("binding", at))?;
        if access == Access::ReadOnly {
            make_read_only(at, self.table.flags_at(source))?;
            for (point, flags) in self.table.below(source) {
                let Ok(inner) = point.strip_prefix(source) else {
                    continue;
                };
                make_read_only(&at.join(inner), flags)?;
            }
        }
        Ok(())
    }

    /// Puts an empty directory over one that exists, as accessible as the one it stands for.
    fn mask(&mut self, dir: &Path) -> Result<(), StageFailure> {
        let found = fs::metadata(host(dir)).or_else(|_| fs::metadata(dir));
        let mode = found.map_err(StageFailure::at("reading", dir))?.mode();
        mount_tmpfs(dir, mode & 0o7777 | 0o700)?;
        self.writable.insert(dir.to_owned(), true);
        Ok(())
    }

    /// Where `at` really is inside the room, created if need be; nothing if that is not ours to do.
    fn place(&self, at: &Path, kind: PlaceKind) -> Result<Option<PathBuf>, StageFailure> {
        if let Ok(real) = fs::canonicalize(at) {
            return Ok(Some(real));
        }
        let Some(real) = self.creatable(at) else {
            return Ok(None);
        };
        create(&real, kind).map_err(StageFailure::at("creating", at))?;
        Ok(Some(real))
    }

    /// Where `at` would be if it were created, provided that the room may write there.
    fn creatable(&self, at: &Path) -> Option<PathBuf> {
        let real = at
            .parent()
            .into_iter()
            .flat_map(Path::ancestors)
            .find_map(|existing| {
                let inner = at.strip_prefix(existing).ok()?;
                Some(fs::canonicalize(existing).ok()?.join(inner))
            })?;
        let mounted = real.ancestors().find_map(|dir| self.writable.get(dir));
        mounted.is_some_and(|writable| *writable).then_some(real)
    }
}

/// Takes the host's tree away, and leaves a root in which nothing can be created: what a
/// program wrote there would be lost without a word.
fn close_root() -> Result<(), StageFailure> {
    unmount(HOST, UnmountFlags::DETACH)
        .map_err(StageFailure::during("letting go of the host's root"))?;
    fs::remove_dir(HOST).map_err(StageFailure::at("removing", Path::new(HOST)))?;
    remount_read_only(Path::new("/"), MountFlags::NOSUID | MountFlags::NODEV)
        .map_err(StageFailure::at("making read-only", Path::new("/")))
}

fn mount_tmpfs(dir: &Path, mode: u32) -> Result<(), StageFailure> {
    let options = CString::new(format!("mode={mode:o}")).unwrap_or_default();
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", dir, "tmpfs", flags, options.as_c_str())
        .map_err(StageFailure::at("mounting a tmpfs on", dir))
}

fn remount_read_only(at: &Path, flags: MountFlags) -> rustix::io::Result<()> {
    mount_remount(at, MountFlags::BIND | MountFlags::RDONLY | flags, "")
}

/// Makes one mount read-only, or hides it, or fails: it is never left writable.
fn make_read_only(at: &Path, flags: MountFlags) -> Result<(), StageFailure> {
    match remount_read_only(at, flags) {
        // Errors: not to be reached by its name, hence by nothing in the room: unlinked since it
        // was mounted on, below a directory that is closed to us, or below another mount that
        // covers it, and then there is no mount of that name.
        Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::INVAL) => Ok(()),
        // It has a flag that we do not know of and may not drop.
        Err(error) => hide(at).map_err(|_| StageFailure::at("making read-only", at)(error)),
    }
}

/// Covers a directory with an empty one, anything else with an empty file.
fn hide(at: &Path) -> Result<(), StageFailure> {
    let found = fs::symlink_metadata(at).map_err(StageFailure::at("reading", at))?;
    if found.is_dir() {
        mount_tmpfs(at, 0o555)?;
    } else {
        // Its name is needed only to mount it.
        let empty = Path::new("/.empty");
        File::create(empty).map_err(StageFailure::at("creating", empty))?;
        mount_bind_recursive(empty, at).map_err(StageFailure::at("hiding", at))?;
        fs::remove_file(empty).map_err(StageFailure::at("removing", empty))?;
    }
    remount_read_only(at, MountFlags::NOSUID | MountFlags::NODEV)
        .map_err(StageFailure::at("hiding", at))
}

fn create(at: &Path, kind: PlaceKind) -> io::Result<()> {
    if kind == PlaceKind::Directory {
        return fs::create_dir_all(at);
    }
    if let Some(parent) = at.parent() {
        fs::create_dir_all(parent)?;
    }
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(at)
        .map(drop)
}

/// A path of the host as it can be reached while the room is built.
fn host(path: &Path) -> PathBuf {
    Path::new(HOST).join(path.strip_prefix("/").unwrap_or(path))
}

fn host_type(path: &Path) -> Result<FileType, StageFailure> {
    let found = fs::symlink_metadata(host(path)).map_err(StageFailure::at("reading", path))?;
    Ok(found.file_type())
}

fn host_access(room: &Room) -> Access {
    if room.read_only_host {
        Access::ReadOnly
    } else {
        Access::Writable
    }
}

fn no_such_place(at: &Path) -> StageFailure {
    StageFailure::Setup {
        what: format!(
            "there is no {} on the host, and the room may not create it there",
            at.display()
        ),
    }
}
