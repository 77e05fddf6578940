//! The names of volumes: `dev.shellpack.001`, `.002` and so on.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// Three digits sort up to 999 volumes. With more volumes, all names have more digits.
const FEWEST_DIGITS: usize = 3;
/// More than anyone writes, and few enough for the number's type.
const MOST_DIGITS: usize = 9;

/// The names of one bundle's volumes, which differ only in the number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    /// The bundle's own file name.
    bundle: OsString,
    digits: usize,
}

impl Names {
    /// Names for this many volumes.
    pub(crate) fn for_volumes(bundle: &OsStr, count: usize) -> Self {
        Self {
            bundle: bundle.to_owned(),
            digits: count.to_string().len().max(FEWEST_DIGITS),
        }
    }

    /// The names that a volume's name belongs to, and its number, from 1.
    pub(crate) fn parse(name: &OsStr) -> Option<(Self, u32)> {
        let bytes = name.as_bytes();
        let dot = bytes.iter().rposition(|&byte| byte == b'.')?;
        let (bundle, digits) = (&bytes[..dot], &bytes[dot + 1..]);
        let is_number = (FEWEST_DIGITS..=MOST_DIGITS).contains(&digits.len())
            && digits.iter().all(u8::is_ascii_digit);
        if bundle.is_empty() || !is_number {
            return None;
        }
        let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let names = Self {
            bundle: OsStr::from_bytes(bundle).to_owned(),
            digits: digits.len(),
        };
        (number > 0).then_some((names, number))
    }

    /// The bundle's own name, that of the bundle in one file.
    pub(crate) fn bundle(&self) -> &OsStr {
        &self.bundle
    }

    /// The number of digits.
    pub(crate) fn digits(&self) -> usize {
        self.digits
    }

    /// A volume's name.
    pub(crate) fn of(&self, number: u32) -> OsString {
        let mut name = self.bundle.as_bytes().to_owned();
        name.extend(format!(".{number:0digits$}", digits = self.digits).bytes());
        OsString::from_vec(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_their_numbers_do() {
        let bundle = OsStr::new("dev.shellpack");
        for (count, last) in [
            (1, "dev.shellpack.001"),
            (999, "dev.shellpack.999"),
            (1000, "dev.shellpack.1000"),
        ] {
            let names = Names::for_volumes(bundle, count);
            let all: Vec<_> = (1..=u32::try_from(count).unwrap())
                .map(|number| names.of(number))
                .collect();
            assert!(all.is_sorted());
            assert_eq!(all.last().unwrap(), last);
            for (name, number) in all.iter().zip(1..) {
                assert_eq!(Names::parse(name).unwrap(), (names.clone(), number));
            }
        }
    }

    #[test]
    fn other_names_are_no_volumes() {
        for name in [
            "dev.shellpack",
            "dev.shellpack.",
            "dev.shellpack.01",
            "dev.shellpack.000",
            "dev.shellpack.0000000001",
            "dev.shellpack.00a",
            "dev.shellpack.+01",
            ".001",
            "001",
        ] {
            assert_eq!(Names::parse(OsStr::new(name)), None, "{name}");
        }
    }

    #[test]
    fn names_are_bytes() {
        let name = OsStr::from_bytes(b"caf\xe9.001");
        let (names, number) = Names::parse(name).unwrap();
        assert_eq!((names.of(number).as_os_str(), number), (name, 1));
    }
}
