//! The names of several shells: by file in the project, and by attribute.

use std::path::Path;

use super::Shell;
use shellpack_format::bundle::manifest::ShellName;

/// File names that the directory's name can stand for.
const USUAL: [&str; 2] = ["shell.nix", "default.nix"];

/// Flake outputs whose attributes are grouped by system.
const FLAKE_SETS: [&str; 3] = ["devShells", "packages", "legacyPackages"];

/// Gives each shell a unique name. A single shell needs none.
pub(super) fn assign(shells: &mut [Shell], root: &Path) {
    let locations: Vec<_> = shells
        .iter()
        .map(|shell| Location {
            file: shell.file.strip_prefix(root).unwrap_or(&shell.file),
            attribute: short_attribute(shell),
        })
        .collect();
    let names = names(&locations);
    if names.len() > 1 {
        for (shell, name) in shells.iter_mut().zip(names) {
            shell.name = Some(name);
        }
    }
}

/// The attribute as the user types it: for a flake, the part after the system.
fn short_attribute(shell: &Shell) -> Option<&str> {
    let attribute = shell.selection.attribute.as_deref()?;
    let mut parts = attribute.splitn(3, '.');
    let set = parts.next().filter(|_| shell.flake.is_some());
    let is_known = set.is_some_and(|set| FLAKE_SETS.contains(&set));
    parts.nth(1).filter(|_| is_known).or(Some(attribute))
}

/// The file and attribute that a shell is named after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Location<'a> {
    /// Relative to the project's root.
    file: &'a Path,
    attribute: Option<&'a str>,
}

impl Location<'_> {
    /// The directory of a `shell.nix`, if `by_directory`, else the file.
    fn path(&self, by_directory: bool) -> String {
        let directory = self.file.parent().filter(|dir| !dir.as_os_str().is_empty());
        let is_usual = USUAL.iter().any(|usual| self.file.ends_with(usual));
        match directory {
            Some(directory) if is_usual && by_directory => directory.to_string_lossy().into_owned(),
            _ => self.file.with_extension("").to_string_lossy().into_owned(),
        }
    }
}

fn names(locations: &[Location<'_>]) -> Vec<ShellName> {
    let is_one_file = locations
        .iter()
        .all(|location| location.file == locations[0].file);
    let full = |location: &Location<'_>, by_directory| {
        let path = location.path(by_directory);
        let is_alone = locations
            .iter()
            .filter(|other| other.file == location.file)
            .count()
            == 1;
        ShellName::from_path(&match location.attribute {
            Some(attribute) if is_one_file => attribute.to_owned(),
            Some(attribute) if !is_alone => format!("{path}/{attribute}"),
            _ => path,
        })
    };
    let short: Vec<_> = locations
        .iter()
        .map(|location| full(location, true))
        .collect();
    let is_unique = |name: &ShellName| short.iter().filter(|other| *other == name).count() == 1;
    let names = locations.iter().zip(&short).map(|(location, name)| {
        if is_unique(name) {
            name.clone()
        } else {
            full(location, false)
        }
    });
    numbered(names.collect())
}

/// Numbers shells whose names are still the same.
fn numbered(mut names: Vec<ShellName>) -> Vec<ShellName> {
    for index in 1..names.len() {
        let (known, rest) = names.split_at_mut(index);
        let plain = rest[0].clone();
        let mut number = 2;
        while known.contains(&rest[0]) {
            rest[0] = plain.numbered(number);
            number += 1;
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(locations: &[(&str, Option<&str>)]) -> Vec<String> {
        let locations: Vec<_> = locations
            .iter()
            .map(|&(file, attribute)| Location {
                file: Path::new(file),
                attribute,
            })
            .collect();
        let names = names(&locations).into_iter();
        names.map(|name| name.as_str().to_owned()).collect()
    }

    #[test]
    fn names_are_short_and_different() {
        let none = |file| (file, None);
        for (locations, expected) in [
            (
                vec![none("a/shell.nix"), none("tools/b/default.nix")],
                vec!["a", "tools/b"],
            ),
            (
                vec![none("shell.nix"), none("a/shell.nix")],
                vec!["shell", "a"],
            ),
            (
                vec![none("a/ci.nix"), none("a/shell.nix")],
                vec!["a/ci", "a"],
            ),
            (
                vec![none("a/shell.nix"), none("a/default.nix")],
                vec!["a/shell", "a/default"],
            ),
            (
                vec![none("a.nix"), none("a/shell.nix")],
                vec!["a", "a/shell"],
            ),
            (
                vec![none("a b.nix"), none("a-b.nix"), none("a-b-2.nix")],
                vec!["a-b", "a-b-2", "a-b-2-2"],
            ),
            (
                vec![("a/shell.nix", Some("x")), ("a/shell.nix", Some("y.z"))],
                vec!["x", "y.z"],
            ),
            (
                vec![("a/shell.nix", Some("x")), ("b/shell.nix", Some("x"))],
                vec!["a", "b"],
            ),
            (
                vec![
                    ("shell.nix", Some("x")),
                    ("shell.nix", Some("y")),
                    ("b/shell.nix", Some("x")),
                ],
                vec!["shell/x", "shell/y", "b"],
            ),
        ] {
            assert_eq!(named(&locations), expected);
        }
    }
}
