//! Removes the record of a bundle, and with it the garbage collection roots. Project files stay.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::error::{NotThere, Result};
use crate::opened::{Place, Record, ambiguous};
use crate::report::{Event, Labelled, Phase, Report, count, human};
use crate::target::Target;
use shellpack_format::store::store_path::StorePath;

/// A removed record.
#[must_use]
#[derive(Debug)]
pub(crate) struct Removed {
    id: String,
    /// Project directories that still exist.
    projects: Vec<PathBuf>,
    /// The paths that the roots protected, if Nix could be asked.
    garbage: Option<Garbage>,
}

/// The store paths that the removed roots protected. Bytes are those of NARs.
#[derive(Debug, Default)]
struct Garbage {
    /// Paths that nothing else protects.
    paths: usize,
    bytes: u64,
    /// Paths that something else protects: other roots, or a running program.
    kept: usize,
}

/// Removes the record with this name, even if it is damaged.
pub(crate) fn remove(name: &str, target: &Target, report: &Report) -> Result<Removed> {
    report.emit(Event::Phase(Phase::Check));
    let record = only_record(name)?;
    if record.is_for_all() && record.ensure_writable().is_err() {
        let id = record.id().to_owned();
        return Err(NotThere::ForAllUsers { id }.into());
    }
    let places = record.places().into_iter().filter(Place::exists);
    let projects = places.filter(|place| !place.directory.starts_with(record.path()));
    let projects = projects.map(|place| place.directory).collect();
    let waiting = report.waiting("Nix's store to answer");
    // A record can be removed without Nix.
    let held = held(&record, target);
    drop(waiting);
    report.ensure_not_interrupted()?;
    record.remove()?;
    let waiting = report.waiting("Nix to look for garbage");
    let garbage = held.and_then(|held| garbage(&held, target));
    drop(waiting);
    report.emit(Event::PhaseDone);
    if let Err(error) = &garbage {
        let text = format!("could not find out what a garbage collection would free: {error}");
        report.emit(Event::Warning(&text));
    }
    Ok(Removed {
        id: record.id().to_owned(),
        projects,
        garbage: garbage.ok(),
    })
}

fn only_record(name: &str) -> Result<Record> {
    let mut records = Record::named(name)?;
    match (records.pop(), records.is_empty()) {
        (Some(record), true) => Ok(record),
        (last, _) => {
            records.extend(last);
            Err(ambiguous(name, &records).into())
        }
    }
}

/// All paths that a record's roots protect, with the sizes of their NARs.
fn held(record: &Record, target: &Target) -> Result<BTreeMap<StorePath, u64>> {
    let nix = target.nix()?;
    let roots = record.roots(target);
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
        text.line("removed", &self.id);
        for (index, project) in self.projects.iter().enumerate() {
            let label = if index == 0 { "project" } else { "" };
            text.line(label, &format!("{} stays as it is", project.display()));
        }
        if let Some(garbage) = &self.garbage {
            garbage.lines(&mut text);
        }
        text.finish()
    }
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
