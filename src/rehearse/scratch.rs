//! Scratch space for a room, and the `/nix` in it.

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::StatVfsMountFlags;

use crate::error::{Error, Result};
use crate::media::space;
use crate::media::workplace::{Temporary, Workplace};
use crate::text::shown;
use crate::tree;
use shellpack_format::store::store_path::StoreDir;

/// The names of such directories.
const TEMPORARY: Temporary = Temporary {
    prefix: "shellpack-rehearsal-",
    suffix: "",
};

/// A directory with at least this many bytes free: in `TMPDIR` if that is set, else in the cache
/// directory, since `/tmp` is often small.
pub(super) fn scratch_space(needed: u64) -> Result<Scratch> {
    let home = || std::env::var_os("HOME").map(PathBuf::from);
    let cache = || {
        std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| home().map(|home| home.join(".cache")))
    };
    let base = match std::env::var_os("TMPDIR") {
        Some(dir) => PathBuf::from(dir),
        None => cache().map_or_else(std::env::temp_dir, |cache| cache.join("shellpack")),
    };
    fs::create_dir_all(&base).map_err(Error::io("create", &base))?;
    let workplace = Workplace::enter(&base, TEMPORARY, |left| {
        let _ = tree::delete_tree(left);
    });
    space::ensure_free(&base, needed)?;
    tempfile::Builder::new()
        .prefix(TEMPORARY.prefix)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(&base)
        .map(|dir| Scratch(dir.keep(), workplace))
        .map_err(Error::io("create a directory in", &base))
}

/// Refuses scratch space whose programs could not be run, as a hardened `/tmp`: an empty store there
/// would be opened, and then the shell's bash would not start.
pub(super) fn ensure_executable(scratch: &Path) -> Result<()> {
    let file_system = rustix::fs::statvfs(scratch)
        .map_err(|error| Error::io("look at the file system of", scratch)(error.into()))?;
    if file_system.f_flag.contains(StatVfsMountFlags::NOEXEC) {
        let dir = shown(scratch.parent().unwrap_or(scratch));
        return Err(Error::Room {
            what: format!("no program can run in {dir}, which is mounted noexec"),
        });
    }
    Ok(())
}

/// The room's `/nix`, with a configuration of its own: inside, Nix runs as root or mapped
/// root, where build users and sandboxes cannot work.
pub(super) fn nix_directory(scratch: &Path, store: &StoreDir) -> Result<PathBuf> {
    let dir = scratch.join("nix");
    let inside = store
        .as_path()
        .strip_prefix("/nix")
        .map_err(|_| Error::Room {
            what: format!("the store {store} is not below /nix, which rooms need"),
        })?;
    let configuration = dir.join("etc/nix");
    for part in [&dir.join(inside), &configuration] {
        fs::create_dir_all(part).map_err(Error::io("create", part))?;
    }
    let file = configuration.join("nix.conf");
    fs::write(
        &file,
        "build-users-group =\nsandbox = false\nsubstitute = false\nsubstituters =\n",
    )
    .map_err(Error::io("write", &file))?;
    Ok(dir)
}

/// A directory that is removed when this is dropped. Store paths are read-only; an ordinary user
/// must make them writable before they can be removed.
#[derive(Debug)]
pub(super) struct Scratch(
    pub(super) PathBuf,
    #[expect(
        dead_code,
        reason = "while it is held, the directory is nobody's leftover"
    )]
    Workplace,
);

impl Drop for Scratch {
    fn drop(&mut self) {
        // If that fails, the rest is left to the system's own cleaning of scratch directories.
        let _ = tree::delete_tree(&self.0);
    }
}
