//! A bundle in several files: raw slices of its bytes, so that `cat` joins them
//! (`bundle-format.md`, section 10). Their names, their sizes, their places, and reading them as
//! one. [`crate::output`] writes them.

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

/// Whether a bundle exists under this name, in one file or in volumes beside each other.
pub(crate) fn is_named(file: &Path) -> bool {
    file.is_file() || Set::named(file, &[]).is_some()
}

/// The name of a bundle's checksum file.
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
