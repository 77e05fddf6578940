//! The differences between two lists of store paths, by package: bundles, manifests, inventories, in any
//! mix.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;

use crate::error::Result;
use crate::report::Report;
use shellpack_format::store::package_name::PackageName;
use shellpack_format::store::store_path::StorePath;

mod names;
mod pins;
mod side;
mod text;

use names::Names;
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
    /// Project files. `None` unless both are bundles or manifests, and likewise:
    files: Option<Names>,
    shells: Option<Names>,
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
            files: Names::between(old.files.as_ref(), new.files.as_ref()),
            shells: Names::between(old.shells.as_ref(), new.shells.as_ref()),
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
    fn outputs_that_come_or_go_are_told() {
        for (old, new, expected) in [
            (
                ["1 x-1", "2 x-1-man"],
                ["a x-1", "b x-1-man"],
                "x 1 (out, man): 2 B",
            ),
            (
                ["1 x-1", "2 x-1-man"],
                ["a x-1", "b x-1-dev"],
                "x 1 (out, dev added, man removed): 2 B",
            ),
            (
                ["1 x-1-dev", "2 x-1"],
                ["a x-1-man", "b x-2-doc"],
                "x 1 → 1, 2 (doc added, man added, out removed, dev removed): 2 B",
            ),
        ] {
            let [old, new] = [old, new].map(|names| side(&names.map(|name| (name, 1))));
            let text = Diff::of(old, new).text();
            assert!(text.contains(expected), "{expected}\n{text}");
        }
        // A package that is on one side only has all of them.
        let diff = Diff::of(side(&[]), side(&[("1 x-1", 1), ("2 x-1-man", 1)]));
        assert!(diff.text().contains("added     x 1 (out, man): 2 B"));
    }

    #[test]
    fn files_and_shells_are_compared_by_name() {
        let with = |files: &[(&str, &str)], shells: &[&str]| {
            let pair = |(name, content): &(&str, &str)| ((*name).to_owned(), (*content).to_owned());
            let shells = shells
                .iter()
                .map(|name| ((*name).to_owned(), String::new()));
            Side {
                files: Some(files.iter().map(pair).collect()),
                shells: Some(shells.collect()),
                ..side(&[("1 x", 1)])
            }
        };
        let many: Vec<_> = (0..12).map(|number| format!("many/{number:02}")).collect();
        let mut new = vec![("a", "2"), ("same", "1")];
        new.extend(many.iter().map(|name| (name.as_str(), "1")));
        let diff = Diff::of(
            with(
                &[("a", "1"), ("gone", "1"), ("same", "1")],
                &["dev", "lint"],
            ),
            with(&new, &["ci", "dev"]),
        );
        assert_eq!(
            diff.text(),
            "\
old       x: 1 path, 1 B
new       x: 1 path, 1 B
files     changed a
          added many/00, many/01, many/02, many/03, many/04, many/05, many/06, many/07 and 4 more
          removed gone
shells    added ci
          removed lint
same      all store paths
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
