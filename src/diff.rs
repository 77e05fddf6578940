//! The differences between two lists of store paths, by package: bundles, manifests, inventories, in any
//! mix.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;

use crate::error::Result;
use crate::report::Report;
use shellpack_format::store::package_name::PackageName;
use shellpack_format::store::store_path::StorePath;

mod pins;
mod side;
mod text;

use pins::Pins;
use side::{Content, Side, Summary};

/// The request.
#[derive(Debug, Clone)]
pub struct Options {
    /// The older side.
    pub old: PathBuf,
    /// The newer side.
    pub new: PathBuf,
    /// Further directories to look for volumes in.
    pub volumes: Vec<PathBuf>,
}

/// All differences, as `diff --json` prints them.
#[must_use]
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Diff {
    old: Summary,
    new: Summary,
    /// Other versions took the place of some.
    changed: Vec<Package>,
    /// Its versions are the same, with other store paths or contents.
    rebuilt: Vec<Package>,
    added: Vec<Package>,
    removed: Vec<Package>,
    /// `None` unless both are bundles or manifests.
    pins: Option<Pins>,
}

/// Store paths of one package that are on one side only.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Package {
    name: String,
    old: Part,
    new: Part,
}

/// Those on one side.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Part {
    /// Versions, in the order of their names; one may be empty.
    versions: BTreeSet<String>,
    /// Outputs; the one without a name is empty.
    outputs: BTreeSet<String>,
    paths: Vec<StorePath>,
    /// The size of their NARs.
    nar_bytes: u64,
}

/// Reads both sides and compares them.
pub(crate) fn diff(options: &Options, report: &Report) -> Result<Diff> {
    let read = |from| Side::read(from, &options.volumes, report);
    let (old, new) = (read(&options.old)?, read(&options.new)?);
    Ok(Diff::of(old, new))
}

impl Diff {
    fn of(old: Side, new: Side) -> Self {
        let mut packages: BTreeMap<String, Package> = BTreeMap::new();
        let sides = [(&old, &new), (&new, &old)];
        for (at, (own, other)) in sides.into_iter().enumerate() {
            let alone = own.paths.iter().filter(|(path, it)| {
                let there = other.paths.get(*path);
                there.is_none_or(|there| there.nar_hash != it.nar_hash)
            });
            for (path, content) in alone {
                let name = PackageName::of(path.name());
                let package = packages.entry(name.package.to_owned()).or_default();
                let sides = [&mut package.old, &mut package.new];
                sides[at].add(path, name, content);
            }
        }
        let mut diff = Self {
            pins: Pins::between(old.pins.as_deref(), new.pins.as_deref()),
            old: old.summary,
            new: new.summary,
            changed: Vec::new(),
            rebuilt: Vec::new(),
            added: Vec::new(),
            removed: Vec::new(),
        };
        for (name, package) in packages {
            let package = Package { name, ..package };
            diff.list_of(&package).push(package);
        }
        diff
    }

    /// Where a package belongs.
    fn list_of(&mut self, package: &Package) -> &mut Vec<Package> {
        if package.old.paths.is_empty() {
            &mut self.added
        } else if package.new.paths.is_empty() {
            &mut self.removed
        } else if package.old.versions == package.new.versions {
            &mut self.rebuilt
        } else {
            &mut self.changed
        }
    }
}

impl Part {
    fn add(&mut self, path: &StorePath, name: PackageName<'_>, content: &Content) {
        self.versions.insert(name.version.to_owned());
        self.outputs.insert(name.output.to_owned());
        self.paths.push(path.clone());
        self.nar_bytes = self.nar_bytes.saturating_add(content.nar_size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shellpack_format::store::hash::Digest;

    fn side(paths: &[(&str, u64)]) -> Side {
        let path = |(name, nar_size): &(&str, u64)| {
            let (hash, name) = name.split_once(' ').unwrap();
            let base = format!("{}-{name}", hash.repeat(32));
            let content = Content {
                nar_hash: Digest::of(hash.as_bytes()),
                nar_size: *nar_size,
            };
            (StorePath::from_base_name(&base).unwrap(), content)
        };
        Side::of_paths("x", paths.iter().map(path).collect())
    }

    #[test]
    fn packages_are_added_removed_changed_and_rebuilt() {
        let old = [
            ("1 glibc-2.31", 100),
            ("2 glibc-2.31-dev", 10),
            ("3 bash-5.1", 50),
            ("4 same-1", 7),
            ("5 cowsay-3.03", 3),
            ("6 source", 9),
            ("7 lib-1", 1),
            ("8 lib-2", 2),
        ];
        let new = [
            ("a glibc-2.33", 110),
            ("b glibc-2.33-dev", 11),
            ("c bash-5.1", 50),
            ("4 same-1", 7),
            ("d jq-1.6", 4),
            ("f source", 9),
            ("8 lib-2", 2),
        ];
        let diff = Diff::of(side(&old), side(&new));
        assert_eq!(
            diff.text(),
            "\
old       x: 8 paths, 182 B
new       x: 7 paths, 193 B
changed   glibc 2.31 → 2.33 (out, dev): 110 B → 121 B
rebuilt   bash 5.1: 50 B
          source: 9 B
added     jq 1.6: 4 B
removed   cowsay 3.03: 3 B
          lib 1: 1 B
net       +11 B
"
        );
    }

    #[test]
    fn equal_sides_have_no_difference() {
        let paths = [("1 glibc-2.31", 100)];
        let diff = Diff::of(side(&paths), side(&paths));
        assert!(
            diff.text().ends_with("same      all store paths\n"),
            "{}",
            diff.text()
        );
    }
}
