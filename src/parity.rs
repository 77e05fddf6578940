//! Parity: a file beside a bundle, from which damaged parts of the bundle can be computed again
//! (`bundle-format.md`, section 11). It covers the bundle's bytes, in one file or in volumes.
//!
//! ```text
//! protect:  bundle ─▶ Geometry ─▶ sections, each its own code ─▶ parity file
//! repair:   what remains + parity file ─▶ Survey ─▶ Restored ─▶ verified copy
//! ```

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

mod bad;
mod bytes;
mod code;
mod encode;
mod file;
mod geometry;
mod head;
mod locate;
mod remains;
mod restore;
#[cfg(test)]
mod round_trip;
mod survey;
mod volume_size;

pub(crate) use encode::write;
pub(crate) use file::ParityFile;
pub(crate) use geometry::Geometry;
pub(crate) use head::Identity;
pub(crate) use locate::{Repairable, parity_of};
pub(crate) use remains::Remains;
pub(crate) use restore::Restored;
pub(crate) use survey::Survey;

/// The name of a bundle's parity file.
pub(crate) fn parity_name(bundle: &Path) -> PathBuf {
    let mut name = bundle.to_owned().into_os_string();
    name.push(".parity");
    name.into()
}

/// The share with which a parity file of this size was made for a bundle of that size.
pub(crate) fn share_of(bundle: u64, parity: u64) -> Option<Share> {
    let mut shares = (1..=10_000).map(|hundredths| Share { hundredths });
    shares.find(|&share| Geometry::of_bundle(bundle, share).parity_size() == parity)
}

/// The amount of parity, as a share of the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// In hundredths of a percent.
    hundredths: u32,
}

impl Share {
    /// The default: a megabyte in twenty.
    pub const USUAL: Self = Self { hundredths: 500 };

    /// This share of a number, at least 1.
    fn of(self, number: u64) -> u64 {
        let hundredths = number.saturating_mul(self.hundredths.into());
        hundredths.div_ceil(10_000).max(1)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.hundredths / 100, self.hundredths % 100) {
            (whole, 0) => write!(f, "{whole}%"),
            (whole, part) if part % 10 == 0 => write!(f, "{whole}.{}%", part / 10),
            (whole, part) => write!(f, "{whole}.{part:02}%"),
        }
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_suffix('%').unwrap_or(text);
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_usual = !whole.is_empty() && whole.len() <= 3 && part.len() <= 2;
        let hundredths = (is_usual && is_number(whole) && is_number(part))
            .then(|| format!("{whole}{part:0<2}").parse().ok())
            .flatten();
        hundredths
            .filter(|hundredths| (1..=10_000).contains(hundredths))
            .map(|hundredths| Self { hundredths })
            .ok_or_else(|| "it is not a share of the bundle, from 0.01% to 100%".to_owned())
            .and_then(|share| match share.hundredths {
                // A fraction of 1 may be meant.
                fraction @ ..100 if !text.ends_with('%') => Err(format!(
                    "it is less than one per cent of the bundle: is {fraction}% meant, or {share}?"
                )),
                _ => Ok(share),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages() {
        for (text, said, of_1000) in [
            ("5%", "5%", 50),
            ("5", "5%", 50),
            ("0.5%", "0.5%", 5),
            ("0.25%", "0.25%", 3),
            ("0.01%", "0.01%", 1),
            ("12.05%", "12.05%", 121),
            ("100%", "100%", 1000),
        ] {
            let share: Share = text.parse().unwrap();
            assert_eq!(
                (share.to_string().as_str(), share.of(1000)),
                (said, of_1000)
            );
        }
        for text in [
            "", "%", "0", "0%", "100.01%", "101", "-5", "+5", "5%%", "5 %", ".5", "1.234", "1e1",
            "5K", "9999",
        ] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }
}
