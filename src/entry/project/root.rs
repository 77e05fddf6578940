//! The project's directory on the target.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::process::geteuid;

use super::changes::{Changes, beside};
use super::departed::Departed;
use super::held::Held;
use super::lock::Lock;
use super::obeyed;
use crate::error::{Error, NoPlace, Result};
use crate::media::workplace::Temporary;
use crate::opened::brought_into;
use crate::report::{Event, Report};
use shellpack_format::bundle::manifest::{FileKind, Manifest, ProjectFile};

/// All that the mode of a project file may allow. A bundle that was packed on a file system without
/// modes has files that everybody may write.
const ALLOWED: u32 = 0o755;

/// The names of directories in which project files are written. Nobody else gives a file such a name: it would be taken for a leftover.
pub(super) const TEMPORARY: Temporary = Temporary {
    prefix: ".shellpack-opening-",
    suffix: "",
};

/// The project's root on this machine.
#[derive(Debug, Clone)]
pub(crate) struct ProjectRoot {
    root: PathBuf,
    /// The directory that the user or the bundle's name chose: the root or the one around it.
    base: PathBuf,
    /// Whether the user named it.
    is_named: bool,
    /// Whether all users of this machine read it.
    is_for_all: bool,
    /// The files that are there and differ.
    changes: Changes,
    /// The file system and the number of the directory that was compared; `None` if there was none.
    compared: Option<(u64, u64)>,
    /// Keeps others from changing the directory while this one does.
    lock: Lock,
}

impl ProjectRoot {
    /// The directory that the user named, else one with the bundle's name. If evaluation copies the
    /// root, or the shell depends on its name, the root keeps that; then it may be a subdirectory of the one that the user named.
    pub(crate) fn choose(manifest: &Manifest, dir: Option<&Path>) -> Result<Self> {
        let base = dir.map_or_else(|| PathBuf::from(manifest.name.as_str()), Path::to_owned);
        let root = match manifest.project.directory.as_deref() {
            Some(name) if base.file_name() != Some(name.as_ref()) => base.join(name),
            _ => base.clone(),
        };
        let absolute = |path: &Path| std::path::absolute(path).map_err(Error::io("find", path));
        Ok(Self {
            root: absolute(&root)?,
            base: absolute(&base)?,
            is_named: dir.is_some(),
            is_for_all: false,
            changes: Changes::default(),
            compared: None,
            lock: Lock::default(),
        })
    }

    /// A project's root that a bundle was opened into before.
    pub(crate) fn of_opened(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            base: root.to_owned(),
            is_named: true,
            is_for_all: false,
            changes: Changes::default(),
            compared: None,
            lock: Lock::default(),
        }
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

    /// This directory, with the files that are there compared with the bundle's. Fails if one of them
    /// is in the way: it is of the user, and no earlier bundle brought it. Also fails if a directory
    /// merely has the bundle's name and is not its project.
    pub(crate) fn compared(
        self,
        manifest: &Manifest,
        overwrites: bool,
        report: &Report,
    ) -> Result<Self> {
        if !exists(&self.root)? {
            if !self.is_named && !is_free(&self.base)? && brought_into(&self.root).is_empty() {
                return Err(NoPlace::OtherDirectory(self.base).into());
            }
            obeyed::tell(manifest, report);
            return Ok(self);
        }
        let other = NoPlace::OtherDirectory(self.root.clone());
        if !self.root.is_dir() {
            let (path, is_directory) = (self.root.clone(), false);
            let named = NoPlace::OtherKind { path, is_directory };
            return Err(if self.is_named { named } else { other }.into());
        }
        self.lock.take(&self.root, report)?;
        let earlier = brought_into(&self.root);
        let is_strange = !self.holds_a_shell(manifest)? || is_of_another(&self.root)?;
        if !self.is_named && earlier.is_empty() && is_strange {
            return Err(other.into());
        }
        let bytes = self.size_of_alike(manifest);
        report.emit(Event::Total { bytes, paths: 0 });
        let there = Held::open(&self.root).and_then(|held| held.metadata());
        let there = there.map_err(Error::io("look at", &self.root))?;
        let changes = Changes::find(&self.root, manifest, &earlier, overwrites, report)?;
        let compared = Self {
            changes,
            compared: Some((there.dev(), there.ino())),
            ..self
        };
        let files = &manifest.project.files;
        // Also those that are there already: what a record lists would count as ours the next time.
        obeyed::ensure_no_repository(files, &compared.root, &earlier)?;
        if !compared.is_settled(manifest) {
            let written = |file: &&ProjectFile| compared.place_for(file).is_some();
            obeyed::ensure_no_settings(files.iter().filter(written), &compared.root)?;
            obeyed::tell(manifest, report);
        }
        Ok(compared)
    }

    /// This directory, once no other command changes it.
    pub(crate) fn locked(self, report: &Report) -> Result<Self> {
        if self.root.is_dir() {
            self.lock.take(&self.root, report)?;
        }
        Ok(self)
    }

    /// Whether no other command changes the directory now.
    pub(super) fn is_locked(&self) -> bool {
        self.lock.is_held()
    }

    /// Lets others change the directory.
    pub(crate) fn unlock(&self) {
        self.lock.release();
    }

    /// How many bytes must be read to compare the files: those of other sizes need not be.
    fn size_of_alike(&self, manifest: &Manifest) -> u64 {
        let alike = manifest.project.files.iter().filter_map(|file| {
            let FileKind::File { size, .. } = file.kind else {
                return None;
            };
            let there = self.root.join(file.path.as_str()).symlink_metadata().ok()?;
            (there.is_file() && there.len() == size).then_some(size)
        });
        alike.sum()
    }

    /// Notes about files that differ from the bundle's.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.changes.notes(&self.root)
    }

    /// Fails if files are missing and cannot be written.
    pub(crate) fn ensure_writable(&self, manifest: &Manifest) -> Result<()> {
        let mut dirs = self.root.ancestors();
        let Some(dir) = dirs.find(|dir| dir.exists()) else {
            return Ok(());
        };
        if self.is_settled(manifest) {
            return Ok(());
        }
        let named = (!self.is_named).then(|| manifest.name.to_string());
        ensure_may_write(dir, named.as_ref())?;
        let fixed = self.parents(&manifest.project.files);
        let mut fixed = fixed.iter().filter(|parent| !self.is_restricted(parent));
        fixed.try_for_each(|parent| ensure_may_write(&self.root.join(parent), named.as_ref()))
    }

    /// The directories that are there, and get other entries.
    fn parents(&self, files: &[ProjectFile]) -> BTreeSet<PathBuf> {
        let written = files.iter().filter(|file| !self.stays(file));
        let written = written.filter_map(|file| Path::new(file.path.as_str()).parent());
        let parents = written.chain(self.changes.departed.parents());
        let there = parents.filter(|parent| self.root.join(parent).is_dir());
        there.map(Path::to_owned).collect()
    }

    /// Whether a bundle lets nobody write in a directory.
    fn is_restricted(&self, directory: &Path) -> bool {
        let mut restricted = self.changes.restricted.iter();
        restricted.any(|path| Path::new(path.as_str()) == directory)
    }

    /// The directories that get other entries, although bundles let nobody write in them.
    pub(super) fn to_lift(&self, project: &[ProjectFile]) -> Vec<PathBuf> {
        let parents = self.parents(project).into_iter();
        parents
            .filter(|parent| self.is_restricted(parent))
            .collect()
    }

    /// Whether one of the shell files is there. A bundle chooses their names, so only files that are
    /// Nix's by their name or first line count: `.git/HEAD` is in every repository.
    fn holds_a_shell(&self, manifest: &Manifest) -> Result<bool> {
        for shell in &manifest.shells {
            let file = self.root.join(shell.file.as_str());
            if exists(&file)? && (file.extension() == Some("nix".as_ref()) || is_script(&file)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether there is nothing to do: every project file is in its place, or an edited one is.
    pub(crate) fn is_settled(&self, manifest: &Manifest) -> bool {
        let mut files = manifest.project.files.iter();
        self.changes.departed.is_empty() && files.all(|file| self.stays(file))
    }

    /// The files that are taken away, because only an earlier bundle has them.
    pub(super) fn departed(&self) -> &Departed {
        &self.changes.departed
    }

    /// Whether a project file is in its place already, or an edited one is.
    pub(crate) fn stays(&self, file: &ProjectFile) -> bool {
        self.changes.kept.contains(&file.path) || self.changes.same.contains(&file.path)
    }

    /// Whether the directory was there when it was compared.
    pub(super) fn is_there(&self) -> bool {
        self.compared.is_some()
    }

    /// Fails if there is another directory, a symlink or a file now. `held` is the root if that was
    /// there, else the directory around it.
    pub(super) fn ensure_same(&self, held: &Held) -> Result<()> {
        let is_same = match self.compared {
            None => !exists(&self.root)?,
            Some(compared) => {
                let now = held.metadata().map_err(Error::io("look at", &self.root))?;
                compared == (now.dev(), now.ino())
            }
        };
        if is_same {
            Ok(())
        } else {
            Err(NoPlace::Changed(self.root.clone()).into())
        }
    }

    /// Whether a project file takes the place of one that is there.
    pub(super) fn replaces(&self, file: &ProjectFile) -> bool {
        self.changes.replaced.contains(&file.path) || self.changes.beside.contains_key(&file.path)
    }

    /// Where a project file goes; `None` if it stays away.
    pub(super) fn place_for(&self, file: &ProjectFile) -> Option<PathBuf> {
        let at = self.root.join(file.path.as_str());
        if let Some(known) = self.changes.beside.get(&file.path) {
            return Some(beside(&at, &file.kind, known));
        }
        let is_free = at.symlink_metadata().is_err();
        (is_free || self.changes.replaced.contains(&file.path)).then_some(at)
    }
}

fn ensure_may_write(dir: &Path, name: Option<&String>) -> Result<()> {
    let may = Access::WRITE_OK | Access::EXEC_OK;
    accessat(CWD, dir, may, AtFlags::EACCESS).map_err(|error| {
        NoPlace::Project {
            dir: dir.to_owned(),
            name: name.cloned(),
            source: error.into(),
        }
        .into()
    })
}

/// Whether a directory has nothing of the user's in it, or there is none.
fn is_free(dir: &Path) -> Result<bool> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.all(|entry| {
            let ours = TEMPORARY.prefix.as_bytes();
            entry.is_ok_and(|entry| entry.file_name().as_bytes().starts_with(ours))
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(!exists(dir)?),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(Error::io("look at", dir)(error)),
    }
}

/// Whether a file is a script for nix-shell.
fn is_script(file: &Path) -> bool {
    let mut start = Vec::new();
    let is_file = file.metadata().is_ok_and(|found| found.is_file());
    let read = is_file.then(|| fs::File::open(file)?.take(512).read_to_end(&mut start));
    let has_read = read.is_some_and(|read| read.is_ok());
    has_read && start.starts_with(b"#!") && start.windows(3).any(|part| part == b"nix")
}

/// Whether another user made a directory: a planted project would be changed once it is opened. Root may
/// work for others.
fn is_of_another(dir: &Path) -> Result<bool> {
    let there = fs::metadata(dir).map_err(Error::io("look at", dir))?;
    let own = geteuid();
    Ok(!own.is_root() && there.uid() != own.as_raw())
}

/// Whether the path exists, even as a dangling symlink.
fn exists(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("look at", path)(error)),
    }
}
