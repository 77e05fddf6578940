//! The files of a user's nixpkgs configuration, laid out as they are in the home directory, so that
//! one finds another by a relative path.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{Seen, is_below, real};
use crate::create::project;
use crate::error::{Error, Result};
use crate::nix;
use crate::nix::evaluate::Recorded;
use crate::nix::user_config::UserConfig;

/// The files to freeze for one place of the configuration.
pub(super) struct Stage {
    /// The directory that holds all of them.
    pub(super) directory: PathBuf,
    /// The place, as Nix's log names it.
    place: PathBuf,
    files: BTreeSet<PathBuf>,
}

impl Stage {
    /// The files of a place, and those that they read.
    pub(super) fn of(seen: &Seen<'_>, place: &Path, user: &UserConfig) -> Result<Self> {
        let real = fs::canonicalize(place).map_err(Error::io("find", place))?;
        // Nix follows symlinks to files, and those to directories only in some versions.
        let mut evaluated = seen.plain.evaluated.iter();
        let is_named = evaluated.any(|file| file.starts_with(place));
        let place = if is_named || real.is_dir() {
            place.to_owned()
        } else {
            real
        };
        let mut files = if place.starts_with(nix::store_directory()) {
            seen.evaluated_below(place.parent().unwrap_or(&place))
        } else {
            seen.read_by_configuration()
        };
        let others = [&user.config, &user.overlays].into_iter().flatten();
        let others: Vec<_> = others
            .flat_map(|other| [Some(other.clone()), fs::canonicalize(other).ok()])
            .flatten()
            .filter(|other| !place.starts_with(other))
            .collect();
        files.retain(|file| !is_below(file, &others));
        let own = if place.is_dir() {
            list_files(&place, &mut files)?;
            place.as_path()
        } else {
            let directory = place.parent().unwrap_or(&place);
            if seen.shell_file.starts_with(directory) {
                files.retain(|file| !file.starts_with(directory));
            }
            files.insert(place.clone());
            directory
        };
        let holds_all = |dir: &&Path| files.iter().all(|file| file.starts_with(dir));
        let directory = own.ancestors().find(holds_all).unwrap_or(own).to_owned();
        Ok(Self {
            directory,
            place,
            files,
        })
    }

    /// The path from the directory to the place, if they are not the same.
    pub(super) fn rest(&self) -> Option<&Path> {
        let rest = self.place.strip_prefix(&self.directory).ok()?;
        (!rest.as_os_str().is_empty()).then_some(rest)
    }

    /// Copies the files to a directory that holds nothing else. A symlink stays one if it leads to
    /// another of these files.
    pub(super) fn write(&self, to: &Path) -> Result<()> {
        fs::create_dir_all(to).map_err(Error::io("create", to))?;
        for file in &self.files {
            let Ok(below) = file.strip_prefix(&self.directory) else {
                continue;
            };
            let target = to.join(below);
            let parent = target.parent().unwrap_or(to);
            fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
            match self.link(file, below) {
                Some(link) => symlink(&link, &target).map_err(Error::io("create", &target))?,
                None => drop(fs::copy(file, &target).map_err(Error::io("copy", file))?),
            }
        }
        Ok(())
    }

    /// The relative target of a symlink to another of the files.
    fn link(&self, file: &Path, below: &Path) -> Option<PathBuf> {
        let real = fs::canonicalize(file).ok()?;
        if !file.is_symlink() || real == file || !self.files.contains(&real) {
            return None;
        }
        let up = below.parent()?.components().map(|_| "..");
        let up: PathBuf = up.collect();
        Some(up.join(real.strip_prefix(&self.directory).ok()?))
    }
}

impl Seen<'_> {
    fn evaluated_below(&self, directory: &Path) -> BTreeSet<PathBuf> {
        let evaluated = self.plain.evaluated.iter();
        let below = evaluated.filter(|file| file.starts_with(directory) && file.is_file());
        below.cloned().collect()
    }

    /// The files that evaluation used and nothing but the configuration reads, as Nix's log names
    /// them: those in its own places, and others outside of the project and the search path.
    fn read_by_configuration(&self) -> BTreeSet<PathBuf> {
        let project = project::whole_of(self.shell_file);
        let is_configuration = |file: &Path| is_below(file, self.configuration);
        let mut explained = BTreeSet::from([real(self.shell_file)]);
        loop {
            let before = explained.len();
            let read = self.events.iter().filter_map(Recorded::contents_read);
            for (from, file) in
                read.filter(|(from, file)| !is_configuration(from) && !is_configuration(file))
            {
                let is_of_others = !from.is_absolute()
                    || from.starts_with(&project)
                    || is_below(from, self.foreign);
                if is_of_others || explained.contains(&real(from)) {
                    explained.insert(real(file));
                    explained.insert(real(&file.join("default.nix")));
                }
            }
            if explained.len() == before {
                break;
            }
        }
        let read = self.events.iter().filter_map(Recorded::contents_read);
        let read = read
            .map(|(_, file)| file)
            .filter(|file| is_configuration(file));
        let all = self
            .plain
            .evaluated
            .iter()
            .map(PathBuf::as_path)
            .chain(read);
        let is_left = |file: &&Path| {
            let is_of_others = file.starts_with(&project) || is_below(file, self.foreign);
            file.is_file()
                && !file.starts_with(nix::store_directory())
                && (is_configuration(file) || !is_of_others)
                && !explained.contains(&real(file))
        };
        all.filter(is_left).map(Path::to_owned).collect()
    }
}

/// Lists every file below a directory, follows symlinks, and leaves out `.git`.
fn list_files(dir: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let path = entry.map_err(Error::io("list", dir))?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != ".git") {
            list_files(&path, files)?;
        } else if path.is_file() {
            files.insert(path);
        }
    }
    Ok(())
}
