//! The existing files that would be replaced. Not every file with a number is a volume: people keep
//! copies with names like `dev.shellpack.20240101`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::PathBuf;

use super::{OutputFiles, Replaces};
use crate::media::volumes::{Names, checksum_name, numbered, parent};
use crate::parity::parity_name;

/// The numbers of volumes, by the form of their names.
type Numbered = BTreeMap<usize, (Names, BTreeSet<u32>)>;

impl OutputFiles {
    /// The existing files that would be replaced, given the names of the new volumes, if there are
    /// any.
    pub(super) fn rivals(&self, new: Option<&Names>) -> Vec<PathBuf> {
        let (mut rivals, mut beside) = (Vec::new(), Vec::new());
        if self.replaces != Replaces::Joined {
            beside = self.old_volumes(new);
            beside.push(checksum_name(&self.path));
        }
        if self.replaces == Replaces::All {
            beside.push(parity_name(&self.path));
        }
        if self.replaces != Replaces::Volumes {
            rivals.push(self.path.clone());
        }
        rivals.extend(beside);
        rivals.retain(|rival| rival.symlink_metadata().is_ok());
        rivals
    }

    fn old_volumes(&self, new: Option<&Names>) -> Vec<PathBuf> {
        let name = self.path.file_name().unwrap_or_default();
        let mut found = Numbered::new();
        for (names, number, _) in numbered(parent(&self.path), name) {
            let of_names = found.entry(names.digits());
            let (_, numbers) = of_names.or_insert_with(|| (names, BTreeSet::new()));
            numbers.insert(number);
        }
        let volumes = in_a_row(name, &found, new);
        volumes
            .map(|(names, number)| self.path.with_file_name(names.of(number)))
            .collect()
    }
}

/// Those that are volumes of one bundle: a row from 1, with as many digits as the row needs. And
/// all that would be taken for one of the new volumes, such as the end of a longer row.
fn in_a_row<'a>(
    bundle: &OsStr,
    found: &'a Numbered,
    new: Option<&Names>,
) -> impl Iterator<Item = (&'a Names, u32)> {
    found.values().flat_map(move |(names, numbers)| {
        let row = (1..).zip(numbers).take_while(|(at, number)| at == *number);
        let row = row.count();
        let is_written_so = Names::for_volumes(bundle, row) == *names;
        let count = match new {
            Some(new) if new == names => numbers.len(),
            _ if is_written_so => row,
            _ => 0,
        };
        numbers
            .iter()
            .take(count)
            .map(move |number| (names, *number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volumes(there: &[&str], new: Option<usize>) -> Vec<String> {
        let bundle = OsStr::new("x");
        let mut found = Numbered::new();
        for name in there {
            let (names, number) = Names::parse(OsStr::new(name)).unwrap();
            let of_names = found.entry(names.digits());
            let (_, numbers) = of_names.or_insert_with(|| (names, BTreeSet::new()));
            numbers.insert(number);
        }
        let new = new.map(|count| Names::for_volumes(bundle, count));
        let volumes = in_a_row(bundle, &found, new.as_ref());
        volumes
            .map(|(names, number)| names.of(number).into_string().unwrap())
            .collect()
    }

    #[test]
    fn only_a_row_from_the_first_is_replaced() {
        for (there, replaced) in [
            (&["x.001", "x.002"][..], &["x.001", "x.002"][..]),
            (&["x.001", "x.002", "x.004"], &["x.001", "x.002"]),
            (&["x.002", "x.003"], &[]),
            (&["x.365"], &[]),
            (&["x.20240101", "x.001"], &["x.001"]),
            // Two volumes would not have such names.
            (&["x.0001", "x.0002"], &[]),
        ] {
            assert_eq!(volumes(there, None), replaced);
        }
    }

    #[test]
    fn what_would_be_one_of_the_new_volumes_is_replaced() {
        let there = ["x.001", "x.004", "x.0004", "x.20240101"];
        assert_eq!(volumes(&there, Some(2)), ["x.001", "x.004"]);
        assert_eq!(volumes(&there, Some(1000)), ["x.001", "x.0004"]);
    }

    #[test]
    fn a_long_row_has_more_digits() {
        let names: Vec<_> = (1..=1000).map(|number| format!("x.{number:04}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        assert_eq!(volumes(&names, None), names);
        assert!(volumes(&names[..999], None).is_empty());
    }
}
