//! A project's files on the target: compared with the manifest here, written below.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::interrupt;
use shellpack_format::bundle::manifest::{FileKind, Project};
use shellpack_format::store::hash::Digest;

mod changes;
mod departed;
mod held;
mod lock;
mod obeyed;
pub(crate) mod root;
pub(crate) mod staged;

/// The files that differ from the bundle's: edited, or gone.
pub(crate) fn edited(project: &Project, root: &Path) -> Vec<String> {
    let files = project.files.iter();
    files
        .filter(|file| !is_same(&root.join(file.path.as_str()), &file.kind))
        .map(|file| file.path.to_string())
        .collect()
}

/// Whether a file is the one of the bundle. Of the mode, only the part that a NAR contains counts.
pub(crate) fn is_same(path: &Path, kind: &FileKind) -> bool {
    is_same_as_read(path, kind, |_| {})
}

/// Likewise; `read` is told how many bytes were read.
fn is_same_as_read(path: &Path, kind: &FileKind, read: impl FnMut(u64)) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return false;
    };
    match kind {
        FileKind::Directory { .. } => metadata.is_dir(),
        FileKind::Symlink { target } => {
            fs::read_link(path).is_ok_and(|found| found == Path::new(target))
        }
        FileKind::File { mode, size, digest } => {
            let executable = |mode: u32| mode & 0o100 != 0;
            metadata.is_file()
                && metadata.len() == *size
                && executable(metadata.permissions().mode()) == executable(*mode)
                && digest_of(path, read).is_ok_and(|found| found == *digest)
        }
    }
}

/// A file may be too large for memory, and takes as long as its medium does.
fn digest_of(path: &Path, mut read: impl FnMut(u64)) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    interrupt::read_in_steps(path, |step| {
        hasher.update(step);
        read(step.len() as u64);
        Ok(())
    })?;
    Ok(hasher.into())
}
