//! The first stage: which shell it is, and everything that evaluating it took.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Options;
use super::pins;
use super::project::{self, Project};
use crate::bundle::manifest::{BundleName, Pin};
use crate::error::{Error, Result};
use crate::nix::Nix;
use crate::nix::command::Selection;
use crate::nix::daemon::Connection;
use crate::nix::derivation::Derivation;
use crate::nix::evaluate::{self, Evaluation, Recorded, Request};
use crate::nix::search_path::{self, Entry, Frozen};
use crate::nix::store_path::StorePath;
use crate::report::{Event, Phase, Report};

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
    /// What `NIX_PATH` must say: look-ups, frozen into the store.
    pub(super) search_path: Vec<Frozen>,
    /// The project's files.
    pub(super) project: Project,
    /// Roots and temporary files; they last as long as this value.
    pub(super) scratch: TempDir,
    /// Holds what evaluation fetched; Nix itself does not hold a source that is valid already.
    _temporary_roots: Connection,
}

/// Evaluates the shell and records what it took.
pub(super) fn evaluate(options: &Options, report: &Report) -> Result<Shell> {
    report.emit(Event::Phase(Phase::Evaluate));
    let file = locate(&options.file)?;
    ensure_name_is_usable(options)?;
    let nix = Nix::find()?;
    let scratch =
        tempfile::tempdir().map_err(Error::io("create a directory in", std::env::temp_dir()))?;
    let request = Request {
        file: &file,
        selection: &options.selection,
        include: &options.include,
        nix_path: None,
        scratch: scratch.path(),
        report,
    };
    let entries = search_path::in_force(&options.include)?;
    let mut connection = nix.connect()?;
    let (evaluation, search_path) = record(&request, &nix, &entries, &mut connection, report)?;
    ensure_no_user_config(&evaluation, &file)?;
    let [path] = &evaluation.derivations[..] else {
        return Err(Error::NotOneDerivation {
            file,
            count: evaluation.derivations.len(),
        });
    };
    let derivation = evaluate::read_derivation(&nix, path)?;
    let mut pins = pins::of_look_ups(&search_path);
    pins.extend(pins::of_fetches(&nix, &evaluation.events)?);
    let foreign = foreign(&nix, &entries, &search_path, &file);
    let mut extra = options.extra_files.clone();
    extra.extend(link_to(&options.file, &file));
    let project = project::collect(&file, &evaluation, &foreign, &extra)?;
    report.ensure_not_interrupted()?;
    Ok(Shell {
        name: name(options, &project.root)?,
        selection: options.selection.clone(),
        path: path.clone(),
        derivation,
        pins,
        search_path,
        project,
        file,
        nix,
        scratch,
        _temporary_roots: connection,
    })
}

/// As nix-shell: `shell.nix`, then `default.nix`, in the directory that was named.
fn locate(named: &Path) -> Result<PathBuf> {
    let found = std::fs::canonicalize(named).map_err(Error::io("find", named))?;
    if !found.is_dir() {
        return Ok(found);
    }
    let candidates = ["shell.nix", "default.nix"].map(|name| found.join(name));
    match candidates.into_iter().find(|file| file.is_file()) {
        // Nix takes relative paths from where the file really lies.
        Some(file) => std::fs::canonicalize(&file).map_err(Error::io("find", &file)),
        None => Err(Error::NoShellFile(found)),
    }
}

/// The symlink by which a directory's shell file was found, if it is one: it is where
/// nix-shell is typed, so it travels as well.
fn link_to(named: &Path, file: &Path) -> Option<PathBuf> {
    let links = ["shell.nix", "default.nix"].map(|name| named.join(name));
    let mut links = links.into_iter().filter(|link| link.is_symlink());
    links.find(|link| std::fs::canonicalize(link).is_ok_and(|real| real == file))
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

/// Evaluates until nothing is looked up outside the store: first as it is, so that a faulty
/// shell fails in Nix's own words and the list of project files is known; then recorded;
/// and where `<…>` was looked up, once more with the look-ups frozen, which is the
/// evaluation that the other side will repeat.
fn record(
    request: &Request<'_>,
    nix: &Nix,
    entries: &[Entry],
    connection: &mut Connection,
    report: &Report,
) -> Result<(Evaluation, Vec<Frozen>)> {
    let plain = request.evaluate(nix)?;
    hold_sources(nix, &plain, connection)?;
    plain
        .talk
        .iter()
        .for_each(|line| report.emit(Event::Note(line)));
    report.ensure_not_interrupted()?;
    let foreign = foreign(nix, entries, &[], request.file);
    let files: BTreeSet<_> = plain
        .evaluated
        .iter()
        .filter(|file| is_project_file(file, &foreign))
        .cloned()
        .collect();
    let mut recorded = request.record(nix, &files, &foreign)?;
    let mut frozen = freeze(nix, entries, &recorded.events)?;
    freeze_unseen(nix, entries, &plain, &mut frozen)?;
    if !frozen.is_empty() {
        let nix_path = nix_path(&frozen);
        let request = Request {
            include: &[],
            nix_path: Some(&nix_path),
            ..request.clone()
        };
        recorded = request.record(nix, &files, &foreign)?;
    }
    for Frozen {
        name,
        source,
        store_path,
        ..
    } in &frozen
    {
        report.emit(Event::Note(&format!(
            "<{name}> is frozen: {source} as {store_path}"
        )));
    }
    if recorded.derivations != plain.derivations {
        report.emit(Event::Warning(
            "with its search path frozen, the shell is another derivation than here and now: something else \
             than its search path takes part and is not carried",
        ));
    }
    // The recorder sees project files only; Nix's log saw everything.
    recorded.evaluated.extend(plain.evaluated);
    recorded.copied.extend(plain.copied);
    Ok((recorded, frozen))
}

/// Holds the store paths whose files were evaluated: the sources that evaluation fetched.
fn hold_sources(nix: &Nix, evaluation: &Evaluation, connection: &mut Connection) -> Result<()> {
    let files = evaluation.evaluated.iter().filter_map(|file| file.to_str());
    let sources: BTreeSet<_> = files
        .filter_map(|file| Some(nix.store.containing(file)?.0))
        .collect();
    sources
        .iter()
        .try_for_each(|source| connection.add_temp_root(source))
}

fn freeze(nix: &Nix, entries: &[Entry], events: &[Recorded]) -> Result<Vec<Frozen>> {
    let mut frozen: Vec<Frozen> = Vec::new();
    for event in events {
        // `<nix/…>` are files that Nix itself brings along.
        let Recorded::Lookup { name, from, .. } = event else {
            continue;
        };
        let Some((entry, name, source)) = search_path::resolve(entries, name) else {
            continue;
        };
        if frozen.iter().any(|known| known.name == name) {
            continue;
        }
        if search_path::is_url(&entry.path) {
            return Err(pins::unpinned_search_path(from, entry));
        }
        frozen.push(search_path::freeze(nix, name, source)?);
    }
    Ok(frozen)
}

/// Freezes entries that nixpkgs itself looked up, such as `<nixpkgs-overlays>`, which the
/// recorder does not see: Nix's log names their files.
fn freeze_unseen(
    nix: &Nix,
    entries: &[Entry],
    plain: &Evaluation,
    frozen: &mut Vec<Frozen>,
) -> Result<()> {
    for entry in entries.iter().filter(|entry| !entry.prefix.is_empty()) {
        let Ok(real) = std::fs::canonicalize(&entry.path) else {
            continue;
        };
        let took_part = plain
            .evaluated
            .iter()
            .any(|file| file.starts_with(&real) || file.starts_with(&entry.path));
        let is_new = frozen.iter().all(|known| known.name != entry.prefix);
        if took_part && is_new {
            frozen.push(search_path::freeze(
                nix,
                entry.prefix.clone(),
                entry.path.clone(),
            )?);
        }
    }
    frozen.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(())
}

fn nix_path(frozen: &[Frozen]) -> String {
    search_path::nix_path(
        frozen
            .iter()
            .map(|entry| (entry.name.as_str(), entry.path.as_str())),
    )
}

/// Directories whose files are not the project's: the store, and the search path's.
fn foreign(nix: &Nix, entries: &[Entry], frozen: &[Frozen], file: &Path) -> Vec<PathBuf> {
    let mut dirs = search_path::foreign_directories(entries, file);
    dirs.extend(frozen.iter().map(|entry| PathBuf::from(&entry.source)));
    let real: Vec<_> = dirs
        .iter()
        .filter_map(|dir| std::fs::canonicalize(dir).ok())
        .collect();
    dirs.extend(real.into_iter().filter(|dir| !file.starts_with(dir)));
    dirs.push(nix.store.as_path().to_owned());
    dirs
}

/// Whether a file that was evaluated belongs to the project. Nix also evaluates files of
/// its own, which are nowhere on disk.
pub(super) fn is_project_file(file: &Path, foreign: &[PathBuf]) -> bool {
    !foreign.iter().any(|dir| file.starts_with(dir)) && file.is_file()
}

/// `~/.config/nixpkgs` is not carried, so a shell that it takes part in would be another
/// one on the other side.
fn ensure_no_user_config(evaluation: &Evaluation, shell: &Path) -> Result<()> {
    let took_part = |file: &&PathBuf| {
        // Nix names files by where symlinks lead, and home directories are often full of them.
        let real = std::fs::canonicalize(file);
        evaluation.evaluated.contains(*file)
            || real.is_ok_and(|real| evaluation.evaluated.contains(&real))
    };
    match user_config_files()
        .iter()
        .filter(|file| *file != shell)
        .find(took_part)
    {
        Some(file) => Err(Error::UserConfig {
            shell: shell.to_owned(),
            file: file.clone(),
        }),
        None => Ok(()),
    }
}

/// Every file that nixpkgs may take its configuration or overlays from.
fn user_config_files() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let below = [".config/nixpkgs", ".config/nixpkgs/overlays", ".nixpkgs"];
    let dirs = home.iter().flat_map(|home| below.map(|dir| home.join(dir)));
    let files = dirs.filter_map(|dir| std::fs::read_dir(dir).ok());
    let files = files.flatten().filter_map(Result::ok);
    // An overlay may be a directory with a default.nix.
    let mut files: Vec<_> = files
        .flat_map(|entry| [entry.path(), entry.path().join("default.nix")])
        .collect();
    files.sort();
    files.extend(std::env::var_os("NIXPKGS_CONFIG").map(PathBuf::from));
    files
}
