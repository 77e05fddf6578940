//! A bundle in several files: raw slices of its bytes, so that `cat` joins them
//! (`bundle-format.md`, section 10). Here is what they are called, how large they are, where
//! they lie, and how they are read as one. They are written by [`crate::output`].

mod joined;
mod name;
mod set;
mod shelf;
mod size;

pub(crate) use joined::Joined;
pub(crate) use name::Names;
pub(crate) use set::{Set, numbered};
pub(crate) use shelf::Shelf;
pub(crate) use size::VolumeSize;

use std::path::{Path, PathBuf};

/// Whether a bundle can be found by this name, in one file or in volumes beside each other.
pub(crate) fn is_named(file: &Path) -> bool {
    file.is_file() || Set::named(file, &[]).is_some()
}

/// What the checksum file of a bundle is called.
pub(crate) fn checksum_name(bundle: &Path) -> PathBuf {
    let mut name = bundle.to_owned().into_os_string();
    name.push(".sha256");
    name.into()
}

/// The directory of a file, never empty.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}
