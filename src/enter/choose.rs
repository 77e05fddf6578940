//! Which shell is meant, and in which of the directories that it was opened into.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

use crate::bundle::manifest::Manifest;
use crate::error::{Error, NotThere, Result};
use crate::opened::{Damage, Place, Record};

/// A bundle that was opened to the end, and a project directory of it that is there.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) record: Record,
    pub(super) manifest: Manifest,
    /// The project's root.
    pub(super) project: PathBuf,
}

/// The shell with this name, else the one of the project that the current directory lies in.
pub(super) fn choose(name: Option<&str>) -> Result<Chosen> {
    let here = std::env::current_dir().map_err(Error::io("find", "."))?;
    let chosen = match name {
        Some(name) => named(name, &here)?,
        None => around(&here)?,
    };
    ensure_there(&chosen)?;
    Ok(chosen)
}

fn named(name: &str, here: &Path) -> Result<Chosen> {
    let records = Record::named(name)?;
    let whole = |record| Some((record, Record::manifest(record).ok()?.0));
    let mut whole: Vec<_> = records.iter().filter_map(whole).collect();
    match (whole.pop(), whole.is_empty()) {
        (Some((record, manifest)), true) => Ok(Chosen {
            record: record.clone(),
            manifest,
            project: place_of(record, here)?,
        }),
        (Some(_), false) => Err(NotThere::ambiguous(name, &records).into()),
        (None, _) => Err(why_damaged(&records[0])),
    }
}

/// The directory around the current one, else the one that the bundle was last opened into
/// and that is still there.
fn place_of(record: &Record, here: &Path) -> Result<PathBuf> {
    let places = record.places();
    let around = places
        .iter()
        .find(|place| depth_around(place, here).is_some());
    let there = || places.iter().find(|place| place.exists());
    match around.or_else(there).or(places.first()) {
        Some(place) => Ok(place.directory.clone()),
        None => Err(damaged(record, Damage::NoPlace)),
    }
}

/// The innermost project around a directory. Where several bundles were opened into one
/// directory, the last one is meant.
fn around(here: &Path) -> Result<Chosen> {
    let records = Record::all()?;
    let mut found = Vec::new();
    for record in &records {
        for place in record.places() {
            if let Some(depth) = depth_around(&place, here) {
                found.push((depth, place, record));
            }
        }
    }
    found.sort_by_key(|(depth, place, _)| Reverse((*depth, place.time)));
    let whole = found.iter().find_map(|(_, place, record)| {
        Some(Chosen {
            record: (*record).clone(),
            manifest: record.manifest().ok()?.0,
            project: place.directory.clone(),
        })
    });
    match (whole, found.first(), records.is_empty()) {
        (Some(chosen), ..) => Ok(chosen),
        (None, Some((.., record)), _) => Err(why_damaged(record)),
        (None, None, true) => Err(NotThere::NothingOpened.into()),
        (None, None, false) => Err(NotThere::NotInProject {
            dir: here.to_owned(),
            known: records
                .iter()
                .map(|record| record.name().to_owned())
                .collect(),
        }
        .into()),
    }
}

/// How deep a place lies, if a directory lies in it. Either may have been reached by symlinks.
fn depth_around(place: &Place, dir: &Path) -> Option<usize> {
    let place = fs::canonicalize(&place.directory).ok()?;
    dir.starts_with(&place).then(|| place.components().count())
}

/// The project's files may have been changed, that is what they are for. But there must be some.
fn ensure_there(chosen: &Chosen) -> Result<()> {
    let file = chosen.project.join(chosen.manifest.shell().file.as_str());
    let gone = [&chosen.project, &file]
        .into_iter()
        .find(|path| !path.exists());
    match gone {
        Some(path) => Err(NotThere::ProjectGone {
            name: chosen.record.id().to_owned(),
            path: path.clone(),
            project: chosen.project.clone(),
        }
        .into()),
        None => Ok(()),
    }
}

fn why_damaged(record: &Record) -> Error {
    // Somebody may have repaired it meanwhile: then there was none.
    let damage = record.manifest().err().unwrap_or(Damage::NoManifest);
    damaged(record, damage)
}

fn damaged(record: &Record, source: Damage) -> Error {
    let id = record.id().to_owned();
    NotThere::DamagedRecord { id, source }.into()
}
