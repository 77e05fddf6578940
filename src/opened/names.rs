//! The names of opened bundles, as users type them.
//!
//! A bundle has a name, which its successors have, too. Its full name is `NAME@DIGEST`. Wherever a
//! bundle is named, the beginning of its name or digest is enough if no other one begins like that.

use std::cmp::Reverse;
use std::path::Path;
use std::time::SystemTime;

use super::{DIGITS, Record};
use crate::error::{NotThere, Result};
use crate::text::shown;

/// The bundles that a text names: at least one, the one that was opened last first.
#[must_use]
#[derive(Debug)]
pub(crate) struct Meant {
    text: String,
    records: Vec<Record>,
}

/// Finds the bundles that a text names, in one store of ours if that is named.
pub(crate) fn meant(text: &str, store: Option<&Path>) -> Result<Meant> {
    let mut records = Record::all(store)?;
    if records.is_empty() {
        return Err(NotThere::NothingOpened.into());
    }
    records.sort_by_cached_key(|record| Reverse(record.last_opened()));
    let records = among(text, records);
    if records.is_empty() {
        return Err(NotThere::NotOpened(text.to_owned()).into());
    }
    let text = text.to_owned();
    Ok(Meant { text, records })
}

/// Each name with which a user can mean a bundle, and where that bundle is. Where several bundles share
/// a name, their full names follow it.
pub(crate) fn names_to_type() -> Result<Vec<(String, String)>> {
    let mut records = Record::all(None)?;
    records.sort_by_cached_key(|record| (record.name().to_owned(), Reverse(record.last_opened())));
    let mut names = Vec::new();
    for same in records.chunk_by(|a, b| a.name() == b.name()) {
        names.push((same[0].name().to_owned(), same[0].whereabouts()));
        if same.len() > 1 {
            let each = |record: &Record| (record.full_name(), record.whereabouts());
            names.extend(same.iter().map(each));
        }
    }
    Ok(names)
}

/// The records that a text names in full, by name, or else by the beginning of a name or digest.
fn among(text: &str, records: Vec<Record>) -> Vec<Record> {
    let (name, digest) = text.split_once('@').unwrap_or((text, ""));
    let is_exact = |record: &Record| record.id == text || record.full_name() == text;
    let has_name = |record: &Record| record.name() == name && record.digest().starts_with(digest);
    let begins =
        |record: &Record| record.name().starts_with(name) && record.digest().starts_with(digest);
    let ways: [&dyn Fn(&Record) -> bool; 3] = [&is_exact, &has_name, &begins];
    let way = ways.into_iter().find(|way| records.iter().any(way));
    let named = records
        .into_iter()
        .filter(|record| way.is_some_and(|way| way(record)));
    named.collect()
}

impl Meant {
    /// The one that was opened last, of bundles of one name. Fails if several names begin like the
    /// text, or several digests.
    pub(crate) fn newest(&self) -> Result<&Record> {
        let newest = &self.records[0];
        let is_one_name = self
            .records
            .iter()
            .all(|record| record.name() == newest.name());
        if self.records.len() == 1 || (is_one_name && !self.text.contains('@')) {
            Ok(newest)
        } else {
            Err(self.ambiguous().into())
        }
    }

    /// The only one, or this user's only one.
    pub(crate) fn only(&self) -> Result<&Record> {
        let mut own = self.records.iter().filter(|record| !record.is_for_all());
        match (&self.records[..], own.next(), own.next()) {
            ([only], ..) | (_, Some(only), None) => Ok(only),
            _ => Err(self.ambiguous().into()),
        }
    }

    /// All but the one that was opened last. Fails if they have several names.
    pub(crate) fn all_but_newest(&self) -> Result<&[Record]> {
        self.newest()?;
        Ok(&self.records[1..])
    }

    fn ambiguous(&self) -> NotThere {
        NotThere::Ambiguous {
            name: self.text.clone(),
            candidates: self.records.iter().map(Record::full_name).collect(),
        }
    }
}

impl Record {
    /// `NAME@DIGEST`; of a damaged record that has no digest, its name only.
    pub(crate) fn full_name(&self) -> String {
        match self.digest() {
            "" => self.name().to_owned(),
            digest => format!("{}@{digest}", self.name()),
        }
    }

    /// The bundle's name.
    pub(crate) fn name(&self) -> &str {
        self.parts().0
    }

    /// The beginning of its manifest's digest.
    fn digest(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        let is_digest =
            |text: &str| text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match self.id.rsplit_once('-') {
            Some((name, digest)) if is_digest(digest) => (name, digest),
            _ => (&self.id, ""),
        }
    }

    /// Its project's directory, in words.
    fn whereabouts(&self) -> String {
        if self.is_for_all() {
            return "opened for all users".to_owned();
        }
        let place = self.places().into_iter().next();
        place.map_or_else(String::new, |place| shown(&place.directory).to_string())
    }

    /// When the bundle was last opened; `None` if it has no place.
    pub(crate) fn last_opened(&self) -> Option<SystemTime> {
        self.places().first().map(|place| place.time)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scope;
    use super::*;

    fn record(id: &str) -> Record {
        Record {
            dir: Path::new("/nowhere").join(id),
            id: id.to_owned(),
            scope: Scope::User,
        }
    }

    #[test]
    fn a_name_is_what_is_before_the_digest() {
        for (id, name, full) in [
            ("blog-0123456789ab", "blog", "blog@0123456789ab"),
            ("a-b-0123456789ab", "a-b", "a-b@0123456789ab"),
            ("blog-0123456789a", "blog-0123456789a", "blog-0123456789a"),
            (
                "blog-0123456789xy",
                "blog-0123456789xy",
                "blog-0123456789xy",
            ),
            ("blog", "blog", "blog"),
        ] {
            assert_eq!(
                (record(id).name(), record(id).full_name()),
                (name, full.to_owned())
            );
        }
    }

    #[test]
    fn the_beginning_of_a_name_is_enough() {
        let ids = [
            "blog-aaaaaaaaaaaa",
            "blog-abbbbbbbbbbb",
            "blogs-cccccccccccc",
        ];
        for (text, expected) in [
            ("blog", &ids[..2]),
            ("blog@ab", &ids[1..2]),
            ("blog@a", &ids[..2]),
            ("blog-abbbbbbbbbbb", &ids[1..2]),
            ("blog@abbbbbbbbbbb", &ids[1..2]),
            ("blogs", &ids[2..]),
            ("bl", &ids[..]),
            ("bl@c", &ids[2..]),
            ("@c", &ids[2..]),
            ("blog@c", &ids[2..]),
            ("x", &[]),
        ] {
            let found = among(text, ids.map(record).to_vec());
            let found: Vec<_> = found.iter().map(|record| record.id.as_str()).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
