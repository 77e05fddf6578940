//! The size of volumes.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use crate::report::human;

const MIB: u64 = 1 << 20;

/// The smallest size that is taken as it is.
const SMALLEST: u64 = 64 << 10;

/// Named sizes: the capacity of a medium, less a little for its own bookkeeping, the checksum file,
/// and other ways to count.
const NAMED: [(&str, u64); 5] = [
    // 700 MiB and 3 more, of which ISO 9660 needs some.
    ("cd", 700 * MIB),
    // DVD+R, the smaller of the two kinds, has 4,700,372,992 bytes.
    ("dvd", 4480 * MIB),
    // One layer of a BD-R has 25,025,314,816 bytes.
    ("bd", 23_860 * MIB),
    // The largest file on FAT has 4 GiB less one byte.
    ("fat32", 4095 * MIB),
    // Attachments of a release are usually limited to files below 2 GiB.
    ("release", 2047 * MIB),
];

/// The size of every volume but the last, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct VolumeSize(NonZeroU64);

impl VolumeSize {
    /// In bytes.
    pub fn bytes(self) -> u64 {
        self.0.get()
    }

    /// A size of this many bytes.
    pub(crate) fn of(bytes: u64) -> Option<Self> {
        NonZeroU64::new(bytes).map(Self)
    }

    /// Whether it is so small that it is probably a mistake: `4` for `4G`.
    pub(crate) fn is_small(self) -> bool {
        self.bytes() < SMALLEST
    }

    /// The largest size for files of at most this many bytes, if there is one. A whole number of
    /// MiB if possible, which suits media.
    pub(crate) fn for_files_of(most: u64) -> Option<Self> {
        let round = most - most % MIB;
        NonZeroU64::new(if round > 0 { round } else { most }).map(Self)
    }
}

impl fmt::Display for VolumeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&human(self.bytes()))
    }
}

impl FromStr for VolumeSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let preset = NAMED.iter().find(|(name, _)| *name == text);
        let bytes = preset.map_or_else(|| number(text), |(_, bytes)| Some(*bytes));
        if bytes == Some(0) {
            return Err("a volume has at least one byte".to_owned());
        }
        bytes.and_then(NonZeroU64::new).map(Self).ok_or_else(|| {
            let names: Vec<_> = NAMED.iter().map(|(name, _)| *name).collect();
            format!(
                "it is neither a number of bytes, with K, M or G for powers of 1024 and KB, MB or GB for \
                 those of 1000, nor one of {}",
                names.join(", ")
            )
        })
    }
}

/// A number with a unit: `K` and `KiB` are 1024 bytes, and `KB` is 1000, as `dd` and `ls` have it.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.to_ascii_lowercase();
    let (power, base) = match unit.strip_suffix("ib").or(unit.strip_suffix('b')) {
        Some(power) if unit.ends_with("ib") => (power, 1024),
        Some(power) => (power, 1000),
        None => (unit.as_str(), 1024),
    };
    let power = match power {
        "" if !unit.ends_with("ib") => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        _ => return None,
    };
    let factor = u64::pow(base, power);
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024_or_have_a_name() {
        for (text, bytes) in [
            ("1", 1),
            ("512", 512),
            ("3K", 3 << 10),
            ("650M", 650 << 20),
            ("2g", 2 << 30),
            ("700MiB", 700 << 20),
            ("4GB", 4_000_000_000),
            ("4gb", 4_000_000_000),
            ("4GiB", 4 << 30),
            ("512b", 512),
            ("fat32", (4 << 30) - (1 << 20)),
            ("dvd", 4_697_620_480),
        ] {
            assert_eq!(text.parse::<VolumeSize>().unwrap().bytes(), bytes, "{text}");
        }
    }

    #[test]
    fn other_sizes_are_refused() {
        for text in [
            "",
            "0",
            "0M",
            "M",
            "-1",
            "+1",
            "1.5G",
            "1 M",
            "1T",
            "1MBB",
            "1XB",
            "DVD",
            "99999999999G",
        ] {
            assert!(text.parse::<VolumeSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn volumes_fit_the_largest_file() {
        let sizes = [(4 << 30) - 1, 1000, 0].map(VolumeSize::for_files_of);
        let sizes = sizes.map(|size| size.map(VolumeSize::bytes));
        assert_eq!(sizes, [Some(4095 << 20), Some(1000), None]);
    }
}
