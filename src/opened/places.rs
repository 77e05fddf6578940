//! The project directories that a bundle was opened into.
//!
//! Each is recorded as a symlink: it can hold any name, and its own time is the time of opening. A second
//! one keeps the time of the first opening.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use super::Record;
use crate::error::{Error, Result};
use crate::replace;
use shellpack_format::bundle::manifest::Shell;
use shellpack_format::store::hash::Digest;

/// The prefix of the directory for a place. A digest of the project's path follows.
const ENTRY: &str = "entry-";
/// The prefix of its directory for one of several shells. The shell's name follows.
const SHELL: &str = "shell-";
/// The symlink to the project directory.
const PROJECT: &str = "project";
/// The symlink as it was made first.
const FIRST: &str = "first";
/// The least time between two openings, as any file system keeps it.
const STEP: Duration = Duration::from_secs(1);

/// A project directory that a bundle was opened into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The directory, absolute.
    pub directory: PathBuf,
    /// When the bundle was last opened into it.
    pub time: SystemTime,
    /// When the bundle was opened into it for the first time.
    pub first: SystemTime,
}

impl Place {
    /// Whether the directory is still there.
    pub(crate) fn exists(&self) -> bool {
        self.directory.is_dir()
    }
}

impl Record {
    /// The directory for the files that entering a shell with the project at `project` needs.
    pub(crate) fn entry_dir(&self, project: &Path, shell: &Shell) -> PathBuf {
        let place = self.place(project);
        match &shell.name {
            None => place,
            Some(name) => place.join(format!("{SHELL}{}", name.file_name())),
        }
    }

    /// The directory for all that is about one project directory.
    pub(super) fn place(&self, project: &Path) -> PathBuf {
        let place = Digest::of(project.as_os_str().as_bytes()).hex();
        self.path().join(format!("{ENTRY}{}", &place[..12]))
    }

    /// Records that the bundle was opened into this directory now, and after `last`.
    pub(super) fn add_place_after(&self, project: &Path, last: Option<SystemTime>) -> Result<()> {
        let dir = self.place(project);
        match fs::create_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other.map_err(Error::io("create", &dir))?,
        }
        let (link, first) = (dir.join(PROJECT), dir.join(FIRST));
        // An earlier shellpack made only one. Without hard links, the last opening counts.
        let _ = fs::hard_link(&link, &first);
        replace::link(&link, project)?;
        if let Some(last) = last.filter(|last| *last >= time_of(&link)) {
            // The clock was set back, as that of a machine without a network often is.
            set_time(&link, last + STEP).map_err(Error::io("change the time of", &link))?;
        }
        let _ = fs::hard_link(&link, &first);
        Ok(())
    }

    /// The project directories, most recent first.
    pub(crate) fn places(&self) -> Vec<Place> {
        let entries = fs::read_dir(self.path()).into_iter().flatten().flatten();
        let mut places: Vec<_> = entries
            .filter(|entry| entry.file_name().as_bytes().starts_with(ENTRY.as_bytes()))
            .filter_map(|entry| place(&entry.path()))
            .collect();
        places.sort_by(|a, b| (b.time, &a.directory).cmp(&(a.time, &b.directory)));
        places
    }
}

fn place(dir: &Path) -> Option<Place> {
    let link = dir.join(PROJECT);
    let directory = fs::read_link(&link).ok()?;
    let (time, first) = (time_of(&link), dir.join(FIRST));
    let has_first = first.symlink_metadata().is_ok();
    Some(Place {
        directory,
        time,
        first: if has_first { time_of(&first) } else { time },
    })
}

/// A symlink's or a file's own time.
pub(super) fn time_of(link: &Path) -> SystemTime {
    let time = link.symlink_metadata().and_then(|about| about.modified());
    time.unwrap_or(UNIX_EPOCH)
}

pub(super) fn set_time(link: &Path, time: SystemTime) -> io::Result<()> {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = Timespec::try_from(since).map_err(io::Error::other)?;
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    Ok(utimensat(CWD, link, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
