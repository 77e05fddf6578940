//! Flakes to pack. A flake's source, with a complete lock file, is the project;
//! [`crate::nix::flake`] evaluates it.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use serde_json::Value;

use super::project::{self, Project};
use super::staged::copy_tree;
use crate::error::{Error, FlakeProblem, Result};
use crate::nix::evaluate::{self, Request};
use crate::nix::flake::{self, AttributePath, Flake, LOCK_FILE, Metadata};
use crate::nix::user_config::Nothing;
use crate::nix::{self, Nix};
use crate::redact;
use crate::report::{Event, Report};
use shellpack_format::bundle::manifest::selection::Selection;
use shellpack_format::bundle::manifest::{FlakeSource, NIX_PATH, NIXPKGS_CONFIG};
use shellpack_format::store::store_path::StorePath;

/// A flake to pack, copied to a scratch directory.
#[derive(Debug)]
pub(super) struct StagedFlake {
    pub(super) flake: Flake,
    /// The store path of its source.
    pub(super) path: StorePath,
    /// Its URL, unless the flake is local to this machine.
    url: Option<String>,
    /// Its directory, if it is.
    directory: Option<PathBuf>,
    /// The reference that the user typed.
    named: String,
    /// Whether its lock file was complete, so that Nix itself evaluates the same flake under that
    /// reference.
    was_locked: bool,
}

/// The request without the user's search path and configuration.
pub(super) fn sealed(request: Request<'_>) -> Result<Request<'_>> {
    let nothing = Nothing::write(&request.scratch.join("nothing"))?;
    Ok(Request {
        include: &[],
        nix_path: Some(nothing.overlays),
        nixpkgs_config: Some(nothing.config),
        ..request
    })
}

impl StagedFlake {
    /// Copies the flake's source into `scratch`. An incomplete lock file is completed in the copy;
    /// the user's tree is not changed.
    pub(super) fn find(
        named: &str,
        must_be_locked: bool,
        nix: &Nix,
        scratch: &Path,
        report: &Report,
    ) -> Result<Self> {
        let waiting = report.waiting("Nix to find the flake");
        let metadata = Metadata::of(named, nix)?;
        drop(waiting);
        let stage = scratch.join("source").join(metadata.name());
        copy_tree(Path::new(&metadata.path), &stage)?;
        let stage = fs::canonicalize(&stage).map_err(Error::io("find", &stage))?;
        let is_locked = metadata.is_locked();
        if !is_locked {
            lock(&metadata, named, must_be_locked, &stage, report)?;
        }
        if metadata.is_dirty() {
            report.emit(Event::Note(
                "the flake has uncommitted changes; they are included",
            ));
        }
        let mut files = Vec::new();
        list_files(&stage, &stage, &mut files)?;
        let mut flake = Flake {
            source: stage,
            files: Some(files),
            directory: metadata.directory().to_owned(),
            attributes: metadata.attributes(nix)?,
            nix_version: nix.version.clone(),
        };
        let path = flake.store_path(nix, scratch)?;
        if !is_locked {
            set_nar_hash(&mut flake, &path, nix)?;
        }
        Ok(Self {
            flake,
            path,
            url: (!metadata.is_local()).then(|| redact::text(metadata.url())),
            directory: metadata.local_directory(),
            named: named.to_owned(),
            was_locked: is_locked,
        })
    }

    /// Resolves a fragment to an attribute.
    pub(super) fn select(&self, fragment: &str, nix: &Nix, scratch: &Path) -> Result<Selection> {
        let candidates = AttributePath::candidates(fragment, &nix.system);
        let nothing = Nothing::write(&scratch.join("nothing"))?;
        let surroundings = [
            (NIX_PATH, nothing.overlays),
            (NIXPKGS_CONFIG, nothing.config),
        ];
        let found = self
            .flake
            .first_of(&candidates, &surroundings, nix, scratch)
            .map_err(|error| self.said_by_nix(error, &candidates[0], nix, scratch))?;
        let attribute = found.ok_or_else(|| FlakeProblem::NoAttribute {
            reference: self.named.clone(),
            tried: candidates.iter().map(ToString::to_string).collect(),
        })?;
        Ok(Selection {
            attribute: Some(attribute.to_string()),
            arguments: Vec::new(),
            settings: nix.options.of_evaluation(),
        })
    }

    /// The path of `flake.nix`.
    pub(super) fn file(&self) -> PathBuf {
        self.flake
            .source
            .join(&self.flake.directory)
            .join(flake::FILE)
    }

    /// The whole source as a project.
    pub(super) fn project(&self) -> Result<Project> {
        let source = std::slice::from_ref(&self.flake.source);
        let here = self.here();
        let project = project::without_evaluation(&[&self.file()], source, here.as_deref())?;
        let in_store = nix::store_directory().join(self.path.to_string());
        Ok(project.copied_from(self.directory.clone(), in_store))
    }

    /// The directory of the copy that corresponds to the current one, if it is in the flake.
    pub(super) fn here(&self) -> Option<PathBuf> {
        let place = fs::canonicalize(self.directory.as_ref()?).ok()?;
        let here = std::env::current_dir().ok()?;
        let copy = self.flake.source.join(here.strip_prefix(place).ok()?);
        fs::canonicalize(copy).ok().filter(|copy| copy.is_dir())
    }

    /// The flake in the form of the manifest.
    pub(super) fn source(&self) -> FlakeSource {
        FlakeSource {
            url: self.url.clone(),
            attributes: self.flake.attributes.to_string(),
        }
    }

    /// Warns if Nix itself evaluates to another derivation than shellpack.
    pub(super) fn compare(
        &self,
        selection: &Selection,
        found: &StorePath,
        nix: &Nix,
        report: &Report,
    ) -> Result<()> {
        if !self.was_locked {
            return Ok(());
        }
        let printed = self.ensure_pure(selection, nix)?;
        if nix.store.parse_path(printed.trim()).as_ref() != Ok(found) {
            report.emit(Event::Warning(&format!(
                "the bundle's shell is {found}, but nix develop would enter {printed}: the flake \
                 depends on something that is not in the bundle"
            )));
        }
        Ok(())
    }
}

impl StagedFlake {
    /// The error of outputs that cannot be looked through, in Nix's own words.
    fn said_by_nix(
        &self,
        error: Error,
        attribute: &AttributePath,
        nix: &Nix,
        scratch: &Path,
    ) -> Error {
        let selection = Selection {
            attribute: Some(attribute.to_string()),
            ..Selection::default()
        };
        match self.ensure_pure(&selection, nix) {
            Err(problem) => problem.into(),
            Ok(_) => evaluate::without_ours(error, scratch),
        }
    }

    /// Fails if Nix itself cannot evaluate the shell, and returns what it makes of it.
    pub(super) fn ensure_pure(
        &self,
        selection: &Selection,
        nix: &Nix,
    ) -> Result<String, FlakeProblem> {
        let attribute = selection.attribute.as_deref().unwrap_or_default();
        flake::derivation_of_nix(&self.named, attribute, nix).map_err(|error| {
            FlakeProblem::NotPure {
                reference: self.named.clone(),
                attribute: attribute.to_owned(),
                words: error.to_string(),
            }
        })
    }
}

/// Completes the lock file of the copy, and reports the locked inputs.
fn lock(
    metadata: &Metadata,
    reference: &str,
    must_be_locked: bool,
    stage: &Path,
    report: &Report,
) -> Result<()> {
    if must_be_locked {
        return Err(FlakeProblem::NotLocked(reference.to_owned()).into());
    }
    let file = stage.join(metadata.directory()).join(LOCK_FILE);
    let text = metadata.lock_file();
    fs::write(&file, text).map_err(Error::io("write", &file))?;
    let inputs = metadata.inputs().map(|input| format!("\n  {input}"));
    report.emit(Event::Warning(&format!(
        "the flake is not locked; the bundle locks its inputs at their current versions:{}",
        inputs.collect::<String>()
    )));
    Ok(())
}

/// Sets `narHash` to the hash of the source with its completed lock file.
fn set_nar_hash(flake: &mut Flake, source: &StorePath, nix: &Nix) -> Result<()> {
    let info = nix.connect()?.path_info(source)?;
    if let (Some(info), Some(attributes)) = (info, flake.attributes.as_object_mut()) {
        let hash = format!("sha256-{}", BASE64.encode(info.nar_hash.bytes()));
        attributes.insert("narHash".to_owned(), Value::String(hash));
    }
    Ok(())
}

/// Lists everything below a directory, relative to `root`.
fn list_files(root: &Path, dir: &Path, files: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let path: PathBuf = entry.map_err(Error::io("list", dir))?.path();
        let relative = path.strip_prefix(root).unwrap_or(&path);
        let relative = relative
            .to_str()
            .ok_or_else(|| Error::NotUtf8(path.clone()))?;
        files.push(relative.to_owned());
        if path.is_dir() && !path.is_symlink() {
            list_files(root, &path, files)?;
        }
    }
    Ok(())
}
