//! The files that bundles brought into one project directory: what is there as a bundle brought it was not
//! edited.
//!
//! A record that is removed leaves the list of its files to another one of the directory. Their contents go
//! with it.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::places::{set_time, time_of};
use super::{Generations, Place, Record};
use crate::error::{Error, Result};
use crate::replace;
use shellpack_format::bundle::manifest::{BundleName, FileKind, Manifest, Project, ProjectFile};

/// The directory, in that of a place, of the lists that removed records left.
const LEFT: &str = "left";

/// The project files of a bundle that was opened into a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Brought {
    list: List,
    /// The record that keeps the contents; `None` if it was removed.
    record: Option<Record>,
    time: SystemTime,
}

/// A list of files, as a removed record leaves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct List {
    name: BundleName,
    project: Project,
}

impl Brought {
    /// The bundle's name.
    pub(crate) fn name(&self) -> &BundleName {
        &self.list.name
    }

    /// When the bundle was opened there last.
    pub(super) fn time(&self) -> SystemTime {
        self.time
    }

    /// Whether a record has the list.
    pub(super) fn is_by(&self, record: &Record) -> bool {
        self.record.as_ref().is_some_and(|own| own.id == record.id)
    }

    /// Whether its record was removed.
    pub(crate) fn is_removed(&self) -> bool {
        self.record.is_none()
    }

    /// The files.
    pub(crate) fn files(&self) -> &[ProjectFile] {
        &self.list.project.files
    }

    /// Whether these are the files of a bundle.
    pub(crate) fn is_of(&self, manifest: &Manifest) -> bool {
        self.list.name == manifest.name && self.list.project == manifest.project
    }

    /// Whether a rollback can put a file back.
    pub(crate) fn keeps(&self, kind: &FileKind) -> bool {
        let record = self.record.as_ref();
        record.is_some_and(|record| match kind {
            FileKind::File { digest, size, .. } => {
                let kept = record.kept(*digest).symlink_metadata();
                kept.is_ok_and(|kept| kept.is_file() && kept.len() == *size)
            }
            FileKind::Directory { .. } | FileKind::Symlink { .. } => true,
        })
    }
}

/// The files of the bundles that were opened into a directory, those of the current one first.
pub(crate) fn brought_into(directory: &Path) -> Vec<Brought> {
    let Ok(generations) = Generations::of(directory, None) else {
        return Vec::new();
    };
    // A removal that was killed has left the list of a record that is still there.
    let is_there = |id: &OsStr| {
        generations
            .iter()
            .any(|(_, record)| *record.full_name() == *id)
    };
    let mut brought = Vec::new();
    for (place, record) in generations.iter() {
        if let Ok((manifest, _)) = record.manifest() {
            brought.push(Brought {
                list: List {
                    name: manifest.name,
                    project: manifest.project,
                },
                record: Some(record.clone()),
                time: place.time,
            });
        }
        brought.extend(left_to(record, directory, is_there));
    }
    brought.sort_by_key(|one| std::cmp::Reverse(one.time));
    brought
}

fn left_to(record: &Record, directory: &Path, is_there: impl Fn(&OsStr) -> bool) -> Vec<Brought> {
    let lists = fs::read_dir(record.place(directory).join(LEFT));
    let lists = lists.into_iter().flatten().flatten();
    let lists = lists.filter(|entry| !is_there(&entry.file_name()));
    let list = |path: &Path| {
        let text = fs::read_to_string(path).ok()?;
        Some(Brought {
            list: toml::from_str(&text).ok()?,
            record: None,
            time: time_of(path),
        })
    };
    lists.filter_map(|entry| list(&entry.path())).collect()
}

impl Record {
    /// Records that the bundle was opened into this directory, or gone back to, now. It is the current
    /// one from then on.
    pub(crate) fn add_place(&self, project: &Path) -> Result<()> {
        let others = brought_into(project).into_iter();
        let others = others.filter(|one| !one.is_by(self));
        self.add_place_after(project, others.map(|one| one.time()).max())
    }

    /// Leaves the lists of its files to other records of its project directories, which are not among those
    /// that are removed with it.
    pub(super) fn leave_lists(&self, removed: &[Self]) -> Result<()> {
        let manifest = self.manifest().ok().map(|(manifest, _)| manifest);
        for place in self.places().into_iter().filter(Place::exists) {
            let generations = Generations::of(&place.directory, None)?;
            let mut heirs = generations.iter().map(|(_, record)| record);
            let heir = heirs.find(|heir| !heir.is_for_all() && !removed.contains(heir));
            let Some(heir) = heir else { continue };
            let dir = heir.place(&place.directory).join(LEFT);
            fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
            if let Some(manifest) = &manifest {
                let list = List {
                    name: manifest.name.clone(),
                    project: manifest.project.clone(),
                };
                let text = toml::to_string(&list).unwrap_or_default();
                let file = dir.join(self.full_name());
                replace::file(&file, text.as_bytes())?;
                set_time(&file, place.time).map_err(Error::io("change the time of", &file))?;
            }
            let lists = fs::read_dir(self.place(&place.directory).join(LEFT));
            for list in lists.into_iter().flatten().flatten() {
                let to = dir.join(list.file_name());
                fs::rename(list.path(), &to).map_err(Error::io("move to", &to))?;
            }
        }
        Ok(())
    }
}
