//! The bundles that were opened into one project directory: its generations. They are counted in the
//! order in which each was opened there for the first time, as Nix counts those of a profile. The current
//! one is that which was opened, or gone back to, last.

use std::fs;
use std::path::Path;

use super::{Place, Record};
use crate::error::{Error, NotThere, Result};

/// The bundles that were opened into a project directory.
#[derive(Debug)]
pub(crate) struct Generations(Vec<(Place, Record)>);

impl Generations {
    /// Of a project directory; of bundles in a store of ours, if one is named.
    pub(crate) fn of(project: &Path, store: Option<&Path>) -> Result<Self> {
        Ok(Self::among(&Record::all(store)?, project))
    }

    /// Of a project directory, among these records.
    pub(crate) fn among(records: &[Record], project: &Path) -> Self {
        let place_of = |record: &Record| {
            let mut places = record.places().into_iter();
            places.find(|place| place.directory == project)
        };
        let found = records.iter();
        let found = found.filter_map(|record| Some((place_of(record)?, record.clone())));
        let mut found: Vec<_> = found.collect();
        found.sort_by(|(a, one), (b, other)| (a.first, &one.id).cmp(&(b.first, &other.id)));
        Self(found)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// All of them, the oldest one first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Place, Record)> {
        self.0.iter()
    }

    /// One of them, counted from 1.
    pub(crate) fn get(&self, number: usize) -> Option<&Record> {
        let (_, record) = self.0.get(number.checked_sub(1)?)?;
        Some(record)
    }

    /// The number of a record's, counted from 1.
    pub(crate) fn number(&self, record: &Record) -> Option<usize> {
        let at = self.0.iter().position(|(_, found)| found.id == record.id)?;
        Some(at + 1)
    }

    /// The number of the current one; 0 if there is none.
    pub(crate) fn current(&self) -> usize {
        let times = (1..).zip(&self.0);
        let last = times.max_by_key(|(number, (place, _))| (place.time, *number));
        last.map_or(0, |(number, _)| number)
    }

    /// The record that is the current one once these are removed.
    pub(super) fn newest_but(&self, removed: &[Record]) -> Option<&Record> {
        let left = self
            .0
            .iter()
            .filter(|(_, record)| !removed.contains(record));
        let newest = left.max_by_key(|(place, _)| place.time);
        newest.map(|(_, record)| record)
    }

    /// The current one's record.
    pub(crate) fn newest(&self) -> Option<&Record> {
        self.get(self.current())
    }
}

/// The bundles that were opened into directories around this one: the innermost first, and of those of one
/// directory the current one. Fails if there is none.
pub(crate) fn around(store: Option<&Path>, here: &Path) -> Result<Vec<(Place, Record)>> {
    let records = Record::all(store)?;
    let mut found = Vec::new();
    for record in &records {
        for place in record.places() {
            if let Some(depth) = depth_around(&place.directory, here) {
                found.push((depth, place, record.clone()));
            }
        }
    }
    if records.is_empty() {
        return Err(NotThere::NothingOpened.into());
    }
    if found.is_empty() {
        let known = records.iter().map(|record| record.name().to_owned());
        return Err(Error::from(NotThere::NotInProject {
            dir: here.to_owned(),
            known: known.collect(),
        }));
    }
    found.sort_by_key(|(depth, place, _)| std::cmp::Reverse((*depth, place.time)));
    let found = found.into_iter();
    Ok(found.map(|(_, place, record)| (place, record)).collect())
}

impl Record {
    /// The project directory around this one, else the existing one that the bundle was last opened
    /// into, else that which is gone.
    pub(crate) fn place_for(&self, here: &Path) -> Option<Place> {
        let places = self.places();
        let is_around = |place: &&Place| depth_around(&place.directory, here).is_some();
        let around = places.iter().find(is_around);
        let there = || places.iter().find(|place| place.exists());
        around.or_else(there).or(places.first()).cloned()
    }
}

/// The depth of a place, if it contains the directory. Either path may contain symlinks.
pub(crate) fn depth_around(place: &Path, dir: &Path) -> Option<usize> {
    let place = fs::canonicalize(place).ok()?;
    dir.starts_with(&place).then(|| place.components().count())
}
