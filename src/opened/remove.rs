//! Removes the records of bundles, and with them the garbage collection roots. Project files stay.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;

use crate::error::{NotThere, Result};
use crate::launch;
use crate::opened::{Generations, Place, Record, Scope, meant};
use crate::portable::Portable;
use crate::report::{Event, Labelled, Phase, Report, count, human};
use crate::target::Target;
use crate::text::shown;
use shellpack_format::bundle::manifest::shell_typed;

mod garbage;

use garbage::{Freed, Garbage, Sharing};

/// The request.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundles to remove.
    pub names: Vec<String>,
    /// The directory of the store of ours that has them; by default any store.
    pub store: Option<PathBuf>,
    /// Whether the newest of each stays, and all others of its name are removed.
    pub all_but_newest: bool,
    /// Whether to only tell what would be removed.
    pub dry_run: bool,
    /// Whether to remove what nothing needs from a store that other machines may use.
    pub collect: bool,
}

/// Removed records, as `remove --json` prints them.
#[must_use]
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Removed {
    #[serde(rename = "removed")]
    names: Vec<String>,
    /// Whether nothing was removed.
    dry_run: bool,
    /// Project directories that still exist.
    projects: Vec<PathBuf>,
    /// Bundles to go back to, where the current one is removed.
    left: Vec<Left>,
    /// The paths in Nix's store that the roots protected, if Nix could be asked.
    garbage: Option<Garbage>,
    /// The stores of ours.
    freed: Vec<Freed>,
}

/// Removes records, even damaged ones: all of them, or none if one cannot be found.
pub(crate) fn remove(options: &Options, report: &Report) -> Result<Removed> {
    report.emit(Event::Phase(Phase::Check));
    let records = meant_by(options)?;
    if let Some(record) = records.iter().find(|record| !is_removable(record)) {
        let id = record.full_name();
        return Err(NotThere::ForAllUsers { id }.into());
    }
    let projects = projects(&records);
    let left = left(&records)?;
    let stores = stores(&records, options)?;
    let (own, of_nix): (Vec<_>, Vec<_>) = records
        .iter()
        .cloned()
        .partition(|record| record.store().is_some());
    // A store whose roots cannot be read keeps everything, and its records.
    let mut collections = Vec::new();
    for (store, sharing) in &stores {
        let is_collected = match sharing {
            Sharing::Own => true,
            Sharing::Shared => options.collect,
            Sharing::Others | Sharing::Nixs => false,
        };
        let collection = is_collected.then(|| garbage::collection(store, &own, report));
        collections.push(collection.transpose()?);
    }
    if !options.dry_run {
        report.ensure_not_interrupted()?;
        for record in &records {
            // A full disk has no room for them. Then the files count as edited.
            let _ = record.leave_lists(&records);
        }
    }
    let garbage = in_nixs_store(&of_nix, options, report)?;
    if !options.dry_run {
        report.ensure_not_interrupted()?;
        own.iter().try_for_each(Record::remove)?;
    }
    let mut freed = Vec::new();
    for ((store, sharing), collection) in stores.iter().zip(collections) {
        let collected = collection.map(|found| garbage::collected(found, options.dry_run, report));
        freed.push(Freed {
            store: store.dir().to_owned(),
            garbage: collected.transpose()?,
            sharing: *sharing,
        });
    }
    report.emit(Event::PhaseDone);
    Ok(Removed {
        names: records.iter().map(Record::full_name).collect(),
        dry_run: options.dry_run,
        projects,
        left,
        garbage,
        freed,
    })
}

/// The stores of ours that have paths of these records, and the one to collect if there are none.
fn stores(records: &[Record], options: &Options) -> Result<Vec<(Portable, Sharing)>> {
    let mut stores = garbage::own_stores(records)?;
    if records.is_empty() && options.collect {
        let store = unnamed(options)?;
        if store.exists() {
            store.ensure_usable()?;
        }
        let sharing = garbage::collected_by(&store, Sharing::Own);
        stores.push((store, sharing));
    }
    Ok(stores)
}

/// The store to collect if no bundle is named.
fn unnamed(options: &Options) -> Result<Portable> {
    match &options.store {
        Some(dir) => Portable::at(dir),
        None => Portable::at(&Scope::User.own_store()?),
    }
}

/// Removes records of Nix's store, and asks Nix what that frees. A record can be removed without Nix.
fn in_nixs_store(
    records: &[Record],
    options: &Options,
    report: &Report,
) -> Result<Option<Garbage>> {
    if records.is_empty() {
        return Ok(None);
    }
    let target = Target::here();
    let waiting = report.waiting("Nix's store to answer");
    let held = garbage::held(records, &target);
    let garbage = if options.dry_run {
        held.and_then(|held| garbage::without(records, &held, &target))
    } else {
        drop(waiting);
        report.ensure_not_interrupted()?;
        records.iter().try_for_each(Record::remove)?;
        let _waiting = report.waiting("Nix to look for garbage");
        held.and_then(|held| garbage::in_nixs_store(&held, &target))
    };
    report.ensure_not_interrupted()?;
    if let Err(error) = &garbage {
        let text = format!("could not find out what a garbage collection would free: {error}");
        report.emit(Event::Warning(&text));
    }
    Ok(garbage.ok())
}

/// The records to remove, each once.
fn meant_by(options: &Options) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for name in &options.names {
        let meant = meant(name, options.store.as_deref())?;
        if options.all_but_newest {
            records.extend_from_slice(meant.all_but_newest()?);
        } else {
            records.push(meant.only()?.clone());
        }
    }
    let mut seen = BTreeSet::new();
    records.retain(|record| seen.insert(record.path().to_owned()));
    Ok(records)
}

fn is_removable(record: &Record) -> bool {
    !record.is_for_all() || record.ensure_writable().is_ok()
}

/// The project directories that stay.
fn projects(records: &[Record]) -> Vec<PathBuf> {
    let mut projects = Vec::new();
    for record in records {
        let places = record.places().into_iter().filter(Place::exists);
        let outside = places.filter(|place| !place.directory.starts_with(record.path()));
        projects.extend(outside.map(|place| place.directory));
    }
    let mut seen = BTreeSet::new();
    projects.retain(|project| seen.insert(project.clone()));
    projects
}

/// A project directory whose current bundle is removed, and which has others.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Left {
    project: PathBuf,
    /// The full name of the one that was the current one before.
    id: String,
}

fn left(removed: &[Record]) -> Result<Vec<Left>> {
    let mut left = Vec::new();
    for project in projects(removed) {
        let generations = Generations::of(&project, None)?;
        let is_removed = |record: &Record| removed.contains(record);
        if generations.newest().is_some_and(is_removed)
            && let Some(record) = generations.newest_but(removed)
        {
            let id = record.full_name();
            left.push(Left { project, id });
        }
    }
    Ok(left)
}

impl Removed {
    /// The result as text.
    pub(crate) fn text(&self) -> String {
        let mut text = Labelled::default();
        if self.names.is_empty() && self.freed.is_empty() {
            text.line("removed", "nothing: there is no older one");
        }
        let done = if self.dry_run {
            "would remove"
        } else {
            "removed"
        };
        for (label, name) in labels(done).zip(&self.names) {
            text.line(label, name);
        }
        for (label, project) in labels("project").zip(&self.projects) {
            text.line(label, &format!("{} stays as it is", shown(project)));
        }
        for Left { project, id } in &self.left {
            let project = shown(project);
            text.line(
                "current",
                &format!("none in {project}: its files are of a bundle that was removed"),
            );
            let line = format!(
                "to put back those of {id}: shellpack rollback {}",
                shell_typed(id)
            );
            text.line("", &launch::for_here(&line));
        }
        if let Some(garbage) = self.garbage.as_ref().filter(|_| !self.names.is_empty()) {
            garbage.lines(self.dry_run, &mut text);
        }
        for freed in &self.freed {
            freed.lines(self.dry_run, &mut text);
        }
        text.finish()
    }
}

/// A label for the first line, and none for those below.
fn labels(first: &str) -> impl Iterator<Item = &str> {
    std::iter::once(first).chain(std::iter::repeat(""))
}

impl Garbage {
    fn lines(&self, is_dry_run: bool, text: &mut Labelled) {
        let (size, paths) = (human(self.bytes), count(self.paths, "store path"));
        let freed = match self.paths {
            0 => "nothing to free".to_owned(),
            _ if is_dry_run => {
                format!("{size} in {paths} could then be freed with: nix-collect-garbage")
            }
            _ => format!("{size} in {paths} can be freed with: nix-collect-garbage"),
        };
        text.line("garbage", &freed);
        if self.kept > 0 {
            let keep = if self.kept == 1 { "is" } else { "are" };
            text.line(
                "",
                &format!(
                    "{} {keep} kept by something else",
                    count(self.kept, "store path")
                ),
            );
        }
    }
}

impl Freed {
    fn lines(&self, is_dry_run: bool, text: &mut Labelled) {
        let store = shown(&self.store);
        if self.sharing == Sharing::Nixs {
            text.line(
                "garbage",
                &format!("Nix made the store in {store}, and frees its space: nix-collect-garbage"),
            );
            return;
        }
        if self.sharing == Sharing::Others {
            text.line(
                "garbage",
                &format!("the store paths stay in {store}: they are not yours to remove"),
            );
            return;
        }
        let Some(garbage) = &self.garbage else {
            text.line(
                "garbage",
                &format!("not looked for in {store}: other machines may be using it"),
            );
            text.line(
                "",
                &launch::for_here(&format!(
                    "once nothing runs from it on any machine: shellpack remove --collect --store {}",
                    shell_typed(&self.store.to_string_lossy())
                )),
            );
            return;
        };
        let (size, paths) = (human(garbage.bytes), count(garbage.paths, "store path"));
        let said = match garbage.paths {
            0 => format!("nothing to free in {store}"),
            _ if is_dry_run => format!("would free {size} in {paths} of {store}"),
            _ => format!("freed {size} in {paths} of {store}"),
        };
        text.line("garbage", &said);
    }
}
