//! The project's files: those that evaluation reads, and those that derivations copy.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::nix;
use crate::nix::evaluate::{Evaluation, Recorded};
use crate::nix::expression::utf8;
use shellpack_format::bundle::manifest::{self, BundleName, FileKind, ProjectFile, may_name_root};

mod entries;
mod gather;
mod large;
mod limits;
pub(super) mod links;
mod named;
mod seen;
mod typed;

use entries::{entries, kind};
use gather::Gathered;
use limits::{limit, top};
pub(super) use limits::{repository, whole_of};
use links::Way;
pub(super) use seen::kind_of;

/// The files of a project, read and digested.
#[derive(Debug, Clone)]
pub(super) struct Project {
    /// The directory that all paths are relative to.
    pub(super) root: PathBuf,
    /// The files in the form of the manifest.
    pub(super) entries: manifest::Project,
    /// Directories that evaluation copies into the store as a whole.
    pub(super) copied: Vec<PathBuf>,
    /// Directories that evaluation lists.
    pub(super) listed: Vec<PathBuf>,
    /// A file for which the root is above the directory of the shells, where no repository says
    /// that it belongs to them.
    pub(super) beyond: Option<Beyond>,
    /// The directory where the command was typed, if it is one of the project: a shell is entered
    /// there.
    pub(super) entered: Option<PathBuf>,
    /// Symlinks into the store, through which evaluation reads.
    pub(super) into_store: BTreeSet<PathBuf>,
    /// Places in the store that carried links lead to, and that only a hook or the user needs.
    pub(super) linked_in_store: BTreeSet<PathBuf>,
    /// Where the user has the project.
    place: Place,
}

/// A file above the directory of the shells.
#[derive(Debug, Clone)]
pub(super) struct Beyond {
    /// The file.
    pub(super) file: PathBuf,
    /// Whether the user names it, and evaluation does not read it.
    pub(super) is_named: bool,
}

/// Where the user has the project.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// At its root.
    Root,
    /// The root is a copy of a flake: from this directory, or from elsewhere. Another copy is at this
    /// path of the store, where it is evaluated.
    CopiedFrom(Option<PathBuf>, PathBuf),
}

/// The part of a project that one shell uses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    /// The shell file, absolute.
    pub(super) file: &'a Path,
    /// Its evaluation.
    pub(super) evaluation: &'a Evaluation,
    /// Directories whose files do not belong to the project.
    pub(super) foreign: &'a [PathBuf],
}

impl Project {
    /// The project of a flake, whose root is a copy.
    pub(super) fn copied_from(self, place: Option<PathBuf>, in_store: PathBuf) -> Self {
        Self {
            place: Place::CopiedFrom(place, in_store),
            // All of it is the flake's: no file makes it larger.
            beyond: None,
            ..self
        }
    }

    /// The project with only the files in directories that evaluation copies.
    pub(super) fn only_copied(&self) -> Self {
        let mut copied = self.clone();
        let is_copied = |file: &ProjectFile| {
            let path = self.root.join(file.path.as_str());
            self.copied.iter().any(|dir| path.starts_with(dir))
        };
        copied.entries.files.retain(is_copied);
        copied
    }

    /// The name of its directory, which the target would not have if it is not that of the bundle; `None`
    /// if the root keeps its name anyway.
    pub(super) fn changed_name(&self, bundle: &BundleName) -> Option<String> {
        let own = self.at_own_place()?;
        let name = own.root.file_name()?.to_str()?;
        let is_changed = self.entries.directory.is_none() && name != bundle.as_str();
        let is_changed = is_changed && may_name_root(name);
        is_changed.then(|| name.to_owned())
    }

    /// Whether it is a flake, so that its files are exactly the flake's.
    pub(super) fn is_flake(&self) -> bool {
        self.place != Place::Root
    }

    /// The project at the user's own place, with the files that are there; `None` if there is none.
    pub(super) fn at_own_place(&self) -> Option<Self> {
        let place = match &self.place {
            Place::Root => return Some(self.clone()),
            Place::CopiedFrom(place, _) => fs::canonicalize(place.as_ref()?).ok()?,
        };
        let mut own = self.clone();
        let is_there =
            |file: &ProjectFile| place.join(file.path.as_str()).symlink_metadata().is_ok();
        own.entries.files.retain(is_there);
        own.root = place;
        Some(own)
    }

    /// The directory that has all of the project: the git repository of its root, or the root.
    pub(super) fn whole(&self) -> PathBuf {
        repository(&self.root).unwrap_or(&self.root).to_owned()
    }

    /// The directories from which an evaluation may name its files.
    pub(super) fn evaluated_in(&self) -> Vec<PathBuf> {
        match &self.place {
            Place::Root => vec![self.root.clone()],
            Place::CopiedFrom(_, in_store) => vec![self.root.clone(), in_store.clone()],
        }
    }

    /// Everything in it, as absolute paths.
    pub(super) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let files = self.entries.files.iter();
        files.map(|file| self.root.join(file.path.as_str()))
    }

    /// The project with these files below `limit`, too, and with the targets of symlinks on the way to
    /// them. Those that a hook reads are marked.
    pub(super) fn with_files(
        &self,
        files: &BTreeSet<PathBuf>,
        limit: &Path,
        are_read_by_hook: bool,
    ) -> Result<Self> {
        let mut gathered = Gathered::below(limit.to_owned(), &self.root);
        for file in files {
            match gathered.add(file) {
                // A symlink that leads nowhere, or out of the project.
                Err(Error::Io { .. } | Error::OutsideProject { .. }) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        let mut linked_in_store = self.linked_in_store.clone();
        linked_in_store.extend(
            files
                .iter()
                .filter_map(|file| Way::to(file, limit).place_in_store()),
        );
        let root = root_with_name(gathered.root(&self.root), &self.copied);
        let known: BTreeMap<_, _> = self.paths().zip(&self.entries.files).collect();
        let all = gathered.paths().chain(known.keys());
        let files = entries(all, &root, |path| {
            if let Some(file) = known.get(path) {
                return Ok((file.kind.clone(), file.read_by_hook));
            }
            let kind = kind(path)?;
            let is_directory = matches!(kind, FileKind::Directory { .. });
            Ok((kind, are_read_by_hook && !is_directory))
        })?;
        Ok(Self {
            entries: manifest::Project {
                directory: directory(&root, &self.copied)?,
                files,
            },
            root,
            linked_in_store,
            ..self.clone()
        })
    }
}

impl Part<'_> {
    /// Whether a path does not belong to the project.
    pub(super) fn is_foreign(&self, path: &Path) -> bool {
        self.foreign.iter().any(|dir| path.starts_with(dir))
    }

    fn gather(&self, gathered: &mut Gathered) -> Result<()> {
        match fs::canonicalize(self.file) {
            // A link into the store, as home-manager places it: the store path is carried.
            Ok(real) if self.is_foreign(&real) => gathered.add_outward(self.file)?,
            _ => gathered.add(self.file)?,
        }
        let Evaluation {
            evaluated,
            copied,
            events,
            ..
        } = self.evaluation;
        // Nix also evaluates built-in files, which do not exist on disk.
        let is_own = |file: &&PathBuf| !self.is_foreign(file) && file.is_file();
        for file in evaluated.iter().filter(is_own) {
            gathered.add(file)?;
        }
        for tree in copied.iter().filter(|tree| !self.is_foreign(tree)) {
            gathered.add_tree(tree)?;
        }
        let mut events = events.iter();
        events.try_for_each(|event| gathered.add_event(event, &|path| self.is_foreign(path)))
    }

    /// Every directory that is copied, according to Nix's log or to the recorder.
    fn copied(&self) -> impl Iterator<Item = &PathBuf> {
        let events = self.evaluation.events.iter();
        let recorded = events.filter_map(|event| match event {
            Recorded::Copy { path, .. } => Some(path),
            _ => None,
        });
        self.own_directories(self.evaluation.copied.iter().chain(recorded))
    }

    /// Every directory that is listed.
    fn listed(&self) -> impl Iterator<Item = &PathBuf> {
        let events = self.evaluation.events.iter();
        self.own_directories(events.filter_map(|event| match event {
            Recorded::Read { reader, path, .. } if reader == "readDir" => Some(path),
            _ => None,
        }))
    }

    fn own_directories<'b>(
        &'b self,
        all: impl Iterator<Item = &'b PathBuf>,
    ) -> impl Iterator<Item = &'b PathBuf> {
        all.filter(|tree| tree.is_dir() && !self.is_foreign(tree))
    }
}

/// Collects the files of a project: those that the evaluation of its shells used, and `extra` ones.
/// `here` is where the command was typed.
pub(super) fn collect(
    parts: &[Part<'_>],
    extra: &[PathBuf],
    here: Option<&Path>,
) -> Result<Project> {
    let files: Vec<_> = parts.iter().map(|part| part.file).collect();
    let top = top(&files)?;
    let mut gathered = Gathered::below(limit(&top), &top);
    for part in parts {
        part.gather(&mut gathered)?;
    }
    let is_beyond = |path: &&PathBuf| !path.starts_with(&top) && repository(&top).is_none();
    let beyond = |gathered: &Gathered, is_named| {
        let file = gathered.paths().find(is_beyond)?.clone();
        Some(Beyond { file, is_named })
    };
    let read = beyond(&gathered, false);
    for path in extra {
        gathered.add_named(path)?;
    }
    let beyond = read.or_else(|| beyond(&gathered, true));
    let root = gathered.root(&top);
    let whole = repository(&top).unwrap_or(&root);
    let is_one_place = files.iter().all(|file| file.parent() == files[0].parent());
    let here = here.filter(|_| is_one_place);
    let entered = here.filter(|here| typed::is_of_project(here, whole));
    let root = match entered {
        Some(here) => typed::add(here, &mut gathered, &top)?,
        None => root,
    };
    let copied: Vec<_> = parts.iter().flat_map(Part::copied).cloned().collect();
    let root = root_with_name(root, &copied);
    let files = entries(gathered.paths(), &root, |path| Ok((kind(path)?, false)))?;
    Ok(Project {
        listed: parts.iter().flat_map(Part::listed).cloned().collect(),
        beyond,
        entered: entered.map(Path::to_owned),
        into_store: gathered.links_into_store().clone(),
        entries: manifest::Project {
            directory: directory(&root, &copied)?,
            files,
        },
        root,
        copied,
        linked_in_store: extra
            .iter()
            .filter_map(|path| {
                let path = std::path::absolute(path).ok()?;
                Way::to(&path, path.parent()?).place_in_store()
            })
            .collect(),
        place: Place::Root,
    })
}

/// The root, or the directory above it if the root must have its name and no bundle may choose that
/// (`.dotfiles`): then the directory is one of the project's.
fn root_with_name(root: PathBuf, copied: &[PathBuf]) -> PathBuf {
    let name = root.file_name().and_then(|name| name.to_str());
    let is_refused = copied.contains(&root) && name.is_some_and(|name| !may_name_root(name));
    match root.parent() {
        Some(above) if is_refused => root_with_name(above.to_owned(), copied),
        _ => root,
    }
}

/// The name that the root must have: a source's store path has it.
fn directory(root: &Path, copied: &[PathBuf]) -> Result<Option<String>> {
    match root.file_name() {
        Some(name) if copied.iter().any(|dir| dir == root) => {
            Ok(Some(utf8(Path::new(name))?.to_owned()))
        }
        _ => Ok(None),
    }
}

/// The project of a bundle for entry without evaluation: the shell files, because their directories
/// are entered, and the files that the user names, because a `shellHook` may read them.
pub(super) fn without_evaluation(
    shell_files: &[&Path],
    extra: &[PathBuf],
    here: Option<&Path>,
) -> Result<Project> {
    let evaluation = &Evaluation::default();
    let foreign = &[nix::store_directory()];
    let parts = shell_files.iter().map(|file| Part {
        file,
        evaluation,
        foreign,
    });
    let parts: Vec<_> = parts.collect();
    collect(&parts, extra, here)
}
