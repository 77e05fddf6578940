//! Project files that are being written: to a directory near their place, then moved.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::PathBuf;

use tempfile::TempDir;

use super::root::ProjectRoot;
use crate::error::{Error, Result};
use crate::media::workplace::{Temporary, Workplace};
use crate::tree::{self, times};
use shellpack_format::bundle::manifest::{FileKind, Project, ProjectFile};

/// The owner's permissions for a directory while it is filled.
const OWNER: u32 = 0o700;
/// The mode of the project's root.
const ROOT: u32 = 0o755;
/// The names of such directories.
const TEMPORARY: Temporary = Temporary {
    prefix: ".shellpack-",
    suffix: "",
};

/// Project files that are not in their place yet. The user's umask holds for their modes.
#[must_use]
#[derive(Debug)]
pub(crate) struct Staged<'a> {
    root: &'a ProjectRoot,
    dir: TempDir,
    /// As long as it is held, the directory is nobody's leftover.
    _workplace: Workplace,
}

impl<'a> Staged<'a> {
    /// Makes the directory: in the root, if that exists, because its parent may be another user's.
    pub(crate) fn near(root: &'a ProjectRoot) -> Result<Self> {
        let near = match root.path().parent() {
            Some(parent) if !root.path().is_dir() => parent,
            _ => root.path(),
        };
        fs::create_dir_all(near).map_err(Error::io("create", near))?;
        let workplace = Workplace::enter(near, TEMPORARY, |left| {
            let _ = tree::delete_tree(left);
        });
        let dir = tempfile::Builder::new()
            .prefix(TEMPORARY.prefix)
            .permissions(Permissions::from_mode(ROOT))
            .tempdir_in(near)
            .map_err(Error::io("create a directory in", near))?;
        Ok(Self {
            root,
            dir,
            _workplace: workplace,
        })
    }

    /// Makes a directory or a symlink, or opens a file for the caller to write its contents.
    pub(crate) fn create(&self, file: &ProjectFile) -> Result<Option<File>> {
        let path = self.path(file);
        let made = match &file.kind {
            FileKind::Directory { mode } => {
                let mut builder = DirBuilder::new();
                let made = builder.mode(self.root.mode(*mode) | OWNER).create(&path);
                made.map(|()| None)
            }
            FileKind::Symlink { target } => {
                std::os::unix::fs::symlink(target, &path).map(|()| None)
            }
            FileKind::File { mode, .. } => {
                let mut options = OpenOptions::new();
                let options = options.write(true).create_new(true);
                options.mode(self.root.mode(*mode)).open(&path).map(Some)
            }
        };
        made.map_err(Error::io("create", &path))
    }

    /// The path of a file before it is moved.
    pub(crate) fn path(&self, file: &ProjectFile) -> PathBuf {
        self.dir.path().join(file.path.as_str())
    }

    /// Moves the files to their place, or beside an edited one.
    pub(crate) fn place(self, project: &Project) -> Result<()> {
        let root = self.root.path();
        times::set_all(project, self.dir.path())?;
        if !root.exists() {
            self.restrict_directories(project)?;
            fs::rename(self.dir.path(), root).map_err(Error::io("create", root))?;
            // The directory was renamed, so there is nothing to clean up.
            let _gone = self.dir.keep();
            return Ok(());
        }
        for file in &project.files {
            let from = self.path(file);
            let Some(to) = self.root.place_for(file) else {
                continue;
            };
            match &file.kind {
                FileKind::Directory { .. } => {
                    fs::create_dir(&to).map_err(Error::io("create", &to))?;
                }
                _ => fs::rename(&from, &to).map_err(Error::io("create", &to))?,
            }
        }
        Ok(())
    }

    /// Takes from directories what their modes do not allow their owner, last and innermost first.
    fn restrict_directories(&self, project: &Project) -> Result<()> {
        for file in project.files.iter().rev() {
            let FileKind::Directory { mode } = file.kind else {
                continue;
            };
            if mode & OWNER == OWNER {
                continue;
            }
            let path = self.path(file);
            let failed = |error| Error::io("change the mode of", &path)(error);
            let made = fs::symlink_metadata(&path).map_err(failed)?.permissions();
            let permissions = Permissions::from_mode(made.mode() & self.root.mode(mode));
            fs::set_permissions(&path, permissions).map_err(failed)?;
        }
        Ok(())
    }
}
