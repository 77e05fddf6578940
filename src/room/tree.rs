//! The room's directory tree: a tmpfs, the host bound on it, the overlays on top.
//!
//! The new root becomes the root *first*, with the host's whole tree in a directory of it, and
//! everything is bound from there. So no mount can hide a source of a later one.

use std::collections::BTreeMap;
use std::fs::{self, File, FileType};
use std::io;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind_recursive, unmount};
use rustix::process::{pivot_root, umask};

use super::Room;
use super::kernel;
use super::layers::{self, mount_tmpfs};
use super::links::followed;
use super::mountinfo::MountTable;
use super::namespaces;
use super::read_only;
use super::report::StageFailure;
use super::spec::{Access, Host, Overlay};
use crate::text::shown;

/// The host's tree, until everything is bound.
const HOST: &str = "/.shellpack-host";
/// The directory that the new root is mounted on. It only has to exist, and it does: we were
/// started through it.
const MOUNT_POINT: &str = "/proc";
/// Top-level directories that are not bound from the host as they are.
const SPECIAL: [&str; 3] = ["/proc", "/dev", "/sys"];

/// Gives the current process, alone in its mount namespace, the room's tree as its root.
pub(super) fn build(room: &Room) -> Result<(), StageFailure> {
    let table =
        fs::read("/proc/self/mountinfo").map_err(StageFailure::during("reading the mounts"))?;
    let mut tree = Tree {
        table: MountTable::parse(&table),
        writable: BTreeMap::new(),
    };
    // Mount points are readable for all users, whatever the caller's umask is.
    let callers_umask = umask(Mode::from_raw_mode(0o022));
    tree.enter_empty_root(room)?;
    tree.bind_host(room)?;
    if room.host != Host::Whole {
        tree.add_kernel_directories(room)?;
    }
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
    /// For each directory with a mount on it, whether places may be created below.
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
    fn enter_empty_root(&mut self, room: &Room) -> Result<(), StageFailure> {
        namespaces::cut_off(room.host == Host::Whole)?;
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
            // Directories that an overlay hides as a whole need not exist.
            let hidden = room.overlays.iter().any(|overlay| overlay.at() == at);
            let is_special =
                room.host != Host::Whole && SPECIAL.iter().any(|special| at == Path::new(special));
            // A directory that is bound over a symlink takes its place: Nix refuses a store behind one.
            let replaced = room.overlays.iter().any(|overlay| overlay.replaces(&at));
            if kind.is_symlink() {
                if replaced {
                    continue;
                }
                let target =
                    fs::read_link(entry.path()).map_err(StageFailure::at("reading", &at))?;
                symlink(target, &at).map_err(StageFailure::at("creating", &at))?;
            } else if !is_special && at != Path::new(HOST) && !hidden {
                create(&at, PlaceKind::of(kind)).map_err(StageFailure::at("creating", &at))?;
                match self.bind(&at, &at, host_access(room)) {
                    // The user cannot look into it on the host either, as for a dead network mount.
                    Err(_) if room.host == Host::Whole && fs::metadata(host(&at)).is_err() => {}
                    bound => bound?,
                }
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
            // In a container that hides parts of /proc, a fresh one cannot be mounted. The host's
            // shows outside processes, but /proc/self works. It stays writable, since otherwise no
            // room could be made inside this one.
            self.bind(Path::new("/proc"), Path::new("/proc"), Access::Writable)?;
        }
        let shared: &[&str] = if room.guarded {
            &["/sys"]
        } else {
            &["/dev", "/sys"]
        };
        for shared in shared.iter().map(Path::new) {
            self.bind(shared, shared, host_access(room))?;
        }
        if room.guarded {
            kernel::make_devices(&host(Path::new("/dev")))?;
            kernel::close_settings()?;
        }
        let shm = Path::new("/dev/shm");
        if fs::symlink_metadata(shm).is_ok_and(|shm| shm.is_dir()) {
            self.mask(shm)?;
        }
        Ok(())
    }

    fn add_overlays(&mut self, room: &Room) -> Result<(), StageFailure> {
        let mut overlays: Vec<_> = room.overlays.iter().collect();
        overlays.sort_by_cached_key(|overlay| followed(overlay.at()).components().count());
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
                Overlay::Layered { source, writes, at } => {
                    let at = at.path();
                    let place = self.place(at, PlaceKind::Directory)?;
                    let place = place.ok_or_else(|| no_such_place(at))?;
                    layers::mount_on(&place, &host(source.path()), &host(writes.path()))?;
                    self.writable.insert(place, true);
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
        let parent = followed(at.parent().unwrap_or(at));
        let named = parent.join(at.file_name().unwrap_or_default());
        let place = self.creatable(&named).ok_or_else(|| no_such_place(at))?;
        let target = fs::read_link(host(source)).map_err(StageFailure::at("reading", source))?;
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(StageFailure::at("creating", parent))?;
        }
        match symlink(&target, &place) {
            // An earlier room with the same /nix has left it.
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

    /// Mounts a file or directory of the host at an existing place.
    fn bind(&self, source: &Path, at: &Path, access: Access) -> Result<(), StageFailure> {
        // Always recursive: in a user namespace the kernel does not allow a mount to be removed
        // from what it covers.
        mount_bind_recursive(host(source), at).map_err(StageFailure::at("binding", at))?;
        if access == Access::ReadOnly {
            read_only::make(at, self.table.flags_at(source))?;
            for (point, flags) in self.table.below(source) {
                let Ok(inner) = point.strip_prefix(source) else {
                    continue;
                };
                read_only::make(&at.join(inner), flags)?;
            }
        }
        Ok(())
    }

    /// Covers an existing directory with an empty one of the same permissions.
    fn mask(&mut self, dir: &Path) -> Result<(), StageFailure> {
        let found = fs::metadata(host(dir)).or_else(|_| fs::metadata(dir));
        let mode = found.map_err(StageFailure::at("reading", dir))?.mode();
        mount_tmpfs(dir, mode & 0o7777 | 0o700)?;
        self.writable.insert(dir.to_owned(), true);
        Ok(())
    }

    /// The real place of `at` in the room, created if needed; `None` if the room may not create it.
    fn place(&self, at: &Path, kind: PlaceKind) -> Result<Option<PathBuf>, StageFailure> {
        if let Ok(real) = fs::canonicalize(at) {
            return Ok(Some(real));
        }
        let Some(real) = self.creatable(&followed(at)) else {
            return Ok(None);
        };
        create(&real, kind).map_err(StageFailure::at("creating", at))?;
        Ok(Some(real))
    }

    /// The place where `at` would be created, if the room may write there.
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

/// Removes the host's tree, and leaves a root in which nothing can be created: files that a program
/// wrote there would be lost silently.
fn close_root() -> Result<(), StageFailure> {
    unmount(HOST, UnmountFlags::DETACH)
        .map_err(StageFailure::during("letting go of the host's root"))?;
    fs::remove_dir(HOST).map_err(StageFailure::at("removing", Path::new(HOST)))?;
    read_only::remount(Path::new("/"), MountFlags::NOSUID | MountFlags::NODEV)
        .map_err(StageFailure::at("making read-only", Path::new("/")))
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

/// The path of a host's file while the room is built.
fn host(path: &Path) -> PathBuf {
    Path::new(HOST).join(path.strip_prefix("/").unwrap_or(path))
}

fn host_type(path: &Path) -> Result<FileType, StageFailure> {
    let found = fs::symlink_metadata(host(path)).map_err(StageFailure::at("reading", path))?;
    Ok(found.file_type())
}

fn host_access(room: &Room) -> Access {
    if room.host == Host::ReadOnlyFiles {
        Access::ReadOnly
    } else {
        Access::Writable
    }
}

fn no_such_place(at: &Path) -> StageFailure {
    StageFailure::Setup {
        what: format!(
            "there is no {} on the host, and the room may not create it there",
            shown(at)
        ),
    }
}
