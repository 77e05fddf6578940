//! Symlinks in a tree that is not complete yet.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The place that a path names in the room if symlinks lead to directories that are not there yet.
pub(super) fn followed(at: &Path) -> PathBuf {
    let mut found = PathBuf::from("/");
    let mut rest: Vec<_> = at.components().rev().map(own_part).collect();
    // As many links as the kernel follows.
    let mut links = 40;
    while let Some(part) = rest.pop() {
        let next = found.join(&part);
        match fs::read_link(&next) {
            Ok(target) if links > 0 => {
                links -= 1;
                rest.extend(target.components().rev().map(own_part));
            }
            _ if part == ".." => {
                found.pop();
            }
            _ => found = next,
        }
    }
    found
}

fn own_part(part: Component<'_>) -> OsString {
    part.as_os_str().to_owned()
}
