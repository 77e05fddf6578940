//! A bounded copy of a directory, where the kernel cannot layer it.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::watch::GIT;

/// The most that is copied.
const MOST_BYTES: u64 = 64 << 20;
const MOST_FILES: usize = 20_000;

/// Copies a directory to a new place. Returns false if it is too large; then a part of it is there.
/// The repository of git, and what cannot be read, is left out.
pub(crate) fn bounded(from: &Path, to: &Path) -> io::Result<bool> {
    let mut left = Left {
        bytes: MOST_BYTES,
        files: MOST_FILES,
    };
    left.copy(from, to)
}

struct Left {
    bytes: u64,
    files: usize,
}

impl Left {
    fn copy(&mut self, from: &Path, to: &Path) -> io::Result<bool> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let (from, to) = (entry.path(), to.join(&name));
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let Some(files) = self.files.checked_sub(1) else {
                return Ok(false);
            };
            self.files = files;
            if metadata.is_symlink() {
                symlink(fs::read_link(&from)?, &to)?;
            } else if metadata.is_dir() {
                if name != GIT && !self.copy(&from, &to)? {
                    return Ok(false);
                }
            } else if metadata.is_file() {
                let Some(bytes) = self.bytes.checked_sub(metadata.len()) else {
                    return Ok(false);
                };
                self.bytes = bytes;
                // A file that this user cannot read is one that the hook cannot read.
                let _ = fs::copy(&from, &to);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_directory_is_copied_and_a_large_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("from/sub")).unwrap();
        fs::create_dir_all(at("from/.git")).unwrap();
        fs::write(at("from/sub/x"), "x").unwrap();
        fs::write(at("from/.git/HEAD"), "ref").unwrap();
        symlink("sub/x", at("from/link")).unwrap();
        assert!(bounded(&at("from"), &at("to")).unwrap());
        assert_eq!(fs::read_to_string(at("to/link")).unwrap(), "x");
        assert!(!at("to/.git").exists());
        let large = fs::File::create(at("from/large")).unwrap();
        large.set_len(MOST_BYTES).unwrap();
        assert!(!bounded(&at("from"), &at("again")).unwrap());
    }
}
