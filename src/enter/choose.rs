//! Chooses the shell to enter, and one of the project directories that it was opened into.

use std::path::{Path, PathBuf};

use super::Which;

use crate::entry::shell_named;
use crate::error::{Damage, Error, NotThere, Result};
use crate::opened::{self, Generations, Place, Record, meant};
use shellpack_format::bundle::manifest::{Manifest, Shell};

/// A shell of a completely opened bundle, and a project directory of it that exists.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) record: Record,
    pub(super) manifest: Manifest,
    pub(super) shell: Shell,
    /// Whether other shells would have fit as well.
    pub(super) is_by_default: bool,
    /// The project's root.
    pub(super) project: PathBuf,
    /// The bundle whose files are there, if another one was opened there since.
    pub(super) files_of: Option<String>,
}

/// A completely opened bundle, and the root of a project of it.
struct Opened {
    record: Record,
    manifest: Manifest,
    project: PathBuf,
}

/// Chooses the named bundle, else the one whose project contains the current directory; and of that
/// bundle the named shell, else the one around the current directory, else the first.
pub(super) fn choose(which: &Which) -> Result<Chosen> {
    let (store, shell) = (which.store.as_deref(), which.shell.as_deref());
    let here = std::env::current_dir().map_err(Error::io("find", "."))?;
    let Opened {
        record,
        manifest,
        project,
    } = match &which.name {
        Some(name) => named(name, store, &here)?,
        None => around(store, &here)?,
    };
    let mut meant = match shell {
        Some(_) => vec![shell_named(&manifest, shell)?],
        None => innermost(&manifest, &project, &here),
    };
    let is_by_default = meant.len() != 1;
    if meant.is_empty() {
        meant.push(shell_named(&manifest, None)?);
    }
    let shell = meant[0].clone();
    ensure_there(&record, &project, &shell)?;
    let files_of = opened_since(&record, &project)?;
    Ok(Chosen {
        record,
        manifest,
        shell,
        is_by_default,
        project,
        files_of,
    })
}

/// The bundle that was opened into a project directory after this one, and replaced its files.
fn opened_since(record: &Record, project: &Path) -> Result<Option<String>> {
    let generations = Generations::of(project, None)?;
    let newest = generations.newest();
    let other = newest.filter(|newest| newest.full_name() != record.full_name());
    let is_known = generations.number(record).is_some();
    Ok(other.filter(|_| is_known).map(Record::full_name))
}

/// The shells in the innermost directory around the current one.
fn innermost<'a>(manifest: &'a Manifest, project: &Path, here: &Path) -> Vec<&'a Shell> {
    let depth = |shell: &Shell| {
        let file = project.join(shell.file.as_str());
        opened::depth_around(file.parent()?, here)
    };
    let depths = manifest.shells.iter().map(|shell| (depth(shell), shell));
    let found: Vec<_> = depths.filter(|(depth, _)| depth.is_some()).collect();
    let deepest = found.iter().map(|(depth, _)| *depth).max().flatten();
    let found = found.into_iter().filter(|(depth, _)| *depth == deepest);
    found.map(|(_, shell)| shell).collect()
}

fn named(name: &str, store: Option<&Path>, here: &Path) -> Result<Opened> {
    let meant = meant(name, store)?;
    let newest = meant.newest()?;
    let (manifest, _) = newest
        .manifest()
        .map_err(|damage| damaged(newest, damage))?;
    let record = that_has_a_place(newest);
    Ok(Opened {
        project: project_of(&record, here)?,
        record,
        manifest,
    })
}

/// This user's record, or the one for all users, if this user's project directories are gone.
fn that_has_a_place(record: &Record) -> Record {
    match record.for_others() {
        Some(for_all) if !record.places().iter().any(Place::exists) => for_all,
        _ => record.clone(),
    }
}

/// The project directory of a bundle that is meant here.
fn project_of(record: &Record, here: &Path) -> Result<PathBuf> {
    let place = record.place_for(here);
    let place = place.ok_or_else(|| damaged(record, Damage::NoPlace))?;
    Ok(place.directory)
}

/// The bundle of the innermost project around a directory. If several bundles were opened into one
/// directory, the last one.
fn around(store: Option<&Path>, here: &Path) -> Result<Opened> {
    let found = opened::around(store, here)?;
    let whole = found.iter().find_map(|(place, record)| {
        Some(Opened {
            record: record.clone(),
            manifest: record.manifest().ok()?.0,
            project: place.directory.clone(),
        })
    });
    whole.ok_or_else(|| why_damaged(&found[0].1))
}

/// Fails if the shell file is gone. It may have been edited: that is what project files are for.
fn ensure_there(record: &Record, project: &Path, shell: &Shell) -> Result<()> {
    let file = project.join(shell.file.as_str());
    // Without evaluation, what a link leads to is not needed.
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    let gone = [project, &file].into_iter().find(|path| !is_there(path));
    match gone {
        Some(path) => Err(NotThere::ProjectGone {
            name: record.full_name(),
            path: path.to_owned(),
            project: project.to_owned(),
            original: original_of(record, project, path),
            store: record.unusual_store(),
        }
        .into()),
        None => Ok(()),
    }
}

/// The file or directory of a bundle for all users that one in a copy of its project was made from.
fn original_of(record: &Record, project: &Path, path: &Path) -> Option<PathBuf> {
    let shared = record.for_others()?.copy_for_all();
    let original = match path.strip_prefix(project) {
        Ok(inner) if inner != Path::new("") => shared.join(inner),
        _ => shared,
    };
    original.exists().then_some(original)
}

fn why_damaged(record: &Record) -> Error {
    // If another process has completed it meanwhile, it had no manifest before.
    let damage = record.manifest().err().unwrap_or(Damage::NoManifest);
    damaged(record, damage)
}

fn damaged(record: &Record, source: Damage) -> Error {
    let id = record.full_name();
    NotThere::DamagedRecord { id, source }.into()
}
