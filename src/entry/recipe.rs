//! The parts of a bundle that evaluation needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::entry::project;
use crate::error::{Error, Result};
use crate::nix::flake::Flake;
use crate::nix::replay::Answer;
use shellpack_format::bundle::manifest::{Answers, Manifest, Pin, Project, RelativePath, Shell};
use shellpack_format::store::store_path::StoreDir;

/// The parts of a bundle that evaluating one of its shells needs.
#[derive(Debug, Serialize, Deserialize)]
pub struct Recipe {
    /// The shell.
    pub shell: Shell,
    /// The answers for its fetchers; empty if Nix itself finds all sources.
    pub(super) sources: Vec<Answer>,
    /// The project's Nix files, relative to its root.
    pub(super) files: Vec<RelativePath>,
    /// The project, if it is the source of a flake.
    pub(super) source: Option<Project>,
    /// Answers besides those of its fetchers.
    #[serde(default)]
    pub(super) answers: Answers,
    /// The directory of another shell's entry, which has the same answers.
    #[serde(skip)]
    pub(super) like: Option<PathBuf>,
    /// Whether the project was edited, once that is known: it takes reading all of its files.
    #[serde(skip)]
    is_edited: OnceLock<bool>,
}

impl Recipe {
    /// The recipe of a bundle's shell.
    pub fn of(manifest: &Manifest, shell: &Shell) -> Self {
        let store = &manifest.closure.store;
        Self {
            answers: manifest.answers.clone().unwrap_or_default(),
            ..Self::new(shell.clone(), &manifest.pins, &manifest.project, store)
        }
    }

    /// The recipe of a shell that is not in a bundle yet.
    pub fn new(shell: Shell, pins: &[Pin], project: &Project, store: &StoreDir) -> Self {
        Self {
            source: shell.flake.is_some().then(|| project.clone()),
            shell,
            sources: pins
                .iter()
                .filter_map(|pin| Answer::of_pin(pin, store))
                .collect(),
            files: project.nix_files().cloned().collect(),
            answers: Answers::default(),
            like: None,
            is_edited: OnceLock::new(),
        }
    }

    /// Becomes the recipe of another shell of the bundle. Files that were written for one of the
    /// shells before it, to `dir`, serve for it, too.
    pub(super) fn turn_to(&mut self, shell: &Shell, project: &Project, dir: PathBuf) {
        if self.is_answered() || self.shell.flake.is_some() {
            self.like = Some(dir);
        }
        if shell.flake.is_some() && self.source.is_none() {
            self.source = Some(project.clone());
            self.like = None;
        }
        self.shell = shell.clone();
    }

    /// Whether evaluation needs answers.
    pub(super) fn is_answered(&self) -> bool {
        !self.sources.is_empty() || !self.answers.is_empty()
    }

    /// The flake of a project at `root`. An unedited project has exactly the files of the bundle;
    /// an edited one has all files in the directory, as in Nix.
    pub(super) fn flake(&self, root: &Path) -> Result<Option<Flake>> {
        let (Some(source), Some(project)) = (&self.shell.flake, &self.source) else {
            return Ok(None);
        };
        let all = project.files.iter().map(|file| file.path.to_string());
        let is_edited = || !project::edited(project, root).is_empty();
        let is_edited = *self.is_edited.get_or_init(is_edited);
        Ok(Some(Flake {
            source: fs::canonicalize(root).map_err(Error::io("find", root))?,
            files: (!is_edited).then(|| all.collect()),
            directory: self.shell.file.parent().to_owned(),
            attributes: serde_json::from_str(&source.attributes).unwrap_or_default(),
            nix_version: self.shell.nix_version.clone(),
        }))
    }
}
