//! Modification times of project files. A bundle has none, so all files get one time when they are
//! placed: none of them is newer than another, and what a `shellHook` makes of `[ a -nt b ]` does not
//! depend on the order in which they were written.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::error::{Error, Result};
use shellpack_format::bundle::manifest::Project;

/// Gives the files of a project in this directory one modification time: now.
pub(crate) fn set_all(project: &Project, root: &Path) -> Result<()> {
    let now = now();
    for file in &project.files {
        set(&root.join(file.path.as_str()), now)?;
    }
    Ok(())
}

/// Gives the files of a project in this directory the times that they have in another.
pub(crate) fn set_as_in(project: &Project, other: &Path, root: &Path) -> Result<()> {
    for file in &project.files {
        let original = other.join(file.path.as_str());
        let metadata = fs::symlink_metadata(&original).map_err(Error::io("read", &original))?;
        let time = Timespec {
            tv_sec: metadata.mtime(),
            tv_nsec: metadata.mtime_nsec(),
        };
        set(&root.join(file.path.as_str()), time)?;
    }
    Ok(())
}

/// One time for all projects of this process, so that two copies differ in nothing.
pub(crate) fn now() -> Timespec {
    static NOW: OnceLock<i64> = OnceLock::new();
    let seconds = || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(1, |now| now.as_secs().cast_signed())
    };
    Timespec {
        tv_sec: *NOW.get_or_init(seconds),
        tv_nsec: 0,
    }
}

fn set(path: &Path, time: Timespec) -> Result<()> {
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|error| Error::io("change the time of", path)(error.into()))
}
