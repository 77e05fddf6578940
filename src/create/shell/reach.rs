//! The files that an entry of the search path uses beside itself: a file imports its siblings, and a
//! directory may be that of the project.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::user_config::{Seen, real};
use crate::create::project;
use crate::error::Result;
use crate::nix::evaluate::Recorded;
use crate::nix::search_path::{self, Frozen, Part};

/// Whose files an evaluation reads, and how far each entry reaches.
pub(super) struct Reach<'a> {
    seen: &'a Seen<'a>,
    /// Every directory of the search path that answers a look-up, without symlinks.
    directories: BTreeSet<PathBuf>,
    /// The places of the user's configuration.
    configuration: Vec<PathBuf>,
    /// The directory with all of the project.
    project: PathBuf,
    /// Look-ups: the file, and the path that it got.
    look_ups: Vec<(PathBuf, PathBuf)>,
}

impl<'a> Reach<'a> {
    pub(super) fn new<'b>(
        seen: &'a Seen<'a>,
        sources: impl Iterator<Item = &'b String>,
        configuration: Vec<PathBuf>,
    ) -> Self {
        let directories = sources.filter_map(|source| fs::canonicalize(source).ok());
        let look_ups = seen.events.iter().filter_map(|event| match event {
            Recorded::Lookup { from, path, .. } => Some((from, path)),
            _ => None,
        });
        let look_ups = look_ups.map(|(from, path)| (real(Path::new(from)), real(Path::new(path))));
        Self {
            seen,
            directories: directories.filter(|dir| dir.is_dir()).collect(),
            configuration,
            project: project::whole_of(seen.shell_file),
            look_ups: look_ups.collect(),
        }
    }

    /// Brings an entry into the store with everything that it reaches.
    pub(super) fn freeze(&self, name: String, source: String) -> Result<Frozen> {
        let real = fs::canonicalize(&source).ok();
        let real = real.filter(|real| self.is_outside_store(real));
        match real.and_then(|real| self.part(&real)) {
            Some(part) => search_path::freeze_part(self.seen.nix, name, source, part),
            None => search_path::freeze(self.seen.nix, name, source),
        }
    }

    /// The part of a directory to freeze; `None` if the entry by itself is enough.
    fn part(&self, source: &Path) -> Option<Part> {
        if self.seen.shell_file.starts_with(source) {
            // Of the project, only what is read.
            let files = self.read_below(source, source);
            let trees = self.copied_below(source, source);
            return Some(Part::of(source, files, trees.collect()));
        }
        let mut files = self.imported_by(source);
        files.retain(|file| !file.starts_with(source));
        // Functions are called from elsewhere, and nothing tells who copies.
        let beside: BTreeSet<_> = files.iter().filter_map(|file| file.parent()).collect();
        let own = Some(source).filter(|source| source.is_file());
        let beside: Vec<_> = beside
            .into_iter()
            .chain(own.and_then(Path::parent))
            .map(Path::to_owned)
            .collect();
        let mut trees = BTreeSet::new();
        let others = self.read_by_project(source, &files);
        for dir in beside {
            let mut read = self.read_below(&dir, source);
            read.retain(|file| !others.contains(&real(file)));
            files.extend(read);
            trees.extend(self.copied_below(&dir, source));
        }
        files.remove(source);
        trees.retain(|tree| tree != source && !self.seen.shell_file.starts_with(tree));
        if files.is_empty() && trees.is_empty() {
            return None;
        }
        if source.is_dir() {
            trees.insert(source.to_owned());
        }
        Some(Part::of(source, files, trees.into_iter().collect()))
    }

    /// The shell file, and the files that the project imports or reads by itself.
    fn read_by_project(&self, source: &Path, own: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
        let read = self.seen.events.iter().filter_map(|event| match event {
            Recorded::Import { from, path } | Recorded::Read { from, path, .. } => {
                let from = real(from);
                let is_projects = from.starts_with(&self.project) && !own.contains(&from);
                (from != source && is_projects).then(|| real(path))
            }
            _ => None,
        });
        read.chain([real(self.seen.shell_file)]).collect()
    }

    /// The files outside of the store that a source imports, and that those import, but not what
    /// any of them looked up.
    fn imported_by(&self, source: &Path) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        loop {
            let before = found.len();
            for event in self.seen.events {
                if let Recorded::Import { from, path } | Recorded::Read { from, path, .. } = event
                    && let from = real(from)
                    && (from.starts_with(source) || found.contains(&from))
                    && event.contents_read().is_some()
                    && self.is_own(path, source)
                    && !self.is_looked_up(&from, path)
                {
                    found.extend([path.clone(), real(path)]);
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }

    /// The files below a directory that evaluation reads.
    fn read_below(&self, dir: &Path, source: &Path) -> BTreeSet<PathBuf> {
        let read = self.seen.events.iter().filter_map(Recorded::contents_read);
        let read = read.map(|(_, file)| file);
        let evaluated = self.seen.plain.evaluated.iter();
        let all = evaluated.map(PathBuf::as_path).chain(read);
        let own = all.filter(|file| file.starts_with(dir) && self.is_own(file, source));
        own.flat_map(|file| [file.to_owned(), real(file)]).collect()
    }

    /// The directories and files below a directory that evaluation copies.
    fn copied_below(&self, dir: &Path, source: &Path) -> impl Iterator<Item = PathBuf> {
        let copied = self.seen.plain.copied.iter().map(|path| real(path));
        copied.filter(move |path| path.starts_with(dir) && self.is_own(path, source))
    }

    /// Whether a path may belong to an entry rather than to the store, another entry, the project or
    /// the user's configuration.
    fn is_own(&self, path: &Path, source: &Path) -> bool {
        let path = real(path);
        let is_in = |dir: &PathBuf| path.starts_with(dir) && !source.starts_with(dir);
        path.exists()
            && self.is_outside_store(&path)
            && !is_in(&self.project)
            && !self.configuration.iter().any(is_in)
            && (path.starts_with(source) || !self.directories.iter().any(is_in))
    }

    fn is_outside_store(&self, path: &Path) -> bool {
        !path.starts_with(self.seen.nix.store.as_path())
    }

    /// Whether a file imports a path because it looked it up.
    fn is_looked_up(&self, file: &Path, imported: &Path) -> bool {
        let imported = real(imported);
        let mut look_ups = self.look_ups.iter();
        look_ups.any(|(from, path)| from == file && imported.starts_with(path))
    }
}
