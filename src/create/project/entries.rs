//! The files of a project in the form of the manifest.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::interrupt;
use crate::nix::expression::utf8;
use shellpack_format::bundle::manifest::{FileKind, ProjectFile, RelativePath};

/// All files, and the directories that lead to them, in the form of the manifest. `read` also tells
/// whether only a hook reads a file.
pub(super) fn entries<'a>(
    paths: impl Iterator<Item = &'a PathBuf>,
    root: &Path,
    mut read: impl FnMut(&Path) -> Result<(FileKind, bool)>,
) -> Result<Vec<ProjectFile>> {
    let mut files = BTreeMap::new();
    for path in paths {
        for part in path.ancestors().take_while(|part| *part != root) {
            let Ok(relative) = part.strip_prefix(root) else {
                break;
            };
            let relative = relative
                .to_str()
                .and_then(|text| RelativePath::parse(text).ok());
            let relative = relative.ok_or_else(|| Error::NotUtf8(part.to_owned()))?;
            if files.contains_key(&relative) {
                break;
            }
            files.insert(relative, read(part)?);
        }
    }
    Ok(files
        .into_iter()
        .map(|(path, (kind, read_by_hook))| ProjectFile {
            path,
            kind,
            read_by_hook,
        })
        .collect())
}

/// The kind of a file, read and digested.
pub(super) fn kind(path: &Path) -> Result<FileKind> {
    let metadata = fs::symlink_metadata(path).map_err(Error::io("read", path))?;
    // A file system without modes lets everybody write, and tar believes it.
    let mode = metadata.permissions().mode() & 0o775;
    if metadata.is_dir() {
        return Ok(FileKind::Directory { mode });
    }
    if metadata.is_symlink() {
        let target = fs::read_link(path).map_err(Error::io("read the symlink", path))?;
        return Ok(FileKind::Symlink {
            target: utf8(&target)?.to_owned(),
        });
    }
    if !metadata.is_file() {
        return Err(Error::SpecialFile(path.to_owned()));
    }
    let mut hasher = Sha256::new();
    let mut size = 0;
    interrupt::read_in_steps(path, |step| {
        hasher.update(step);
        size += step.len() as u64;
        Ok(())
    })
    .map_err(Error::io("read", path))?;
    Ok(FileKind::File {
        mode,
        size,
        digest: hasher.into(),
    })
}
