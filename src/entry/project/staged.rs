//! Project files that are being written: to a directory near their place, then moved. Both directories
//! are held open from the first file to the last move.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::held::Held;
use super::root::{ProjectRoot, TEMPORARY};
use crate::error::{Error, NoPlace, Result};
use crate::media::workplace::Workplace;
use crate::tree::{self, times};
use shellpack_format::bundle::manifest::{FileKind, Project, ProjectFile};

/// The owner's permissions for a directory while it is filled.
const OWNER: u32 = 0o700;
/// The mode of the project's root.
const ROOT: u32 = 0o755;

/// Project files that are not in their place yet. The user's umask holds for their modes.
#[must_use]
#[derive(Debug)]
pub(crate) struct Staged<'a> {
    root: &'a ProjectRoot,
    dir: TempDir,
    /// As long as it is held, the directory is nobody's leftover.
    _workplace: Workplace,
    /// The directory itself.
    held: Held,
    /// The directory that it is in.
    near: Held,
}

impl<'a> Staged<'a> {
    /// Makes the directory: in the root, if that exists, because its parent may be another user's.
    pub(crate) fn near(root: &'a ProjectRoot) -> Result<Self> {
        let near = match root.path().parent() {
            Some(parent) if !root.is_there() => parent,
            _ => root.path(),
        };
        fs::create_dir_all(near).map_err(Error::io("create", near))?;
        let remove = |left: &Path| {
            let _ = tree::delete_tree(left);
        };
        let workplace = if root.is_there() && root.is_locked() {
            Workplace::locked(near, TEMPORARY, remove)
        } else {
            Workplace::enter(near, TEMPORARY, remove)
        };
        let failed = |error| Error::io("create a directory in", near)(error);
        let held_near = Held::open(near).map_err(failed)?;
        root.ensure_same(&held_near)?;
        let dir = tempfile::Builder::new()
            .prefix(TEMPORARY.prefix)
            .permissions(Permissions::from_mode(ROOT))
            .tempdir_in(near)
            .map_err(failed)?;
        let name = Path::new(dir.path().file_name().unwrap_or_default());
        let held = held_near.below(name).map_err(failed)?;
        Ok(Self {
            root,
            dir,
            held,
            near: held_near,
            _workplace: workplace,
        })
    }

    /// Makes a directory or a symlink, or opens a file for the caller to write its contents.
    pub(crate) fn create(&self, file: &ProjectFile) -> Result<Option<File>> {
        let at = Path::new(file.path.as_str());
        let made = match &file.kind {
            FileKind::Directory { mode } => {
                let mode = self.root.mode(*mode) | OWNER;
                self.held.make_directory(at, mode).map(|()| None)
            }
            FileKind::Symlink { target } => self.held.make_link(at, target).map(|()| None),
            FileKind::File { mode, .. } => self.held.make_file(at, self.root.mode(*mode)).map(Some),
        };
        made.map_err(|error| match error.kind() {
            // The directory is new, and all that is in it is of this bundle.
            io::ErrorKind::AlreadyExists => NoPlace::SameName(self.place(file)).into(),
            _ => Error::io("create", self.path(file))(error),
        })
    }

    /// The path of a file before it is moved.
    pub(crate) fn path(&self, file: &ProjectFile) -> PathBuf {
        self.dir.path().join(file.path.as_str())
    }

    /// The path of a file where it belongs.
    fn place(&self, file: &ProjectFile) -> PathBuf {
        self.root.path().join(file.path.as_str())
    }

    /// Moves the files to their place, or beside an edited one. A file that stays as it is in the project
    /// need not have been created here.
    pub(crate) fn place_all(self, project: &Project) -> Result<()> {
        let now = times::now();
        let is_directory = |file: &ProjectFile| matches!(file.kind, FileKind::Directory { .. });
        let moved = project.files.iter();
        let moved = moved.filter(|file| is_directory(file) || !self.root.stays(file));
        for file in moved {
            let set = self.held.set_time(Path::new(file.path.as_str()), now);
            set.map_err(Error::io("change the time of", self.path(file)))?;
        }
        if !self.root.is_there() {
            self.restrict_directories(project)?;
            return self.become_root();
        }
        self.ensure_root_is_the_same()?;
        let lifted = self.lift(project)?;
        let moved = self.move_all(project);
        self.restore(lifted, project)?;
        moved
    }

    /// Moves the files to their place in the root that is there, after those that are taken away.
    fn move_all(&self, project: &Project) -> Result<()> {
        let departed = self.root.departed();
        departed
            .remove(self.root.path(), &self.near)
            .map_err(Error::io("remove files from", self.root.path()))?;
        for file in &project.files {
            if self.root.stays(file) {
                continue;
            }
            // A file that is there now, and was not when the files were compared, is somebody else's.
            let to = self.root.place_for(file);
            let to = to.ok_or_else(|| NoPlace::Changed(self.place(file)))?;
            let below = to.strip_prefix(self.root.path()).unwrap_or(&to);
            let made = if let FileKind::Directory { mode } = &file.kind {
                let mode = self.root.mode(*mode) | OWNER;
                self.near.make_directory(below, mode)
            } else {
                let from = Path::new(file.path.as_str());
                let replaces = self.root.replaces(file);
                self.held.move_to(from, &self.near, below, replaces)
            };
            made.map_err(|error| meanwhile(&to, error))?;
        }
        Ok(())
    }

    /// Lets the owner write in directories that bundles brought without that right. Returns their modes.
    fn lift(&self, project: &Project) -> Result<Vec<(PathBuf, u32)>> {
        let directories = self.root.to_lift(&project.files).into_iter();
        let lifted = directories.map(|at| {
            let mode = self.near.mode(&at).and_then(|mode| {
                self.near.set_mode(&at, mode | OWNER)?;
                Ok(mode)
            });
            match mode {
                Ok(mode) => Ok((at, mode)),
                Err(error) => Err(Error::io("write to", self.root.path().join(at))(error)),
            }
        });
        lifted.collect()
    }

    /// Gives the directories the modes of the bundle, or those that they had.
    fn restore(&self, lifted: Vec<(PathBuf, u32)>, project: &Project) -> Result<()> {
        for (at, old) in lifted.into_iter().rev() {
            let mut files = project.files.iter();
            let own = files.find_map(|file| match file.kind {
                FileKind::Directory { mode } if Path::new(file.path.as_str()) == at => Some(mode),
                _ => None,
            });
            // The user's umask holds for group and others.
            let mode = own.map_or(old, |mode| self.root.mode(mode) & (old | OWNER));
            match self.near.set_mode(&at, mode) {
                // It was taken away.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                set => set.map_err(Error::io("change the mode of", self.root.path().join(at)))?,
            }
        }
        Ok(())
    }

    /// Fails if the root's name leads elsewhere now: the shell would be entered there.
    fn ensure_root_is_the_same(&self) -> Result<()> {
        let root = self.root.path();
        self.root
            .ensure_same(&Held::open(root).map_err(Error::io("open", root))?)
    }

    /// Gives the directory the name of the root, which nothing has had until now.
    fn become_root(self) -> Result<()> {
        let root = self.root.path();
        let name = |path: &Path| PathBuf::from(path.file_name().unwrap_or_default());
        let (from, to) = (name(self.dir.path()), name(root));
        let moved = self.near.move_to(&from, &self.near, &to, false);
        moved.map_err(|error| meanwhile(root, error))?;
        // The directory was renamed, so there is nothing to clean up.
        let _gone = self.dir.keep();
        // Who may write in the directory around could have put another one in its place.
        match self
            .near
            .below(&to)
            .and_then(|placed| placed.is(&self.held))
        {
            Ok(true) => Ok(()),
            _ => Err(NoPlace::Changed(root.to_owned()).into()),
        }
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
            let at = Path::new(file.path.as_str());
            let restricted = self.held.restrict(at, self.root.mode(mode));
            restricted.map_err(Error::io("change the mode of", self.path(file)))?;
        }
        Ok(())
    }
}

/// For a place that was free when it was looked at.
fn meanwhile(place: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::AlreadyExists => NoPlace::Changed(place.to_owned()).into(),
        _ => Error::io("create", place)(error),
    }
}
