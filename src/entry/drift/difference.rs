//! Finds the first difference of two derivations, at the depth where it begins.

use std::collections::{BTreeMap, BTreeSet};

use shellpack_format::store::derivation::Derivation;
use shellpack_format::store::store_path::StorePath;

/// How many characters of a value are shown on either side of its first difference.
const SHOWN: usize = 40;
/// The length of the hash in the name of a store path.
const HASH: usize = 32;

/// The difference of two derivations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// Names of derivations, from the shell's down to the one that differs by itself.
    pub(super) chain: Vec<String>,
    /// The change in the last derivation of the chain.
    pub(super) change: Change,
}

/// A change in a derivation itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// A variable of its environment. Either value may be absent.
    Variable {
        name: String,
        old: Option<String>,
        new: Option<String>,
    },
    /// An input that only one side has.
    Input {
        old: Option<String>,
        new: Option<String>,
    },
    /// A source with another content.
    Source(String),
    /// The program that builds it, or its arguments, or the system.
    Build { old: String, new: String },
    /// The text of one of the derivations is missing.
    Unknown,
}

/// Finds a derivation by its path; `None` if it is unknown.
pub(super) type Lookup<'a> = &'a dyn Fn(&StorePath) -> Option<Derivation>;

/// The directories of a project on two machines. A text that names one of them is the same on both.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    pub(crate) old: &'a str,
    pub(crate) new: &'a str,
}

/// Finds the first difference, depth first, because an input that differs makes everything that
/// depends on it differ, too.
pub(super) fn first(
    old: (&StorePath, Lookup<'_>),
    new: (&StorePath, Lookup<'_>),
    places: Option<Places<'_>>,
) -> Option<Difference> {
    let mut search = Search {
        old: old.1,
        new: new.1,
        places,
        seen: BTreeSet::new(),
        chain: Vec::new(),
    };
    search.compare(old.0, new.0)
}

struct Search<'a> {
    old: Lookup<'a>,
    new: Lookup<'a>,
    places: Option<Places<'a>>,
    seen: BTreeSet<(StorePath, StorePath)>,
    chain: Vec<String>,
}

impl Search<'_> {
    fn compare(&mut self, old: &StorePath, new: &StorePath) -> Option<Difference> {
        if old == new || !self.seen.insert((old.clone(), new.clone())) {
            return None;
        }
        let name = new.name();
        self.chain
            .push(name.strip_suffix(".drv").unwrap_or(name).to_owned());
        let found = match ((self.old)(old), (self.new)(new)) {
            (Some(old), Some(new)) => self.inputs(&old, &new).or_else(|| {
                own_difference(&old, &new, self.places).map(|change| Difference {
                    chain: self.chain.clone(),
                    change,
                })
            }),
            _ => Some(Difference {
                chain: self.chain.clone(),
                change: Change::Unknown,
            }),
        };
        self.chain.pop();
        found
    }

    /// Compares inputs that have the same name.
    fn inputs(&mut self, old: &Derivation, new: &Derivation) -> Option<Difference> {
        let (old, new) = (by_name(old), by_name(new));
        let pairs = old
            .iter()
            .filter_map(|(name, old)| Some((old, new.get(name)?)));
        let pairs: Vec<_> = pairs.flat_map(|(old, new)| old.iter().zip(new)).collect();
        pairs
            .into_iter()
            .find_map(|(old, new)| self.compare(old, new))
    }
}

fn by_name(derivation: &Derivation) -> BTreeMap<String, Vec<StorePath>> {
    let mut named: BTreeMap<String, Vec<StorePath>> = BTreeMap::new();
    for path in derivation.input_derivations.keys() {
        named
            .entry(path.name().to_owned())
            .or_default()
            .push(path.clone());
    }
    named
}

fn own_difference(
    old: &Derivation,
    new: &Derivation,
    places: Option<Places<'_>>,
) -> Option<Change> {
    input_difference(old, new)
        .or_else(|| variable_difference(old, new, places))
        .or_else(|| source_difference(old, new, places))
        .or_else(|| build_difference(old, new, places))
}

fn input_difference(old: &Derivation, new: &Derivation) -> Option<Change> {
    let (old, new) = (by_name(old), by_name(new));
    let count = |named: &BTreeMap<String, Vec<StorePath>>, name: &String| {
        named.get(name).map_or(0, Vec::len)
    };
    let missing = |from: &BTreeMap<_, _>, other: &BTreeMap<_, _>| {
        let mut names = from.keys();
        names
            .find(|name| count(from, name) > count(other, name))
            .map(|name| name.strip_suffix(".drv").unwrap_or(name).to_owned())
    };
    let (gone, come) = (missing(&old, &new), missing(&new, &old));
    (gone.is_some() || come.is_some()).then_some(Change::Input {
        old: gone,
        new: come,
    })
}

fn variable_difference(
    old: &Derivation,
    new: &Derivation,
    places: Option<Places<'_>>,
) -> Option<Change> {
    let (old, new) = (&old.environment, &new.environment);
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    names.into_iter().find_map(|name| {
        let (old, new) = (old.get(name), new.get(name));
        let is_same = match (old, new) {
            (Some(old), Some(new)) => is_same(old, new, places),
            (old, new) => old == new,
        };
        (!is_same).then(|| {
            let (old_shown, new_shown) = shown(old, new);
            Change::Variable {
                name: name.clone(),
                old: old_shown,
                new: new_shown,
            }
        })
    })
}

fn source_difference(
    old: &Derivation,
    new: &Derivation,
    places: Option<Places<'_>>,
) -> Option<Change> {
    if places.is_some() {
        // A text that names a place has another path elsewhere, but the same name.
        let names = |derivation: &Derivation| {
            let names = derivation.input_sources.iter();
            let mut names: Vec<_> = names.map(|source| source.name().to_owned()).collect();
            names.sort();
            names
        };
        if names(old) == names(new) {
            return None;
        }
    }
    let source = new
        .input_sources
        .iter()
        .find(|source| !old.input_sources.contains(source))
        .or_else(|| {
            let mut sources = old.input_sources.iter();
            sources.find(|source| !new.input_sources.contains(source))
        });
    source.map(|source| Change::Source(source.name().to_owned()))
}

fn build_difference(
    old: &Derivation,
    new: &Derivation,
    places: Option<Places<'_>>,
) -> Option<Change> {
    let build = |derivation: &Derivation| {
        let arguments = derivation.arguments.join(" ");
        format!(
            "{} {arguments} on {}",
            derivation.builder, derivation.system
        )
    };
    let (old, new) = (build(old), build(new));
    (!is_same(&old, &new, places)).then_some(Change::Build { old, new })
}

/// Whether two texts are the same but for hashes and for the directory of the project.
fn is_same(old: &str, new: &str, places: Option<Places<'_>>) -> bool {
    let plain = |text: &str, place: fn(Places<'_>) -> &str| {
        let text = without_hashes(text);
        match places {
            Some(places) => without_directory(&text, place(places)),
            None => text,
        }
    };
    plain(old, |places| places.old) == plain(new, |places| places.new)
}

/// Replaces a directory by a word that is in no path.
fn without_directory(text: &str, directory: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(directory) {
        let (before, after) = (&rest[..at], &rest[at + directory.len()..]);
        let goes_on = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
        let is_whole = !after.starts_with(goes_on);
        plain.push_str(before);
        plain.push_str(if is_whole { "\0" } else { directory });
        rest = after;
    }
    plain + rest
}

/// Removes hashes: they follow from contents that are compared elsewhere.
fn without_hashes(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("/nix/store/") {
        let after = at + "/nix/store/".len();
        let is_hash = |hash: &str| hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain.push_str(&rest[..after]);
        rest = &rest[after..];
        if rest.get(..HASH).is_some_and(is_hash) {
            rest = &rest[HASH..];
        }
    }
    plain + rest
}

/// Cuts values down to the surroundings of their first difference.
fn shown(old: Option<&String>, new: Option<&String>) -> (Option<String>, Option<String>) {
    let (Some(old), Some(new)) = (old, new) else {
        return (old.map(|old| around(old, 0)), new.map(|new| around(new, 0)));
    };
    let same = old.chars().zip(new.chars());
    let at = same.take_while(|(old, new)| old == new).count();
    (Some(around(old, at)), Some(around(new, at)))
}

fn around(text: &str, at: usize) -> String {
    let from = at.saturating_sub(SHOWN);
    let mut shown: String = text.chars().skip(from).take(2 * SHOWN).collect();
    if from > 0 {
        shown.insert(0, '…');
    }
    if text.chars().count() > from + 2 * SHOWN {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(hash: char, name: &str) -> StorePath {
        StorePath::from_base_name(&format!("{}-{name}", hash.to_string().repeat(HASH))).unwrap()
    }

    fn derivation(inputs: &[&StorePath], variables: &[(&str, &str)]) -> Derivation {
        let variables = variables.iter();
        Derivation {
            outputs: BTreeMap::new(),
            input_derivations: inputs
                .iter()
                .map(|&input| (input.clone(), vec!["out".to_owned()]))
                .collect(),
            input_sources: Vec::new(),
            system: "x86_64-linux".into(),
            builder: "/bin/sh".into(),
            arguments: Vec::new(),
            environment: variables
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            is_fixed: false,
        }
    }

    fn find(
        old: &[(StorePath, Derivation)],
        new: &[(StorePath, Derivation)],
    ) -> Option<Difference> {
        let (old, new) = (old.to_vec(), new.to_vec());
        let (first_old, first_new) = (old[0].0.clone(), new[0].0.clone());
        let old: BTreeMap<_, _> = old.into_iter().collect();
        let new: BTreeMap<_, _> = new.into_iter().collect();
        first(
            (&first_old, &|path| old.get(path).cloned()),
            (&first_new, &|path| new.get(path).cloned()),
            None,
        )
    }

    #[test]
    fn the_deepest_difference_is_found_and_its_consequences_are_not() {
        let [(hello, hi), (shell, other_shell)] =
            ["hello.drv", "shell.drv"].map(|name| (path('a', name), path('b', name)));
        let input = |hash: char| format!("/nix/store/{}-hello", hash.to_string().repeat(HASH));
        let old = [
            (
                shell,
                derivation(&[&hello], &[("buildInputs", &input('a'))]),
            ),
            (hello, derivation(&[], &[("greeting", "Hello")])),
        ];
        let new = [
            (
                other_shell,
                derivation(&[&hi], &[("buildInputs", &input('b'))]),
            ),
            (hi, derivation(&[], &[("greeting", "Hi")])),
        ];
        assert_eq!(
            find(&old, &new),
            Some(Difference {
                chain: vec!["shell".into(), "hello".into()],
                change: Change::Variable {
                    name: "greeting".into(),
                    old: Some("Hello".into()),
                    new: Some("Hi".into()),
                }
            })
        );
    }

    #[test]
    fn inputs_that_come_and_go_are_named() {
        let (a, b) = (path('a', "a.drv"), path('b', "b.drv"));
        let (old, new) = (path('c', "shell.drv"), path('d', "shell.drv"));
        let difference = find(
            &[(old, derivation(&[&a], &[]))],
            &[(new, derivation(&[&b], &[]))],
        );
        assert_eq!(
            difference.unwrap().change,
            Change::Input {
                old: Some("a".into()),
                new: Some("b".into()),
            }
        );
    }

    #[test]
    fn the_directory_of_the_project_is_no_difference() {
        let places = Some(Places {
            old: "/home/me/p",
            new: "/home/rehearsal/p",
        });
        for (old, new, expected) in [
            ("/home/me/p", "/home/rehearsal/p", true),
            ("cd /home/me/p/x; ls", "cd /home/rehearsal/p/x; ls", true),
            ("/home/me/p2", "/home/rehearsal/p2", false),
            ("/home/me/p2", "/home/me/p2", true),
            ("/home/me/p", "/home/me/p", false),
        ] {
            assert_eq!(is_same(old, new, places), expected, "{old} {new}");
        }
    }

    #[test]
    fn long_values_are_cut_to_where_they_differ() {
        let (old, new) = ("x".repeat(100) + "old", "x".repeat(100) + "new and more");
        assert_eq!(
            shown(Some(&old), Some(&new)),
            (
                Some(format!("…{}old", "x".repeat(SHOWN))),
                Some(format!("…{}new and more", "x".repeat(SHOWN)))
            )
        );
    }
}
