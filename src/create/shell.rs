//! The first stage: which shell it is, and everything that evaluating it took.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Options;
use super::pins;
use super::project::{self, Project};
use super::subject::Located;
use crate::bundle::manifest::{BundleName, Pin};
use crate::error::{Error, Result};
use crate::nix::Nix;
use crate::nix::command::Selection;
use crate::nix::daemon::Connection;
use crate::nix::derivation::Derivation;
use crate::nix::evaluate::{self, Evaluation, Recorded, Request};
use crate::nix::flake::Start;
use crate::nix::store_path::StorePath;
use crate::report::{Event, Phase, Report};

mod fetching;
mod record;
mod user_config;

use fetching::Fetched;
use record::Recording;
pub(super) use record::Surroundings;

/// A shell that has been evaluated.
#[must_use]
#[derive(Debug)]
pub(super) struct Shell {
    /// The Nix that evaluated it.
    pub(super) nix: Nix,
    /// The bundle's name.
    pub(super) name: BundleName,
    /// The shell file, absolute.
    pub(super) file: PathBuf,
    /// Attribute and arguments.
    pub(super) selection: Selection,
    /// What it evaluates to.
    pub(super) path: StorePath,
    /// The same, parsed.
    pub(super) derivation: Derivation,
    /// Fetched sources and look-ups.
    pub(super) pins: Vec<Pin>,
    /// Derivations whose outputs evaluation reads, with those outputs.
    pub(super) read_while_evaluating: BTreeMap<StorePath, BTreeSet<String>>,
    /// What evaluation takes from the machine, frozen into the store.
    pub(super) surroundings: Surroundings,
    /// Environment variables that evaluation reads.
    pub(super) variables_read: BTreeSet<String>,
    /// Files outside the project that fetch, or import one that does.
    pub(super) fetching_files: Vec<String>,
    /// The project's files.
    pub(super) project: Project,
    /// Whether what only evaluation takes is left out.
    pub(super) frozen: bool,
    /// Roots and temporary files; they last as long as this value.
    pub(super) scratch: TempDir,
    /// Holds what evaluation fetched; Nix itself does not hold a source that is valid already.
    _temporary_roots: Connection,
}

/// Evaluates the shell and records what it took.
pub(super) fn evaluate(options: &Options, report: &Report) -> Result<Shell> {
    report.emit(Event::Phase(Phase::Evaluate));
    ensure_name_is_usable(options)?;
    let scratch =
        tempfile::tempdir().map_err(Error::io("create a directory in", std::env::temp_dir()))?;
    let Located { file, link } = options.subject.locate(scratch.path())?;
    let nix = Nix::find()?;
    let request = Request::new(
        Start::File(&file),
        &options.selection,
        &options.include,
        scratch.path(),
        report,
    );
    let mut connection = nix.connect()?;
    let Recording {
        evaluation,
        surroundings,
        foreign,
    } = record::record(&request, &nix, &mut connection, report)?;
    let here = one_derivation(&evaluation, &file)?;
    if options.locked {
        pins::ensure_locked(&nix, &evaluation.events, &surroundings.search_path)?;
    }
    let mut extra = options.extra_files.clone();
    extra.extend(link);
    let project = project::collect(&file, &evaluation, &foreign, &extra)?;
    report.ensure_not_interrupted()?;
    let fetched = Fetched::by(&evaluation.events, &nix, &project)?;
    fetched.warn_of_frozen(report);
    let answered = fetched.evaluate_answered(&surroundings.around(&request), &nix, &project)?;
    let path = answered.unwrap_or(here);
    let derivation = evaluate::read_derivation(&nix, &path)?;
    let mut pins = pins::of_surroundings(&surroundings);
    pins.extend(fetched.pins);
    let name = name(options, &project.root)?;
    let project = if options.frozen {
        warn_of_place(&derivation, &project.root, report);
        project::without_evaluation(&file, &extra)?
    } else {
        project
    };
    Ok(Shell {
        name,
        frozen: options.frozen,
        selection: options.selection.clone(),
        path,
        derivation,
        pins,
        read_while_evaluating: read_while_evaluating(&evaluation.events, &nix),
        variables_read: variables_read(&evaluation.events),
        surroundings,
        fetching_files: fetched.files,
        project,
        file,
        nix,
        scratch,
        _temporary_roots: connection,
    })
}

/// What nix-shell would enter.
fn one_derivation(evaluation: &Evaluation, file: &Path) -> Result<StorePath> {
    match &evaluation.derivations[..] {
        [path] => Ok(path.clone()),
        others => Err(Error::NotOneDerivation {
            file: file.to_owned(),
            count: others.len(),
        }),
    }
}

/// Before evaluation, which may take long.
fn ensure_name_is_usable(options: &Options) -> Result<()> {
    name(options, Path::new("/")).map(drop)
}

fn name(options: &Options, root: &Path) -> Result<BundleName> {
    if let Some(name) = &options.name {
        BundleName::parse(name).map_err(Error::BadName)
    } else {
        let dir = root.file_name().unwrap_or_default();
        Ok(BundleName::from_directory(&dir.to_string_lossy()))
    }
}

fn variables_read(events: &[Recorded]) -> BTreeSet<String> {
    let names = events.iter().filter_map(|event| match event {
        Recorded::Environment { name } => Some(name.clone()),
        _ => None,
    });
    names.collect()
}

/// Evaluated on the target, such a variable would name the place there.
fn warn_of_place(derivation: &Derivation, root: &Path, report: &Report) {
    let Some(root) = root.to_str() else { return };
    let environment = derivation.environment.iter();
    let mut named = environment.filter(|(_, value)| value.contains(root));
    if let Some((variable, _)) = named.next() {
        report.emit(Event::Warning(&format!(
            "the shell's variable {variable} has the path of the project's directory here, {root}; \
             entered without evaluating, it has the same on every machine"
        )));
    }
}

/// What import from derivation has built, and other store paths that evaluation names.
fn read_while_evaluating(events: &[Recorded], nix: &Nix) -> BTreeMap<StorePath, BTreeSet<String>> {
    let mut read: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for event in events {
        if let Recorded::Realise { path, outputs } = event
            && let Some((path, _)) = nix.store.containing(path)
            // A derivation itself is written by whoever evaluates.
            && !(path.is_derivation() && outputs.is_empty())
        {
            read.entry(path)
                .or_default()
                .extend(outputs.iter().cloned());
        }
    }
    read
}

/// Whether a file that was evaluated belongs to the project. Nix also evaluates files of
/// its own, which are nowhere on disk.
pub(super) fn is_project_file(file: &Path, foreign: &[PathBuf]) -> bool {
    !foreign.iter().any(|dir| file.starts_with(dir)) && file.is_file()
}
