//! The findings of a visit to a shell, and the differences of two visits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Result;

/// The most differences that are told.
const TOLD: usize = 6;

/// The shell after its `shellHook`, or at the place where that ended it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// The files that were read, relative to the watched directory.
    pub(super) reads: BTreeSet<PathBuf>,
    /// The directories that were listed, relative to the watched one.
    pub(super) lists: BTreeSet<PathBuf>,
    /// Whether every directory was watched.
    pub(super) watched_all: bool,
    /// How it ended, if it never got to the command.
    pub(super) ended: Option<String>,
    /// Its exported variables and its functions.
    pub(super) environment: BTreeMap<String, String>,
    /// Its aliases, and its functions with their bodies.
    pub(super) definitions: String,
    /// Its output.
    pub(super) printed: String,
}

impl Seen {
    /// The files that were read, relative to the watched directory.
    pub(crate) fn reads(&self) -> &BTreeSet<PathBuf> {
        &self.reads
    }

    /// The directories that were listed, relative to the watched one.
    pub(crate) fn lists(&self) -> &BTreeSet<PathBuf> {
        &self.lists
    }

    /// The exported variables, in quotes, and the names of functions.
    pub(crate) fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// The visit, as if it had been made at another place.
    pub(super) fn moved(mut self, from: &Path, to: &Path) -> Self {
        let (from, to) = (from.to_string_lossy(), to.to_string_lossy());
        let moved = |text: &str| text.replace(&*from, &to);
        for value in self.environment.values_mut() {
            *value = moved(value);
        }
        self.printed = moved(&self.printed);
        self.ended = self.ended.as_deref().map(moved);
        self
    }

    /// The aliases, and the functions with their bodies, as bash prints them.
    pub(crate) fn definitions(&self) -> &str {
        &self.definitions
    }

    /// Whether every directory was watched.
    pub(crate) fn watched_all(&self) -> bool {
        self.watched_all
    }
}

/// The output of `export -p; declare -F`, by name. A value may have several lines.
pub(super) fn environment(text: &str) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    let mut last = String::new();
    for line in text.lines() {
        let declared = line.strip_prefix("declare -").and_then(|rest| {
            let (flags, rest) = rest.split_once(' ')?;
            Some((flags.contains('f'), rest))
        });
        match declared {
            Some((true, name)) => drop(all.insert(format!("the function {name}"), String::new())),
            Some((false, rest)) => {
                let (name, value) = rest.split_once('=').unwrap_or((rest, ""));
                name.clone_into(&mut last);
                all.insert(last.clone(), value.to_owned());
            }
            None => all.entry(last.clone()).or_default().extend(["\n", line]),
        }
    }
    // The last command, and the depth of shells.
    for own in ["_", "SHLVL"] {
        all.remove(own);
    }
    all
}

/// The name of the shell's temporary directory is random.
pub(super) fn masked(text: &str) -> String {
    let mut parts = text.split("nix-shell-");
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        masked.push_str("nix-shell-");
        masked.push_str(part.trim_start_matches(|c: char| c.is_ascii_alphanumeric()));
    }
    masked
}

/// How the shell differs that has fewer files. It is entered a second time if it differs: what it says
/// anew each time (the time, the number of a process) is no difference.
pub(super) fn differences(
    whole: &Seen,
    fewer: &Seen,
    again: impl FnOnce() -> Result<Seen>,
) -> Result<Vec<String>> {
    let found = compared(whole, fewer);
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let again = again()?;
    let second = compared(whole, &again);
    let unsteady = compared(fewer, &again);
    let is_steady = |one: &&Difference| {
        let is_of_same = |other: &Difference| one.is_of_same(other);
        second.contains(one) && !unsteady.iter().any(is_of_same)
    };
    let steady = found.iter().filter(is_steady);
    Ok(steady.take(TOLD).map(Difference::text).collect())
}

/// A difference between a shell that sees all files and one that sees fewer.
#[derive(Debug, PartialEq, Eq)]
enum Difference {
    /// It ends the shell, with this status.
    Ends(String),
    /// A variable or function is missing.
    Lacks(String),
    /// It is there only now.
    Has(String),
    /// It is another.
    Changed(String),
    /// A line is printed only now.
    Prints(String),
    /// A line is not printed.
    Omits(String),
}

impl Difference {
    /// Whether both are about the same thing. The lines that a shell omits are of one kind, since a
    /// line with the time in it is never printed again.
    fn is_of_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Omits(_), Self::Omits(_) | Self::Prints(_)) => true,
            (
                Self::Lacks(one) | Self::Has(one) | Self::Changed(one),
                Self::Lacks(other) | Self::Has(other) | Self::Changed(other),
            ) => one == other,
            _ => false,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Ends(status) => format!("it ends the shell ({status})"),
            Self::Lacks(name) => format!("{name} is not set"),
            Self::Has(name) => format!("{name} is set"),
            Self::Changed(name) => format!("{name} has another value"),
            Self::Prints(line) => format!("it prints: {line}"),
            Self::Omits(line) => format!("it does not print: {line}"),
        }
    }
}

fn compared(whole: &Seen, fewer: &Seen) -> Vec<Difference> {
    let mut found = Vec::new();
    if whole.ended.is_none() {
        found.extend(fewer.ended.clone().map(Difference::Ends));
    }
    // A shell that ended has no variables to compare.
    if whole.ended.is_none() && fewer.ended.is_none() {
        for (name, value) in &whole.environment {
            match fewer.environment.get(name) {
                None => found.push(Difference::Lacks(name.clone())),
                Some(other) if other != value => found.push(Difference::Changed(name.clone())),
                Some(_) => {}
            }
        }
        let is_new = |name: &&String| !whole.environment.contains_key(*name);
        let new = fewer.environment.keys().filter(is_new);
        found.extend(new.cloned().map(Difference::Has));
    }
    let lines = |seen: &Seen| -> BTreeSet<String> {
        let lines = seen.printed.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    };
    let (all, now) = (lines(whole), lines(fewer));
    found.extend(now.difference(&all).cloned().map(Difference::Prints));
    found.extend(all.difference(&now).cloned().map(Difference::Omits));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(variables: &str, printed: &str) -> Seen {
        Seen {
            environment: environment(variables),
            printed: printed.to_owned(),
            ..Seen::default()
        }
    }

    #[test]
    fn variables_and_functions_are_read_by_name() {
        let text =
            "declare -x A=\"1\nsecond line\"\ndeclare -x B\ndeclare -rx C=\"x=y\"\ndeclare -f go\n";
        let read = environment(&text.replace("\\n", "\n"));
        let read: Vec<_> = read
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(
            read,
            [
                ("A", "\"1\nsecond line\""),
                ("B", ""),
                ("C", "\"x=y\""),
                ("the function go", "")
            ]
        );
    }

    #[test]
    fn differences_are_told_if_they_stay() {
        let whole = seen(
            "declare -x MODE=\"dev\"\ndeclare -x T=\"1\"\n",
            "at 1\nready\n",
        );
        let fewer = || seen("declare -x T=\"1\"\n", "at 1\ncat: x: no\n");
        let found = differences(&whole, &fewer(), || Ok(fewer())).unwrap();
        assert_eq!(
            found,
            [
                "MODE is not set",
                "it prints: cat: x: no",
                "it does not print: ready"
            ]
        );
        let same = differences(&whole, &whole, || unreachable!()).unwrap();
        assert!(same.is_empty());
    }

    #[test]
    fn what_changes_by_itself_is_no_difference() {
        let at = |time: &str| {
            seen(
                &format!("declare -x T=\"{time}\"\n"),
                &format!("at {time}\n"),
            )
        };
        let found = differences(&at("1"), &at("2"), || Ok(at("3"))).unwrap();
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn temporary_directories_are_masked() {
        assert_eq!(
            masked("/tmp/nix-shell-aB3/x nix-shell-"),
            "/tmp/nix-shell-/x nix-shell-"
        );
    }
}
