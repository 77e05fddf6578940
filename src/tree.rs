//! Trees of files on disk: to NARs and back, their removal.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};

pub(crate) mod dump;
pub(crate) mod restore;
pub(crate) mod times;

/// Deletes a tree in spite of read-only directories in it. A missing tree is not an error.
pub fn delete_tree(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if metadata.is_dir() {
        if metadata.permissions().mode() & 0o700 != 0o700 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700))
                .map_err(Error::io("change the mode of", path))?;
        }
        for entry in fs::read_dir(path).map_err(Error::io("list", path))? {
            delete_tree(&entry.map_err(Error::io("list", path))?.path())?;
        }
        return fs::remove_dir(path).map_err(Error::io("remove", path));
    }
    fs::remove_file(path).map_err(Error::io("remove", path))
}
