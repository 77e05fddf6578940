//! Lists the bundles that were opened on this machine, for people and for programs. Does not ask
//! Nix.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::SystemTime;

use serde::Serialize;

use crate::error::{Damage, Result};
use crate::opened::{Place, Record, Scope};
use crate::report::utc;
use shellpack_format::bundle::manifest::{Manifest, Shell};
use shellpack_format::store::hash::Digest;
use shellpack_format::store::store_path::StoreDir;

mod table;

/// All bundles that were opened on this machine.
#[derive(Debug)]
pub(crate) struct Listing {
    /// One for each record, by name.
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
    #[serde(skip)]
    time: SystemTime,
}

/// Reads all records; of bundles in one store of ours, if that is named.
pub(crate) fn list(store: Option<&Path>) -> Result<Listing> {
    let records = Record::all(store)?;
    let number = |name: &str| {
        let same = records.iter().filter(|record| record.name() == name);
        same.count()
    };
    let mut bundles = Vec::new();
    for record in &records {
        let is_ambiguous = number(record.name()) > 1;
        let listed = Listed::of(record, is_ambiguous)?;
        // A record that was removed meanwhile is not damaged.
        bundles.extend(record.path().symlink_metadata().is_ok().then_some(listed));
    }
    let latest = |listed: &Listed| listed.projects.first().map(|project| project.time);
    bundles.sort_by(|a, b| (&a.name, latest(b), &a.id).cmp(&(&b.name, latest(a), &b.id)));
    for at in 1..bundles.len() {
        bundles[at].newest = bundles[at].name != bundles[at - 1].name;
    }
    Ok(Listing { bundles })
}

/// One record, from its directory, as `list --verbose` shows it.
pub fn described(dir: &Path) -> String {
    let record = Record::at(dir, Scope::User);
    let bundles = Listed::of(&record, false).into_iter().collect();
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
    fn of(record: &Record, is_ambiguous: bool) -> Result<Self> {
        let projects: Vec<_> = record.places().iter().map(ListedProject::of).collect();
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
    fn of(place: &Place) -> Self {
        Self {
            directory: place.directory.to_string_lossy().into_owned(),
            opened: utc(place.time),
            exists: place.exists(),
            time: place.time,
        }
    }
}
