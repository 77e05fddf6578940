//! Project files and shells that are not the same on both sides.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::text::printable_line;

/// How many names are on a line.
const SHOWN: usize = 8;

/// The names of things that differ.
#[derive(Debug, Serialize)]
pub(super) struct Names {
    /// They are on both sides, and not alike.
    changed: Vec<String>,
    added: Vec<String>,
    removed: Vec<String>,
}

impl Names {
    /// Compares things by their names, and those of one name by what they are; `None` unless both sides have
    /// such things to compare.
    pub(super) fn between(
        old: Option<&BTreeMap<String, String>>,
        new: Option<&BTreeMap<String, String>>,
    ) -> Option<Self> {
        let (old, new) = (old?, new?);
        let mut names = Self {
            changed: Vec::new(),
            added: Vec::new(),
            removed: Vec::new(),
        };
        for (name, thing) in old {
            match new.get(name) {
                None => names.removed.push(name.clone()),
                Some(other) if other != thing => names.changed.push(name.clone()),
                Some(_) => {}
            }
        }
        let added = new.keys().filter(|name| !old.contains_key(*name));
        names.added.extend(added.cloned());
        Some(names)
    }

    /// A line for each kind of difference that there is.
    pub(super) fn lines(&self) -> Vec<String> {
        let kinds = [
            ("changed", &self.changed),
            ("added", &self.added),
            ("removed", &self.removed),
        ];
        let there = kinds.into_iter().filter(|(_, names)| !names.is_empty());
        let lines = there.map(|(kind, names)| format!("{kind} {}", some(names)));
        lines.collect()
    }
}

/// The first of these names, and how many more there are.
fn some(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN).map(|name| printable_line(name));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
