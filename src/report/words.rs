//! Words for humans: sizes, numbers, times.

use std::fmt::Display;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A note that there is memory for fewer threads than were asked for. Each needs so many bytes.
pub(crate) fn fewer_threads(granted: usize, asked: usize, each: u64) -> String {
    let (granted, each) = (count(granted, "thread"), human(each));
    format!("{granted} instead of {asked}: each needs {each} of memory")
}

/// A size for a human, in powers of 1024, as `ls -h` and Nix print it.
pub(crate) fn human(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

/// A number of things in words: `1 path`, `8 paths`.
pub(crate) fn count<N: PartialEq + From<u8> + Display>(number: N, thing: &str) -> String {
    let ending = if number == N::from(1) { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

/// An elapsed time: `8s`, `1m 20s`, `2h 5m`.
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, 0) => format!("{minutes}m"),
        (0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (hours, 0, _) => format!("{hours}h"),
        (hours, minutes, _) => format!("{hours}h {minutes}m"),
    }
}

/// A remaining time, no finer than it can be known: the longer it is, the coarser, and never less
/// than a second.
pub(super) fn time_left(time: Duration) -> String {
    let seconds = time.as_secs().max(1);
    let step = match seconds {
        ..60 => 1,
        60..600 => 10,
        600..3600 => 60,
        3600.. => 600,
    };
    duration(Duration::from_secs(seconds.next_multiple_of(step)))
}

/// A time in RFC 3339, in UTC and to the second: `2026-11-23T14:20:05Z`.
pub(crate) fn utc(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Years begin in March here, so that a leap day is the last of its year. Day 0 is the first of
    // March of the year 0; 400 years, an era, have 146,097 days.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (next_year, month) = if month < 10 {
        (0, month + 3)
    } else {
        (1, month - 9)
    };
    let year = 400 * era + year + next_year;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `date -u -d @SECONDS`
    #[test]
    fn moments_are_what_date_says() {
        for (seconds, said) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_795_443_605, "2026-11-23T14:20:05Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), said);
        }
    }

    #[test]
    fn times_are_said_as_finely_as_they_are_known() {
        let said = |words: fn(Duration) -> String, times: [u64; 6]| {
            times.map(|time| words(Duration::from_secs(time)))
        };
        assert_eq!(
            said(duration, [0, 59, 60, 80, 3600, 7530]),
            ["0s", "59s", "1m", "1m 20s", "1h", "2h 5m"]
        );
        assert_eq!(
            said(time_left, [0, 42, 61, 595, 601, 3601]),
            ["1s", "42s", "1m 10s", "10m", "11m", "1h 10m"]
        );
    }
}
