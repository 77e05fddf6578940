//! Faults in the volumes of a bundle (`bundle-format.md`, section 10).

/// The number of names that a message lists at most.
pub const SAID: usize = 8;

/// The reason why files do not make up a bundle, found before any of them is read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadVolume {
    /// Some are missing.
    #[error("{}", missing(missing_names, there, *least, *is_exact))]
    Missing {
        /// The names of the first missing ones, at most [`SAID`]. All of them may not fit into
        /// memory: their count follows from the highest number, which a file name can make up.
        missing_names: Vec<String>,
        /// The numbers of those that are there.
        there: Vec<u32>,
        /// The number that there must be.
        least: u32,
        /// Whether there must be exactly that many.
        is_exact: bool,
    },
    /// One has the wrong size.
    #[error(
        "{file} has {size} bytes instead of {}{expected}: it is {}, or belongs to another bundle",
        if *is_least { "at least " } else { "" },
        if size < expected { "cut short" } else { "damaged" },
    )]
    Size {
        /// The volume.
        file: String,
        /// Its size in bytes.
        size: u64,
        /// The size that it must have.
        expected: u64,
        /// Whether it may also be larger.
        is_least: bool,
    },
    /// One does not have a member's header where it must be.
    #[error(
        "{file} is damaged, or belongs to another bundle: {member} does not begin where it must"
    )]
    Foreign {
        /// The volume.
        file: String,
        /// The member.
        member: String,
    },
    /// There is one behind the bundle's end.
    #[error("{file} does not belong to it: the bundle ends in {last}")]
    Surplus {
        /// The volume.
        file: String,
        /// The bundle's last volume.
        last: String,
    },
}

/// `x.002 is missing; of 3 volumes, 1 and 3 are there`
fn missing(names: &[String], there: &[u32], least: u32, is_exact: bool) -> String {
    let count = (least as usize).saturating_sub(there.len());
    let are = |many: bool| if many { "are" } else { "is" };
    let at_least = if is_exact { "" } else { "at least " };
    let volumes = if least == 1 { "volume" } else { "volumes" };
    let there = match there {
        [] => "none is".to_owned(),
        some => {
            let ranges = ranges(some);
            format!(
                "{} {}",
                enumerated(&ranges, ranges.len()),
                are(some.len() > 1)
            )
        }
    };
    format!(
        "{} {} missing; of {at_least}{least} {volumes}, {there} there",
        enumerated(names, count),
        are(count > 1)
    )
}

/// Ascending numbers, neighbours put together: `1`, `3-7`.
fn ranges(numbers: &[u32]) -> Vec<String> {
    let neighbours = numbers.chunk_by(|a, b| a + 1 == *b);
    let said = |run: &[u32]| match run {
        [first, .., last] => format!("{first}-{last}"),
        _ => run.iter().map(u32::to_string).collect(),
    };
    neighbours.map(said).collect()
}

/// The first few of `count` words, and the number of those left out.
fn enumerated(words: &[String], count: usize) -> String {
    let first = &words[..words.len().min(SAID)];
    let more = count.saturating_sub(first.len());
    if more > 0 {
        return format!("{} and {more} more", first.join(", "));
    }
    match first {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        few => few.join(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_beside_what_is_there() {
        let said = |missing: &[u32], there: &[u32], least, is_exact| {
            let names = missing.iter().map(|number| format!("x.{number:03}"));
            let bad = BadVolume::Missing {
                missing_names: names.take(SAID).collect(),
                there: there.to_vec(),
                least,
                is_exact,
            };
            bad.to_string()
        };
        assert_eq!(
            said(&[2], &[1, 3, 4], 4, true),
            "x.002 is missing; of 4 volumes, 1 and 3-4 are there"
        );
        assert_eq!(
            said(&[1, 2], &[], 2, false),
            "x.001 and x.002 are missing; of at least 2 volumes, none is there"
        );
        let many: Vec<_> = (2..=12).collect();
        assert_eq!(
            said(&many, &[1], 12, true),
            "x.002, x.003, x.004, x.005, x.006, x.007, x.008, x.009 and 3 more are missing; \
             of 12 volumes, 1 is there"
        );
    }
}
