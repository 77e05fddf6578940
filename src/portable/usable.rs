//! Whether a directory can have a store: its file system must keep what a store path consists of, and
//! run programs.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use rustix::fs::{
    Access, AtFlags, CWD, FlockOperation, StatVfsMountFlags, accessat, fcntl_lock, flock, statvfs,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::Portable;
use crate::error::{Error, Result, Unfit};
use crate::text::shown;

/// Fails if a store cannot be in its directory.
pub(super) fn ensure(store: &Portable) -> Result<()> {
    let refused = |why: &str| Unfit::NoStoreThere {
        dir: store.dir().to_owned(),
        why: why.to_owned(),
    };
    ensure_not_of_others(store)?;
    let existing = |dir: &Path| dir.ancestors().find(|dir| dir.exists()).map(Path::to_owned);
    for place in [store.files(), store.state().join("db")] {
        let there = existing(&place).unwrap_or_else(|| "/".into());
        if !there.is_dir() {
            return Err(refused("a file is in its way").into());
        }
        let may = accessat(
            CWD,
            &there,
            Access::WRITE_OK | Access::EXEC_OK,
            AtFlags::EACCESS,
        );
        may.map_err(|error| Unfit::NoStoreThere {
            dir: store.dir().to_owned(),
            why: format!(
                "{} cannot be written: {}",
                shown(&there),
                io::Error::from(error)
            ),
        })?;
    }
    let there = existing(&store.files()).unwrap_or_else(|| "/".into());
    let file_system = statvfs(&there)
        .map_err(|error| Error::io("look at the file system of", &there)(error.into()))?;
    if file_system.f_flag.contains(StatVfsMountFlags::NOEXEC) {
        return Err(
            refused("its file system is mounted noexec, so no program can run there").into(),
        );
    }
    if store.exists() {
        return Ok(());
    }
    match keeps_what_a_store_needs(&there) {
        Ok(None) => Ok(()),
        Ok(Some(lacks)) => Err(refused(&format!("its file system has no {lacks}")).into()),
        Err(error) => Err(Error::io("write to", &there)(error)),
    }
}

/// Fails if another user made a part of the store, or may change it: what is there is not read again, and its
/// programs run.
pub(super) fn ensure_not_of_others(store: &Portable) -> Result<(), Unfit> {
    let own = geteuid().as_raw();
    let state = store.state();
    let refused = |part: &Path, why: &str| Unfit::NoStoreThere {
        dir: store.dir().to_owned(),
        why: format!("{} {why}", shown(part)),
    };
    for part in [
        store.dir(),
        &store.nix(),
        &store.files(),
        &state,
        &state.join("db"),
    ] {
        let Ok(there) = part.symlink_metadata() else {
            continue;
        };
        let is_top = part == store.dir();
        if there.is_symlink() {
            return Err(refused(part, "is a symlink"));
        }
        // The directory of a store may be one of the system's, such as `/`, or one for all, such as `/tmp`.
        let is_sticky = is_top && there.mode() & 0o1000 != 0;
        if ![own, 0].contains(&there.uid()) {
            return Err(refused(part, "is another user's"));
        }
        if there.mode() & 0o002 != 0 && !is_sticky {
            return Err(refused(part, "may be changed by other users"));
        }
    }
    Ok(())
}

/// Whether a file cannot be locked: not by Nix's locks, or not by those of its database.
fn has_no_locks(file: &File) -> bool {
    let ours = flock(file, FlockOperation::NonBlockingLockExclusive);
    let databases = fcntl_lock(file, FlockOperation::NonBlockingLockExclusive);
    let without = [Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOLCK];
    let is_without =
        |outcome: rustix::io::Result<()>| outcome.is_err_and(|errno| without.contains(&errno));
    is_without(ours) || is_without(databases)
}

/// The thing that a file system does not keep, if there is one. Tried in a directory that is removed.
fn keeps_what_a_store_needs(dir: &Path) -> io::Result<Option<&'static str>> {
    let probe = tempfile::Builder::new()
        .prefix(".shellpack-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(dir)?;
    let at = |name: &str| probe.path().join(name);
    File::create(at("a"))?;
    if symlink("a", at("link")).is_err() {
        return Ok(Some("symlinks"));
    }
    if at("A").symlink_metadata().is_ok() {
        return Ok(Some(
            "difference between capital and small letters in names",
        ));
    }
    if has_no_locks(&File::options().read(true).write(true).open(at("a"))?) {
        return Ok(Some("locks"));
    }
    for mode in [0o444, 0o555] {
        let _ = fs::set_permissions(at("a"), Permissions::from_mode(mode));
        if fs::metadata(at("a"))?.permissions().mode() & 0o777 != mode {
            return Ok(Some("permissions"));
        }
    }
    Ok(None)
}
