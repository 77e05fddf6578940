//! An input file is never overwritten, even if existing files may be replaced.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{OutputFiles, SingleFile};
use crate::error::{BadOutput, Result};
use crate::media::volumes::{Names, Set, checksum_name, parent};

/// The files of a bundle, and the checksum file beside them.
pub(crate) fn files_of(bundle: &Path, dirs: &[PathBuf]) -> Vec<PathBuf> {
    match Set::named(bundle, dirs) {
        Some(set) => {
            let volumes = set.volumes().map(|(_, volume)| volume.path.clone());
            volumes.chain([checksum_name(&set.bundle())]).collect()
        }
        None => vec![bundle.to_owned(), checksum_name(bundle)],
    }
}

impl OutputFiles {
    /// Refuses to replace any of these files, or to use the name of one.
    pub(crate) fn ensure_apart(&self, files: &[PathBuf]) -> Result<()> {
        let name = self.path.file_name().unwrap_or_default();
        let names = self.volume_size.map(|_| Names::for_volumes(name, 1));
        ensure_apart(&self.path, files)?;
        let rivals = self.rivals(names.as_ref());
        rivals
            .iter()
            .try_for_each(|rival| ensure_apart(rival, files))
    }
}

impl SingleFile {
    /// Refuses to replace any of these files, or to use the name of one.
    pub(crate) fn ensure_apart(&self, files: &[PathBuf]) -> Result<()> {
        ensure_apart(&self.path, files)
    }
}

fn ensure_apart(path: &Path, files: &[PathBuf]) -> Result<()> {
    if files.iter().any(|file| is_same(path, file)) {
        return Err(BadOutput::IsRead(path.to_owned()).into());
    }
    Ok(())
}

/// Whether two paths lead to the same file, or would if it existed.
fn is_same(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| fs::canonicalize(parent(path)).ok();
    let is_named = one.file_name() == other.file_name()
        && place(one).is_some_and(|there| place(other) == Some(there));
    let identity = |path: &Path| path.metadata().ok().map(|file| (file.dev(), file.ino()));
    is_named || identity(one).is_some_and(|one| identity(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_by_whatever_path() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("d")).unwrap();
        for name in ["x", "y"] {
            fs::write(at(name), "").unwrap();
        }
        std::os::unix::fs::symlink("x", at("symbolic")).unwrap();
        fs::hard_link(at("x"), at("hard")).unwrap();
        for (other, is_same_one) in [
            ("x", true),
            ("d/../x", true),
            ("symbolic", true),
            ("hard", true),
            ("y", false),
            ("d/x", false),
            ("nowhere/x", false),
        ] {
            assert_eq!(is_same(&at("x"), &at(other)), is_same_one, "{other}");
        }
        assert!(is_same(&at("absent"), &at("d/../absent")));
        assert!(!is_same(&at("absent"), &at("d/absent")));
    }
}
