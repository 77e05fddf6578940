//! Paths that a reader would refuse for their names (`bundle-format.md`, section 5.3). It is told
//! before the work, with the name, and not after it.

use std::os::unix::fs::MetadataExt as _;

use crate::error::{Error, Result};
use shellpack_format::store::content_address::ContentAddress;
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::StoreDir;

/// Fails if Nix itself uses the name of a path, and the path is not one that may have it.
pub(super) fn ensure_none<'a>(
    mut infos: impl Iterator<Item = &'a PathInfo>,
    store: &StoreDir,
) -> Result<()> {
    let refused = |info: &&PathInfo| info.path.is_used_by_nix() && !is_allowed(info, store);
    match infos.find(refused) {
        None => Ok(()),
        Some(info) => Err(Error::Unsupported {
            path: store.print(&info.path),
            reason: "Nix gives names with this ending to its own files, so it must be a regular file that \
                     is not empty, or content-addressed"
                .to_owned(),
        }),
    }
}

fn is_allowed(info: &PathInfo, store: &StoreDir) -> bool {
    let claim = info.ca.as_deref().and_then(ContentAddress::parse);
    if claim.is_some_and(|claim| claim.is_checked()) {
        return true;
    }
    let file = store.join(&info.path).symlink_metadata();
    // If there is none, packing tells it.
    file.map_or(true, |file| file.is_file() && file.size() > 0)
}
