//! The project files on the target: written beside their place, checked, then moved there.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::entry::project::is_same;
use crate::error::{Error, Result};
use shellpack_format::bundle::manifest::{EntryPath, FileKind, Manifest, Project, ProjectFile};
use shellpack_format::bundle::reader::{Input, ReadError, Reader};

/// Where the project's root will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProjectRoot {
    root: PathBuf,
    /// Whether the user named the directory.
    asked_for: bool,
}

/// Project files that were read and found right, not yet in their place.
#[must_use]
#[derive(Debug)]
pub(super) struct Staged {
    dir: TempDir,
}

impl ProjectRoot {
    /// The directory that was asked for, else one with the bundle's name. Where evaluation
    /// copies the project's root, the root keeps its name, if need be as a directory in the
    /// one that was asked for.
    pub(super) fn choose(manifest: &Manifest, dir: Option<&Path>) -> Result<Self> {
        let base = dir.map_or_else(|| PathBuf::from(manifest.name.as_str()), Path::to_owned);
        let root = match manifest.project.directory.as_deref() {
            Some(name) if base.file_name() != Some(name.as_ref()) => base.join(name),
            _ => base,
        };
        let root = std::path::absolute(&root).map_err(Error::io("find", &root))?;
        Ok(Self {
            root,
            asked_for: dir.is_some(),
        })
    }

    /// The project's root.
    pub(super) fn path(&self) -> &Path {
        &self.root
    }

    /// Nothing of the user's is overwritten: what is there already must be what would come.
    /// And nothing is slipped into a directory that merely has the bundle's name.
    pub(super) fn ensure_nothing_differs(&self, manifest: &Manifest) -> Result<()> {
        if !exists(&self.root)? {
            return Ok(());
        }
        let other = if self.asked_for {
            Error::FileDiffers
        } else {
            Error::OtherDirectory
        };
        if !self.root.is_dir() {
            return Err(other(self.root.clone()));
        }
        if !self.asked_for && !self.holds_a_shell(manifest)? {
            return Err(other(self.root.clone()));
        }
        for file in &manifest.project.files {
            let path = self.root.join(file.path.as_str());
            if exists(&path)? && !is_same(&path, &file.kind) {
                return Err(Error::FileDiffers(path));
            }
        }
        Ok(())
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
    pub(super) fn holds_all(&self, manifest: &Manifest) -> bool {
        let mut files = manifest.project.files.iter();
        files.all(|file| is_same(&self.root.join(file.path.as_str()), &file.kind))
    }

    /// Reads the project files out of the bundle into a directory beside the target.
    pub(super) fn stage(
        &self,
        reader: &mut Reader<impl Input>,
        project: &Project,
        bundle: &Path,
    ) -> Result<Staged> {
        let parent = self.root.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        let dir = tempfile::Builder::new()
            .prefix(".shellpack-")
            .tempdir_in(parent)
            .map_err(Error::io("create a directory in", parent))?;
        for file in &project.files {
            write(dir.path(), file, reader, bundle)?;
        }
        Ok(Staged { dir })
    }
}

/// Whether there is something, be it a dangling symlink.
fn exists(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("look at", path)(error)),
    }
}

impl Staged {
    /// Moves the files to their place. What is there already was found to be the same.
    pub(super) fn place(self, root: &ProjectRoot, project: &Project) -> Result<()> {
        let root = root.path();
        if !root.exists() {
            let dir = self.dir.path();
            set_directory_modes(dir, project)?;
            fs::set_permissions(dir, Permissions::from_mode(0o755))
                .map_err(Error::io("change the mode of", dir))?;
            fs::rename(dir, root).map_err(Error::io("create", root))?;
            // There is nothing left at the old name to be cleaned up.
            let _gone = self.dir.keep();
            return Ok(());
        }
        for file in &project.files {
            let (from, to) = (
                self.dir.path().join(file.path.as_str()),
                root.join(file.path.as_str()),
            );
            if fs::symlink_metadata(&to).is_ok() {
                continue;
            }
            match &file.kind {
                FileKind::Directory { .. } => {
                    fs::create_dir(&to).map_err(Error::io("create", &to))?;
                }
                _ => fs::rename(&from, &to).map_err(Error::io("create", &to))?,
            }
        }
        Ok(())
    }
}

fn write(
    dir: &Path,
    file: &ProjectFile,
    reader: &mut Reader<impl Input>,
    bundle: &Path,
) -> Result<()> {
    let path = dir.join(file.path.as_str());
    let read = |error: ReadError| Error::read_bundle(bundle, error);
    match &file.kind {
        FileKind::Directory { .. } => {
            fs::create_dir(&path).map_err(Error::io("create", &path))?;
            reader.project_file(file, |_| Ok(())).map_err(read)
        }
        FileKind::Symlink { target } => {
            reader.project_file(file, |_| Ok(())).map_err(read)?;
            std::os::unix::fs::symlink(target, &path).map_err(Error::io("create", &path))
        }
        FileKind::File { mode, .. } => {
            let mut out = create_new(&path)?;
            let mut failed = None;
            let outcome = reader.project_file(file, |chunk| {
                out.write_all(chunk).inspect_err(|error| {
                    failed = Some(error.kind());
                })
            });
            match (failed, outcome) {
                (Some(kind), Err(ReadError::Io(error))) if error.kind() == kind => {
                    return Err(Error::io("write", &path)(error));
                }
                (_, outcome) => outcome.map_err(read)?,
            }
            out.set_permissions(Permissions::from_mode(*mode))
                .map_err(Error::io("change the mode of", &path))?;
            out.sync_all().map_err(Error::io("sync", &path))
        }
    }
}

fn create_new(path: &Path) -> Result<File> {
    let opened: io::Result<File> = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    opened.map_err(Error::io("create", path))
}

/// Last, and innermost first: a directory may be read-only.
fn set_directory_modes(dir: &Path, project: &Project) -> Result<()> {
    let modes = project
        .files
        .iter()
        .rev()
        .filter_map(|file| match file.kind {
            FileKind::Directory { mode } => Some((&file.path, mode)),
            _ => None,
        });
    for (path, mode) in modes {
        let path: &EntryPath = path;
        let path = dir.join(path.as_str());
        fs::set_permissions(&path, Permissions::from_mode(mode))
            .map_err(Error::io("change the mode of", &path))?;
    }
    Ok(())
}
