//! Files that are there already when a bundle is opened into a directory.
//!
//! A directory that an earlier bundle was opened into has its files, edited or not. Files that nobody
//! edited are replaced. Edited ones stay, and the bundle's version is written beside, unless the last
//! bundle that has the file brought the same one. No other file is ever overwritten, unless the user asks for that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::departed::Departed;
use super::{is_same, is_same_as_read};
use crate::error::{NoPlace, Result};
use crate::opened::Brought;
use crate::report::{Event, Report};
use crate::text::{printable_line, shown};
use shellpack_format::bundle::manifest::{FileKind, Manifest, ProjectFile, RelativePath};

/// How many files a note names.
const NAMED: usize = 6;

/// The files that differ from the bundle's, and what becomes of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Are the bundle's.
    pub(super) same: BTreeSet<RelativePath>,
    /// Are replaced: no edit is lost, or the user does not mind.
    pub(super) replaced: BTreeSet<RelativePath>,
    /// Stay, and have the bundle's version beside them, in the place of any of these versions.
    pub(super) beside: BTreeMap<RelativePath, Vec<FileKind>>,
    /// Stay: they are edited versions of what the bundle has.
    pub(super) kept: BTreeSet<RelativePath>,
    /// Are taken away: only earlier bundles of this name have them, and nobody edited them.
    pub(super) departed: Departed,
    /// Directories whose bundles let nobody write in them: they give way to a bundle.
    pub(super) restricted: BTreeSet<RelativePath>,
    /// Files of other bundles that this one does not have.
    left_over: BTreeSet<RelativePath>,
}

impl Changes {
    /// Compares the files in `root` with the bundle's, and with those of earlier bundles that were
    /// opened there.
    pub(super) fn find(
        root: &Path,
        manifest: &Manifest,
        earlier: &[Brought],
        overwrites: bool,
        report: &Report,
    ) -> Result<Self> {
        let mut changes = Self {
            departed: Departed::find(root, manifest, earlier),
            restricted: restricted(manifest, earlier),
            ..Self::default()
        };
        let read = |bytes| report.emit(Event::Advanced { bytes });
        for file in &manifest.project.files {
            let at = root.join(file.path.as_str());
            let Ok(there) = at.symlink_metadata() else {
                continue;
            };
            let is_same = is_same_as_read(&at, &file.kind, read);
            report.ensure_not_interrupted()?;
            if is_same {
                changes.same.insert(file.path.clone());
                continue;
            }
            if changes.departed.makes_room_for(&file.path, root) {
                continue;
            }
            // A directory is never replaced: it may hold anything.
            let is_directory = there.is_dir();
            if is_directory || matches!(file.kind, FileKind::Directory { .. }) {
                let path = at;
                return Err(NoPlace::OtherKind { path, is_directory }.into());
            }
            changes.sort_in(file, &at, earlier, overwrites)?;
        }
        changes.left_over = left_over(root, manifest, earlier);
        let departed = &changes.departed;
        changes.left_over.retain(|path| !departed.has(path));
        Ok(changes)
    }

    /// Adds a differing file to the set that it belongs to.
    fn sort_in(
        &mut self,
        file: &ProjectFile,
        at: &Path,
        earlier: &[Brought],
        overwrites: bool,
    ) -> Result<()> {
        let version = |brought: &Brought| {
            let mut files = brought.files().iter();
            let found = files.find(|known| known.path == file.path)?;
            Some(found.kind.clone())
        };
        let known: Vec<_> = earlier.iter().filter_map(version).collect();
        let path = file.path.clone();
        if overwrites || known.iter().any(|known| is_same(at, known)) {
            self.replaced.insert(path);
        } else if known.first().is_some_and(|last| is_alike(last, &file.kind)) {
            self.kept.insert(path);
        } else if earlier.is_empty() {
            return Err(NoPlace::FileDiffers(at.to_owned()).into());
        } else {
            self.beside.insert(path, known);
        }
        Ok(())
    }

    /// Notes for the user: what was replaced, and what stays.
    pub(super) fn notes(&self, root: &Path) -> Vec<String> {
        let note = |files: &BTreeSet<RelativePath>, words: &dyn Fn(&str) -> String| {
            (!files.is_empty()).then(|| words(&list(files)))
        };
        let beside = self.beside.keys().cloned().collect();
        let root = shown(root);
        let notes = [
            note(&self.replaced, &|files| {
                format!("replaced files in {root} by the bundle's: {files}")
            }),
            note(&self.kept, &|files| {
                format!(
                    "files that were edited in {root} stay: {files}; to take the bundle's: --overwrite"
                )
            }),
            note(&beside, &|files| {
                format!(
                    "files that were edited in {root} stay, with the bundle's version beside \
                     them, as FILE{NEW}: {files}; to take the bundle's: --overwrite"
                )
            }),
            note(&self.departed.files(), &|files| {
                format!("took files away from {root} that this bundle does not have: {files}")
            }),
            note(&self.left_over, &|files| {
                format!("files of another bundle stay in {root}: {files}")
            }),
        ];
        notes.into_iter().flatten().collect()
    }
}

/// The ending of a file that is written beside an edited one.
const NEW: &str = ".new";

/// The place beside a file for the bundle's version of it: the first that is free, or has it already, or has
/// another known version, as an earlier bundle left it.
pub(super) fn beside(file: &Path, kind: &FileKind, known: &[FileKind]) -> PathBuf {
    let named = |ending: String| {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let first = std::iter::once(NEW.to_owned());
    let more = (2..).map(|number| format!("{NEW}.{number}"));
    let mut places = first.chain(more).map(named);
    let is_free = |place: &PathBuf| {
        let mut versions = known.iter().chain([kind]);
        place.symlink_metadata().is_err() || versions.any(|version| is_same(place, version))
    };
    places
        .find(is_free)
        .unwrap_or_else(|| named(NEW.to_owned()))
}

/// Whether two bundles have the same file. Of the mode, only the part that a NAR contains counts.
fn is_alike(one: &FileKind, other: &FileKind) -> bool {
    let executable = |mode: u32| mode & 0o100 != 0;
    match (one, other) {
        (
            FileKind::File { mode, digest, .. },
            FileKind::File {
                mode: other_mode,
                digest: other_digest,
                ..
            },
        ) => digest == other_digest && executable(*mode) == executable(*other_mode),
        (one, other) => one == other,
    }
}

fn restricted(manifest: &Manifest, earlier: &[Brought]) -> BTreeSet<RelativePath> {
    let earlier = earlier.iter().flat_map(Brought::files);
    let files = manifest.project.files.iter().chain(earlier);
    let is_restricted = |file: &&ProjectFile| matches!(file.kind, FileKind::Directory { mode } if mode & 0o300 != 0o300);
    let restricted = files.filter(is_restricted);
    restricted.map(|file| file.path.clone()).collect()
}

fn left_over(root: &Path, manifest: &Manifest, earlier: &[Brought]) -> BTreeSet<RelativePath> {
    if earlier.first().is_some_and(|first| first.is_of(manifest)) {
        // It was said before.
        return BTreeSet::new();
    }
    let files = manifest.project.files.iter();
    let own: BTreeSet<_> = files.map(|file| &file.path).collect();
    let others = earlier.iter().flat_map(Brought::files);
    others
        .filter(|file| !matches!(file.kind, FileKind::Directory { .. }))
        .filter(|file| !own.contains(&file.path))
        .filter(|file| is_same(&root.join(file.path.as_str()), &file.kind))
        .map(|file| file.path.clone())
        .collect()
}

fn list(files: &BTreeSet<RelativePath>) -> String {
    let named = files.iter().take(NAMED).map(RelativePath::as_str);
    let mut text = printable_line(&named.collect::<Vec<_>>().join(", "));
    if files.len() > NAMED {
        text.push_str(&format!(" and {} more", files.len() - NAMED));
    }
    text
}
