//! Copies of files in a scratch directory.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::error::{Error, Result};
use crate::interrupt;

/// Copies a tree and makes it writable: one of the store is not.
pub(super) fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let metadata = fs::symlink_metadata(from).map_err(Error::io("read", from))?;
    if metadata.is_symlink() {
        let target = fs::read_link(from).map_err(Error::io("read the symlink", from))?;
        return symlink(target, to).map_err(Error::io("create", to));
    }
    if metadata.is_dir() {
        fs::create_dir_all(to).map_err(Error::io("create", to))?;
        for entry in fs::read_dir(from).map_err(Error::io("list", from))? {
            let name = entry.map_err(Error::io("list", from))?.file_name();
            copy_tree(&from.join(&name), &to.join(&name))?;
        }
        return Ok(());
    }
    interrupt::copy_file(from, to).map_err(Error::io("copy", from))?;
    let mode = metadata.permissions().mode() & 0o777 | 0o200;
    fs::set_permissions(to, Permissions::from_mode(mode))
        .map_err(Error::io("change the mode of", to))
}
