//! Lists the bundles that were opened on this machine, for people and for programs. Does not ask
//! Nix.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use crate::describe::update::{MadeFrom, made_from};
use crate::error::{Damage, Result};
use crate::opened::{Generations, Place, Record, Scope};
use crate::report::utc;
use shellpack_format::bundle::manifest::{Manifest, Shell};
use shellpack_format::store::hash::Digest;
use shellpack_format::store::store_path::StoreDir;

mod table;

/// All bundles that were opened on this machine.
#[derive(Debug)]
pub(crate) struct Listing {
    /// One for each record, by name. Those that were opened into one project are together, the last of
    /// its generations first.
    pub bundles: Vec<Listed>,
}

/// A bundle that was opened on this machine, as `list --json` prints it. For a damaged record, most
/// fields are absent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Listed {
    name: String,
    /// Its full name, which distinguishes it from others of the same name.
    id: String,
    /// Why it cannot be entered.
    problem: Option<String>,
    manifest_digest: Option<Digest>,
    /// The derivation of its first shell, in full.
    derivation: Option<String>,
    system: Option<String>,
    shells: Option<Vec<ListedShell>>,
    nar_bytes: Option<u64>,
    /// When it was last opened: RFC 3339, in UTC.
    opened: Option<String>,
    projects: Vec<ListedProject>,
    /// The bundles that it was made from, if it is an update.
    made_from: Vec<MadeFrom>,
    /// Store paths that its garbage collection roots protect.
    roots: Vec<String>,
    /// Store paths that should be protected but are missing, or whose roots are.
    missing_roots: Vec<String>,
    /// The directory of the record.
    record: String,
    /// The directory of the store that has its paths, if it is not Nix's.
    store: Option<String>,
    /// Whether root opened it for all users of this machine.
    for_all_users: bool,
    /// Whether it is the one of its name that was opened last: the name alone means this one.
    newest: bool,
    /// Whether others have the same name.
    #[serde(skip)]
    is_ambiguous: bool,
}

/// A shell of a bundle.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct ListedShell {
    /// The name to enter it by, if there are several.
    name: Option<String>,
    /// Relative to the project's directory.
    file: String,
    /// The full store path.
    derivation: String,
}

/// A project directory that a bundle was opened into.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct ListedProject {
    directory: String,
    opened: String,
    exists: bool,
    /// Its number among the bundles that were opened there, in the order in which they came.
    generation: usize,
    /// How many bundles were opened there.
    generations: usize,
    /// Whether it was the last one that was opened there, or gone back to.
    current: bool,
    #[serde(skip)]
    time: SystemTime,
}

/// Reads all records; of bundles in one store of ours, if that is named.
pub(crate) fn list(store: Option<&Path>) -> Result<Listing> {
    let records = Record::all(store)?;
    let known = Known::of(&records);
    let number = |name: &str| {
        let same = records.iter().filter(|record| record.name() == name);
        same.count()
    };
    let mut bundles = Vec::new();
    for record in &records {
        let is_ambiguous = number(record.name()) > 1;
        let listed = Listed::of(record, is_ambiguous, &known)?;
        // A record that was removed meanwhile is not damaged.
        bundles.extend(record.path().symlink_metadata().is_ok().then_some(listed));
    }
    mark_newest(&mut bundles);
    Ok(Listing {
        bundles: in_order(bundles),
    })
}

/// The generations of each project.
struct Known(BTreeMap<PathBuf, Generations>);

impl Known {
    fn of(records: &[Record]) -> Self {
        let places = records.iter().flat_map(Record::places);
        let projects: BTreeSet<_> = places.map(|place| place.directory).collect();
        let each = projects.into_iter();
        let each = each.map(|project| (project.clone(), Generations::among(records, &project)));
        Self(each.collect())
    }
}

/// Marks the bundle of each name that was opened last.
fn mark_newest(bundles: &mut [Listed]) {
    let mut newest = BTreeMap::new();
    for (at, listed) in bundles.iter().enumerate() {
        let time = (listed.latest(), Reverse(listed.id.clone()));
        let last = newest
            .entry(listed.name.clone())
            .or_insert((time.clone(), at));
        if time > last.0 {
            *last = (time, at);
        }
    }
    let newest: BTreeSet<_> = newest.into_values().map(|(_, at)| at).collect();
    for (at, listed) in bundles.iter_mut().enumerate() {
        listed.newest = newest.contains(&at);
    }
}

/// By name; of one name, the project that was opened last first, and of one project, the last generation.
fn in_order(bundles: Vec<Listed>) -> Vec<Listed> {
    let mut groups = BTreeMap::<_, Vec<Listed>>::new();
    for listed in bundles {
        let project = listed.projects.first();
        let key = match project {
            Some(project) => project.directory.clone(),
            // No directory's name is empty.
            None => String::new(),
        };
        groups.entry(key).or_default().push(listed);
    }
    let alone = groups.remove("").unwrap_or_default();
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.extend(alone.into_iter().map(|listed| vec![listed]));
    for group in &mut groups {
        group
            .sort_by_key(|listed| Reverse(listed.projects.first().map_or(0, |one| one.generation)));
    }
    let key = |group: &Vec<Listed>| {
        let last = group.iter().max_by_key(|listed| listed.latest());
        last.map(|last| (last.name.clone(), Reverse(last.latest()), last.id.clone()))
    };
    groups.sort_by_cached_key(key);
    groups.into_iter().flatten().collect()
}

/// One record, from its directory, as `list --verbose` shows it.
pub fn described(dir: &Path) -> String {
    let record = Record::at(dir, Scope::User);
    let bundles = Listed::of(&record, false, &Known::of(std::slice::from_ref(&record)))
        .into_iter()
        .collect();
    Listing { bundles }.text(None, true)
}

impl Listing {
    /// The list as a table, which fits a terminal with this many columns. `verbose` adds every
    /// root.
    pub(crate) fn text(&self, columns: Option<usize>, verbose: bool) -> String {
        table::text(&self.bundles, columns, verbose)
    }
}

impl Listed {
    fn of(record: &Record, is_ambiguous: bool, known: &Known) -> Result<Self> {
        let projects = record.places();
        let projects = projects.iter();
        let projects: Vec<_> = projects
            .map(|place| ListedProject::of(place, record, known))
            .collect();
        let roots = record.roots(&record.target()?).into_iter();
        let there = roots.filter(|root| root.exists);
        let mut listed = Self {
            name: record.name().to_owned(),
            id: record.full_name(),
            problem: None,
            manifest_digest: None,
            derivation: None,
            system: None,
            shells: None,
            nar_bytes: None,
            opened: projects.first().map(|project| project.opened.clone()),
            projects,
            made_from: Vec::new(),
            roots: there
                .map(|root| root.path.to_string_lossy().into_owned())
                .collect(),
            missing_roots: Vec::new(),
            record: record.path().to_string_lossy().into_owned(),
            store: record.store().map(|dir| dir.to_string_lossy().into_owned()),
            for_all_users: record.is_for_all(),
            newest: true,
            is_ambiguous,
        };
        match record.manifest() {
            Ok((manifest, digest)) => listed.describe(&manifest, digest),
            Err(damage) => listed.problem = Some(damage.to_string()),
        }
        Ok(listed)
    }

    fn describe(&mut self, manifest: &Manifest, digest: Digest) {
        let store = &manifest.closure.store;
        let shells = manifest.shells.iter();
        let shells = shells.map(|shell| ListedShell::of(shell, store));
        self.manifest_digest = Some(digest);
        self.made_from = made_from(manifest);
        self.shells = Some(shells.collect());
        let first = manifest.shell(None);
        self.derivation = first.map(|shell| store.print(&shell.derivation));
        self.system = first.map(|shell| shell.system.clone());
        self.nar_bytes = Some(manifest.closure.nar_bytes());
        let wanted = manifest.shells.iter().flat_map(|shell| &shell.roots);
        let here: BTreeSet<_> = self.roots.iter().collect();
        let mut missing: Vec<_> = wanted
            .map(|path| store.print(path))
            .filter(|path| !here.contains(path))
            .collect();
        missing.sort();
        self.missing_roots = missing;
        self.problem = match self.missing_roots.len() {
            0 if self.projects.is_empty() => Some(Damage::NoPlace.to_string()),
            0 => None,
            1 => Some("one of its roots is gone".to_owned()),
            number => Some(format!("{number} of its roots are gone")),
        };
    }

    /// When it was last opened.
    fn latest(&self) -> Option<SystemTime> {
        self.projects.first().map(|project| project.time)
    }

    /// The argument that names this bundle: its name, or its full name if others share it.
    fn argument(&self) -> &str {
        if self.is_ambiguous {
            &self.id
        } else {
            &self.name
        }
    }
}

impl ListedShell {
    fn of(shell: &Shell, store: &StoreDir) -> Self {
        Self {
            name: shell.name.as_ref().map(ToString::to_string),
            file: shell.file.to_string(),
            derivation: store.print(&shell.derivation),
        }
    }
}

impl ListedProject {
    fn of(place: &Place, record: &Record, known: &Known) -> Self {
        let generations = known.0.get(&place.directory);
        let number = generations.and_then(|all| all.number(record)).unwrap_or(1);
        Self {
            generation: number,
            generations: generations.map_or(1, Generations::count),
            current: generations.is_none_or(|all| all.current() == number),
            directory: place.directory.to_string_lossy().into_owned(),
            opened: utc(place.time),
            exists: place.exists(),
            time: place.time,
        }
    }
}
