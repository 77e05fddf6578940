//! The project directories that a bundle was opened into.
//!
//! Each is recorded as a symlink: it can hold any name, and its own time is the time of opening.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

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

/// A project directory that a bundle was opened into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The directory, absolute.
    pub directory: PathBuf,
    /// When the bundle was last opened into it.
    pub time: SystemTime,
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

    fn place(&self, project: &Path) -> PathBuf {
        let place = Digest::of(project.as_os_str().as_bytes()).hex();
        self.path().join(format!("{ENTRY}{}", &place[..12]))
    }

    /// Records that the bundle was opened into this directory now.
    pub(crate) fn add_place(&self, project: &Path) -> Result<()> {
        let dir = self.place(project);
        match fs::create_dir(&dir) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            other => other.map_err(Error::io("create", &dir))?,
        }
        replace::link(&dir.join(PROJECT), project)
    }

    /// The project directories, most recent first.
    pub(crate) fn places(&self) -> Vec<Place> {
        let entries = fs::read_dir(self.path()).into_iter().flatten().flatten();
        let mut places: Vec<_> = entries
            .filter(|entry| entry.file_name().as_bytes().starts_with(ENTRY.as_bytes()))
            .filter_map(|entry| place(&entry.path().join(PROJECT)))
            .collect();
        places.sort_by(|a, b| (b.time, &a.directory).cmp(&(a.time, &b.directory)));
        places
    }
}

fn place(link: &Path) -> Option<Place> {
    let directory = fs::read_link(link).ok()?;
    let metadata = link.symlink_metadata().ok()?;
    let time = metadata.modified().unwrap_or(UNIX_EPOCH);
    Some(Place { directory, time })
}
