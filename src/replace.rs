//! Files of ours that other processes may be reading: replaced in one step, and never written in place.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, symlink};
use std::path::Path;

use crate::error::{Error, Result};

/// The mode of a new file before the umask takes its part: no other user writes to it, whatever that is.
const MODE: u32 = 0o644;

/// Gives a file this content, unless it has it. Whoever has it open keeps what was there; nobody ever
/// sees a half, and a symlink in its place is replaced, not followed.
pub(crate) fn file(path: &Path, content: &[u8]) -> Result<()> {
    if has(path, content) {
        return Ok(());
    }
    put(path, content, |_| Ok(()))
}

/// Replaces a file, whose content is on the disk before it has its name.
pub(crate) fn lasting_file(path: &Path, content: &[u8]) -> Result<()> {
    put(path, content, File::sync_all)
}

fn put(path: &Path, content: &[u8], settle: impl FnOnce(&File) -> io::Result<()>) -> Result<()> {
    let failed = |error| Error::io("write", path)(error);
    // An error of `tempfile_in` would have the temporary file's name, which nobody knows.
    let open = |name: &Path| {
        let mut options = File::options();
        options.read(true).write(true).create_new(true).mode(MODE);
        options.open(name)
    };
    let mut new = tempfile::Builder::new()
        .prefix(".shellpack-")
        .make_in(directory_of(path), open)
        .map_err(failed)?;
    new.write_all(content).map_err(failed)?;
    settle(new.as_file()).map_err(failed)?;
    let named = new.persist(path);
    named.map(drop).map_err(|error| failed(error.error))
}

/// Makes a symlink, in place of whatever is there. Its own time becomes now.
pub(crate) fn link(path: &Path, target: &Path) -> Result<()> {
    let failed = |error| Error::io("create the symlink", path)(error);
    let made = tempfile::Builder::new()
        .prefix(".shellpack-")
        .make_in(directory_of(path), |name| symlink(target, name));
    let made = made.map_err(failed)?.into_temp_path();
    made.persist(path).map_err(|error| failed(error.error))
}

/// Makes a file the same as another one, in place of whatever is there. Fails where the file system has
/// no hard links, or the two are on different ones.
pub(crate) fn hard_link(path: &Path, same: &Path) -> io::Result<()> {
    let identity = |path: &Path| fs::symlink_metadata(path).map(|it| (it.dev(), it.ino()));
    // Renaming a link over another one of the same file would do nothing, and leave both.
    if identity(path).is_ok_and(|there| identity(same).is_ok_and(|same| same == there)) {
        return Ok(());
    }
    let made = tempfile::Builder::new()
        .prefix(".shellpack-")
        .make_in(directory_of(path), |name| fs::hard_link(same, name));
    made?.into_temp_path().persist(path).map_err(Into::into)
}

fn directory_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// Whether a regular file has this content.
fn has(path: &Path, content: &[u8]) -> bool {
    let is_alike = |about: fs::Metadata| about.is_file() && about.len() == content.len() as u64;
    fs::symlink_metadata(path).is_ok_and(is_alike)
        && fs::read(path).is_ok_and(|found| found == content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_not_written_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::write(&path, "old").unwrap();
        let kept = dir.path().join("kept");
        fs::hard_link(&path, &kept).unwrap();
        file(&path, b"old").unwrap();
        let inode = |path: &Path| fs::metadata(path).unwrap().ino();
        assert_eq!(inode(&path), inode(&kept));
        file(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read(&kept).unwrap(), b"old");
    }

    #[test]
    fn an_error_does_not_have_the_name_of_a_temporary_file() {
        let missing = Path::new("/nowhere-at-all/x");
        for failed in [
            lasting_file(missing, b"").unwrap_err(),
            link(missing, missing).unwrap_err(),
        ] {
            let cause = std::error::Error::source(&failed).unwrap();
            assert_eq!(cause.to_string(), "No such file or directory (os error 2)");
        }
    }

    #[test]
    fn a_symlink_in_its_place_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("x"), dir.path().join("other"));
        fs::write(&other, "mine").unwrap();
        for write in [file, lasting_file] {
            let _ = fs::remove_file(&path);
            symlink(&other, &path).unwrap();
            write(&path, b"mine").unwrap();
            assert!(fs::symlink_metadata(&path).unwrap().is_file());
        }
        link(&path, Path::new("/elsewhere")).unwrap();
        assert_eq!(fs::read_link(&path).unwrap(), Path::new("/elsewhere"));
        assert_eq!(fs::read(&other).unwrap(), b"mine");
    }
}
