//! Removes the records of bundles, and with them the garbage collection roots. Project files stay.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;

use crate::error::{NotThere, Result};
use crate::opened::{Place, Record, meant};
use crate::report::{Event, Labelled, Phase, Report, count, human};
use crate::target::Target;
use crate::text::shown;
use shellpack_format::store::store_path::StorePath;

/// The request.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundles to remove.
    pub names: Vec<String>,
    /// Whether the newest of each stays, and all others of its name are removed.
    pub all_but_newest: bool,
}

/// Removed records, as `remove --json` prints them.
#[must_use]
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Removed {
    #[serde(rename = "removed")]
    names: Vec<String>,
    /// Project directories that still exist.
    projects: Vec<PathBuf>,
    /// The paths that the roots protected, if Nix could be asked.
    garbage: Option<Garbage>,
}

/// The store paths that the removed roots protected. Bytes are those of NARs.
#[derive(Debug, Default, Serialize)]
struct Garbage {
    /// Paths that nothing else protects.
    paths: usize,
    bytes: u64,
    /// Paths that something else protects: other roots, or a running program.
    kept: usize,
}

/// Removes records, even damaged ones: all of them, or none if one cannot be found.
pub(crate) fn remove(options: &Options, target: &Target, report: &Report) -> Result<Removed> {
    report.emit(Event::Phase(Phase::Check));
    let records = meant_by(options)?;
    if let Some(record) = records.iter().find(|record| !is_removable(record)) {
        let id = record.full_name();
        return Err(NotThere::ForAllUsers { id }.into());
    }
    let projects = projects(&records);
    let waiting = report.waiting("Nix's store to answer");
    // A record can be removed without Nix.
    let held = held(&records, target);
    drop(waiting);
    report.ensure_not_interrupted()?;
    records.iter().try_for_each(Record::remove)?;
    let waiting = report.waiting("Nix to look for garbage");
    let garbage = held.and_then(|held| garbage(&held, target));
    drop(waiting);
    report.emit(Event::PhaseDone);
    if let Err(error) = &garbage {
        let text = format!("could not find out what a garbage collection would free: {error}");
        report.emit(Event::Warning(&text));
    }
    Ok(Removed {
        names: records.iter().map(Record::full_name).collect(),
        projects,
        garbage: garbage.ok(),
    })
}

/// The records to remove, each once.
fn meant_by(options: &Options) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for name in &options.names {
        let meant = meant(name)?;
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

/// All paths that the records' roots protect, with the sizes of their NARs.
fn held(records: &[Record], target: &Target) -> Result<BTreeMap<StorePath, u64>> {
    let nix = target.nix()?;
    let roots: Vec<_> = records
        .iter()
        .flat_map(|record| record.roots(target))
        .collect();
    let paths = roots
        .iter()
        .filter_map(|root| nix.store.containing(root.path.to_str()?));
    nix.connect()?.reachable(paths.map(|(path, _)| path))
}

fn garbage(held: &BTreeMap<StorePath, u64>, target: &Target) -> Result<Garbage> {
    let dead = target.nix()?.dead_paths()?;
    let mut garbage = Garbage::default();
    for (path, size) in held {
        if dead.contains(path) {
            garbage.paths += 1;
            garbage.bytes += size;
        } else {
            garbage.kept += 1;
        }
    }
    Ok(garbage)
}

impl Removed {
    /// The result as text.
    pub(crate) fn text(&self) -> String {
        let mut text = Labelled::default();
        if self.names.is_empty() {
            text.line("removed", "nothing: there is no older one");
        }
        for (label, name) in labels("removed").zip(&self.names) {
            text.line(label, name);
        }
        for (label, project) in labels("project").zip(&self.projects) {
            text.line(label, &format!("{} stays as it is", shown(project)));
        }
        if let Some(garbage) = self.garbage.as_ref().filter(|_| !self.names.is_empty()) {
            garbage.lines(&mut text);
        }
        text.finish()
    }
}

/// A label for the first line, and none for those below.
fn labels(first: &str) -> impl Iterator<Item = &str> {
    std::iter::once(first).chain(std::iter::repeat(""))
}

impl Garbage {
    fn lines(&self, text: &mut Labelled) {
        let freed = match self.paths {
            0 => "nothing to free".to_owned(),
            paths => format!(
                "{} in {} can be freed with: nix-collect-garbage",
                human(self.bytes),
                count(paths, "store path")
            ),
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
