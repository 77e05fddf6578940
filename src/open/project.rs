//! The project files on the target: written to a directory beside their place, checked, then moved.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::entry::project::is_same;
use crate::error::{Error, Result};
use shellpack_format::bundle::manifest::{FileKind, Manifest, Project, ProjectFile, RelativePath};
use shellpack_format::bundle::reader::{Input, ReadError, Reader};

/// The project's root on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProjectRoot {
    root: PathBuf,
    /// Whether the user named it.
    is_named: bool,
}

/// Project files that were read and checked, but not moved to their place yet.
#[must_use]
#[derive(Debug)]
pub(super) struct Staged {
    dir: TempDir,
}

impl ProjectRoot {
    /// The directory that the user named, else one with the bundle's name. If evaluation copies the
    /// root, the root keeps its name; then it may be a subdirectory of the one that the user named.
    pub(super) fn choose(manifest: &Manifest, dir: Option<&Path>) -> Result<Self> {
        let base = dir.map_or_else(|| PathBuf::from(manifest.name.as_str()), Path::to_owned);
        let root = match manifest.project.directory.as_deref() {
            Some(name) if base.file_name() != Some(name.as_ref()) => base.join(name),
            _ => base,
        };
        let root = std::path::absolute(&root).map_err(Error::io("find", &root))?;
        Ok(Self {
            root,
            is_named: dir.is_some(),
        })
    }

    /// The project's root.
    pub(super) fn path(&self) -> &Path {
        &self.root
    }

    /// Fails if an existing file differs from the bundle's, because no file of the user is
    /// overwritten. Also fails if a directory merely has the bundle's name and is not its project.
    pub(super) fn ensure_nothing_differs(&self, manifest: &Manifest) -> Result<()> {
        if !exists(&self.root)? {
            return Ok(());
        }
        let other = if self.is_named {
            Error::FileDiffers
        } else {
            Error::OtherDirectory
        };
        if !self.root.is_dir() {
            return Err(other(self.root.clone()));
        }
        if !self.is_named && !self.holds_a_shell(manifest)? {
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

    /// Reads the project files from the bundle into a directory beside the root.
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

/// Whether the path exists, even as a dangling symlink.
fn exists(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("look at", path)(error)),
    }
}

impl Staged {
    /// Moves the files to their place. Existing ones were found to be identical.
    pub(super) fn place(self, root: &ProjectRoot, project: &Project) -> Result<()> {
        let root = root.path();
        if !root.exists() {
            let dir = self.dir.path();
            set_directory_modes(dir, project)?;
            fs::set_permissions(dir, Permissions::from_mode(0o755))
                .map_err(Error::io("change the mode of", dir))?;
            fs::rename(dir, root).map_err(Error::io("create", root))?;
            // The directory was renamed, so there is nothing to clean up.
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

/// Sets the modes of directories, last and innermost first, because a directory may be read-only.
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
        let path: &RelativePath = path;
        let path = dir.join(path.as_str());
        fs::set_permissions(&path, Permissions::from_mode(mode))
            .map_err(Error::io("change the mode of", &path))?;
    }
    Ok(())
}
