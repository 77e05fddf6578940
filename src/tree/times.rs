//! Modification times of project files. A bundle has none, so all files get one time when they are
//! placed: none of them is newer than another, and what a `shellHook` makes of `[ a -nt b ]` does not
//! depend on the order in which they were written.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::error::{Error, Result};
use shellpack_format::bundle::manifest::Project;

/// Gives the files of a project in this directory one modification time: now.
pub(crate) fn set_all(project: &Project, root: &Path) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = Timespec {
        tv_sec: now.map_or(1, |now| now.as_secs().cast_signed()),
        tv_nsec: 0,
    };
    let times = Timestamps {
        last_access: now,
        last_modification: now,
    };
    for file in &project.files {
        let path = root.join(file.path.as_str());
        utimensat(CWD, &path, &times, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| Error::io("change the time of", &path)(error.into()))?;
    }
    Ok(())
}
