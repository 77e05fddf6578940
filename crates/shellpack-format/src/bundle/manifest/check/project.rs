//! The project files.

use std::collections::BTreeSet;

use super::bad;
use crate::bundle::BadBundle;
use crate::bundle::manifest::{FileKind, Project, RelativePath, may_name_root};

/// The largest sum of the project files' sizes. Headers and padding are added to it, and must not
/// overflow either.
const MAX_PROJECT: u64 = i64::MAX.unsigned_abs();

/// Linux's `PATH_MAX` without the final zero.
const MAX_TARGET: usize = 4095;

/// Checks that the files are in order, each below a directory that is listed.
pub(super) fn ensure_project(project: &Project) -> Result<(), BadBundle> {
    if let Some(name) = &project.directory
        && !may_name_root(name)
    {
        return bad("the project directory's name is not one that a bundle may choose");
    }
    let sizes = project.files.iter().filter_map(|file| match file.kind {
        FileKind::File { size, .. } => Some(size),
        _ => None,
    });
    let sum = sizes.fold(0, u64::saturating_add);
    if sum > MAX_PROJECT {
        return bad("its sizes are too large");
    }
    let mut directories = BTreeSet::from([""]);
    let mut last: Option<&RelativePath> = None;
    for file in &project.files {
        if last.is_some_and(|last| last >= &file.path) {
            return bad(format!("the project file {} is not in order", file.path));
        }
        if !directories.contains(file.path.parent()) {
            return bad(format!(
                "the directory of the project file {} is not listed",
                file.path
            ));
        }
        match &file.kind {
            FileKind::Directory { mode } | FileKind::File { mode, .. } if *mode > 0o777 => {
                return bad(format!(
                    "the mode of the project file {} is not valid",
                    file.path
                ));
            }
            FileKind::Symlink { target }
                if target.is_empty() || target.len() > MAX_TARGET || target.contains('\0') =>
            {
                return bad(format!(
                    "the target of the symlink {} is not valid",
                    file.path
                ));
            }
            FileKind::Directory { .. } => drop(directories.insert(file.path.as_str())),
            _ => {}
        }
        last = Some(&file.path);
    }
    Ok(())
}
