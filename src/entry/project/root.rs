//! The project's directory on the target.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::is_same;
use crate::error::{Error, NoPlace, Result};
use shellpack_format::bundle::manifest::Manifest;

/// All that the mode of a project file may allow. A bundle that was packed on a file system without
/// modes has files that everybody may write.
const ALLOWED: u32 = 0o775;

/// The project's root on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProjectRoot {
    root: PathBuf,
    /// Whether the user named it.
    is_named: bool,
    /// Whether all users of this machine read it.
    is_for_all: bool,
}

impl ProjectRoot {
    /// The directory that the user named, else one with the bundle's name. If evaluation copies the
    /// root, the root keeps its name; then it may be a subdirectory of the one that the user named.
    pub(crate) fn choose(manifest: &Manifest, dir: Option<&Path>) -> Result<Self> {
        let base = dir.map_or_else(|| PathBuf::from(manifest.name.as_str()), Path::to_owned);
        let root = match manifest.project.directory.as_deref() {
            Some(name) if base.file_name() != Some(name.as_ref()) => base.join(name),
            _ => base,
        };
        let root = std::path::absolute(&root).map_err(Error::io("find", &root))?;
        Ok(Self {
            root,
            is_named: dir.is_some(),
            is_for_all: false,
        })
    }

    /// This directory, for all users of this machine to read.
    pub(crate) fn for_all(self) -> Self {
        Self {
            is_for_all: true,
            ..self
        }
    }

    /// The mode of a file here that has this one in the bundle.
    pub(super) fn mode(&self, mode: u32) -> u32 {
        let mode = mode & ALLOWED;
        let owners = mode & 0o500;
        if self.is_for_all {
            mode | owners >> 3 | owners >> 6
        } else {
            mode
        }
    }

    /// The project's root.
    pub(crate) fn path(&self) -> &Path {
        &self.root
    }

    /// Fails if an existing file differs from the bundle's, because no file of the user is
    /// overwritten. Also fails if a directory merely has the bundle's name and is not its project.
    pub(crate) fn ensure_nothing_differs(&self, manifest: &Manifest) -> Result<()> {
        if !exists(&self.root)? {
            return Ok(());
        }
        let other = if self.is_named {
            NoPlace::FileDiffers
        } else {
            NoPlace::OtherDirectory
        };
        if !self.root.is_dir() {
            return Err(other(self.root.clone()).into());
        }
        if !self.is_named && !self.holds_a_shell(manifest)? {
            return Err(other(self.root.clone()).into());
        }
        for file in &manifest.project.files {
            let path = self.root.join(file.path.as_str());
            if exists(&path)? && !is_same(&path, &file.kind) {
                return Err(NoPlace::FileDiffers(path).into());
            }
        }
        Ok(())
    }

    /// Fails if files are missing and cannot be written.
    pub(crate) fn ensure_writable(&self, manifest: &Manifest) -> Result<()> {
        let mut dirs = self.root.ancestors();
        let Some(dir) = dirs.find(|dir| dir.exists()) else {
            return Ok(());
        };
        let may = Access::WRITE_OK | Access::EXEC_OK;
        let Err(error) = accessat(CWD, dir, may, AtFlags::EACCESS) else {
            return Ok(());
        };
        if self.holds_all(manifest) {
            return Ok(());
        }
        Err(NoPlace::Project {
            dir: dir.to_owned(),
            name: (!self.is_named).then(|| manifest.name.to_string()),
            source: error.into(),
        }
        .into())
    }

    fn holds_a_shell(&self, manifest: &Manifest) -> Result<bool> {
        for shell in &manifest.shells {
            if exists(&self.root.join(shell.file.as_str()))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether every project file is in its place.
    pub(crate) fn holds_all(&self, manifest: &Manifest) -> bool {
        let mut files = manifest.project.files.iter();
        files.all(|file| is_same(&self.root.join(file.path.as_str()), &file.kind))
    }
}

/// Whether the path exists, even as a dangling symlink.
fn exists(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("look at", path)(error)),
    }
}
