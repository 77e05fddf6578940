//! Whether a directory can have a store: its file system must keep what a store path consists of, and
//! run programs.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, StatVfsMountFlags, accessat, statvfs};

use super::Portable;
use crate::error::{Error, Result, Unfit};

/// Fails if a store cannot be in its directory.
pub(super) fn ensure(store: &Portable) -> Result<()> {
    let refused = |why: &str| Unfit::NoStoreThere {
        dir: store.dir().to_owned(),
        why: why.to_owned(),
    };
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
                crate::text::shown(&there),
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

/// The thing that a file system does not keep, if there is one. Tried in a directory that is removed.
fn keeps_what_a_store_needs(dir: &Path) -> io::Result<Option<&'static str>> {
    let probe = tempfile::Builder::new()
        .prefix(".shellpack-")
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
    for mode in [0o444, 0o555] {
        let _ = fs::set_permissions(at("a"), Permissions::from_mode(mode));
        if fs::metadata(at("a"))?.permissions().mode() & 0o777 != mode {
            return Ok(Some("permissions"));
        }
    }
    Ok(None)
}
