//! The speed of a phase, and the time that it has left.
//!
//! The rate is that of the *recent* past: reading from the page cache predicts nothing about the
//! disk that comes after it, so the mean since the start would be wrong for a long time. A moment
//! predicts nothing either: work arrives in portions, a segment at a time, and a slow stick takes
//! some, stops, and takes more. So the rate is the mean over the last half of the time, within the
//! bounds below, and is measured from one arrival to another: between two portions only the time
//! left changes. Times are counted from the start of the phase.

use std::collections::VecDeque;
use std::time::Duration;

/// The shortest window: evens out portions and hiccups.
const SHORTEST_WINDOW: Duration = Duration::from_secs(10);
/// The longest window: a change of speed shows in full after this time. A segment of `--level
/// small` takes about a minute, and the window must hold more than one.
const LONGEST_WINDOW: Duration = Duration::from_secs(120);
/// The number of arrivals in a window, so that hours need no more memory than seconds.
const SAMPLES: u32 = 64;
/// A shorter time is a moment, not a rate.
const SHORTEST_SPAN: Duration = Duration::from_secs(1);
/// The number of different seconds in which something must have arrived before there is an
/// estimate.
const ENOUGH_SECONDS: u32 = 3;
/// Without arrivals for twice as long as before, within these bounds, the rate is dropped.
const SHORTEST_PATIENCE: Duration = Duration::from_secs(5);
const LONGEST_PATIENCE: Duration = Duration::from_secs(60);

/// Bytes over time.
#[derive(Debug, Default)]
pub(super) struct Rate {
    /// The arrivals in the window and the last one before it, oldest first. The bytes of the very
    /// first one are not counted, since their time is unknown.
    arrivals: VecDeque<Arrival>,
    /// The time of the first one.
    begun: Duration,
    /// The last second in which something arrived, and the number of such seconds.
    last_second: u64,
    seconds: u32,
}

#[derive(Debug, Clone, Copy)]
struct Arrival {
    at: Duration,
    /// All bytes so far.
    bytes: u64,
}

impl Rate {
    /// Notes the progress of the phase.
    pub(super) fn note(&mut self, at: Duration, bytes: u64) {
        if bytes == self.bytes() {
            return;
        }
        if self.arrivals.is_empty() {
            self.begun = at;
        }
        if self.seconds == 0 || self.last_second != at.as_secs() {
            self.last_second = at.as_secs();
            self.seconds += 1;
        }
        self.push(Arrival { at, bytes });
        let from = at.saturating_sub(self.window(at));
        while self.arrivals.get(1).is_some_and(|next| next.at <= from) {
            self.arrivals.pop_front();
        }
    }

    /// Bytes per second, as soon as that means something.
    pub(super) fn per_second(&self) -> Option<u64> {
        let (first, last) = (self.arrivals.front()?, self.arrivals.back()?);
        let span = last.at.saturating_sub(first.at);
        if span < SHORTEST_SPAN {
            return None;
        }
        let bytes = u128::from(last.bytes.saturating_sub(first.bytes));
        u64::try_from(bytes * 1000 / span.as_millis()).ok()
    }

    /// The time for this many remaining bytes, from now on. `None` if it is unknown, if it should
    /// be over already, or if no bytes are left: then the remaining work is not counted.
    pub(super) fn left(&self, at: Duration, total: u64) -> Option<Duration> {
        let last = self.arrivals.back()?;
        let rest = total.checked_sub(last.bytes).filter(|rest| *rest > 0)?;
        let rate = self.per_second().filter(|rate| *rate > 0)?;
        let left = Duration::from_secs(rest.div_ceil(rate));
        let left = left.checked_sub(at.saturating_sub(last.at))?;
        (self.seconds >= ENOUGH_SECONDS && left >= SHORTEST_SPAN).then_some(left)
    }

    /// The longest time without arrivals before the rate is dropped.
    pub(super) fn patience(&self) -> Duration {
        let later = self.arrivals.iter().skip(1);
        let gaps = self.arrivals.iter().zip(later);
        let longest = gaps.map(|(one, next)| next.at.saturating_sub(one.at)).max();
        (longest.unwrap_or_default() * 2).clamp(SHORTEST_PATIENCE, LONGEST_PATIENCE)
    }

    fn window(&self, at: Duration) -> Duration {
        (at.saturating_sub(self.begun) / 2).clamp(SHORTEST_WINDOW, LONGEST_WINDOW)
    }

    fn bytes(&self) -> u64 {
        self.arrivals.back().map_or(0, |last| last.bytes)
    }

    /// The newest arrival is always kept, the others at some distance from each other.
    fn push(&mut self, arrival: Arrival) {
        let distance = self.window(arrival.at) / SAMPLES;
        if let [.., before, last] = *self.arrivals.make_contiguous()
            && last.at.saturating_sub(before.at) < distance
        {
            self.arrivals.pop_back();
        }
        self.arrivals.push_back(arrival);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    /// Looks at a phase ten times a second; `bytes` returns its progress after a number of tenths
    /// of a second.
    fn after(tenths: u64, bytes: impl Fn(u64) -> u64) -> Rate {
        let mut rate = Rate::default();
        (0..=tenths).for_each(|tenth| rate.note(at(tenth), bytes(tenth)));
        rate
    }

    fn at(tenth: u64) -> Duration {
        Duration::from_millis(tenth * 100)
    }

    /// The seconds left after this many tenths of a second.
    fn left(tenths: u64, bytes: impl Fn(u64) -> u64, total: u64) -> Option<u64> {
        let rate = after(tenths, bytes);
        rate.left(at(tenths), total).map(|left| left.as_secs())
    }

    /// 100 MB per second.
    fn steady(tenth: u64) -> u64 {
        tenth * 10 * MB
    }

    /// As much, but 400 MB at once, every four seconds.
    fn in_portions(tenth: u64) -> u64 {
        tenth / 40 * 400 * MB
    }

    #[test]
    fn nothing_is_said_of_the_first_moments() {
        assert_eq!(after(5, steady).per_second(), None);
        assert_eq!(after(15, steady).per_second(), Some(100 * MB));
        assert_eq!(left(15, steady, 1000 * MB), None);
        assert_eq!(left(30, steady, 1000 * MB), Some(7));
    }

    #[test]
    fn a_first_portion_alone_is_no_measure() {
        let alone = |tenth: u64| tenth.min(1) * 250 * MB;
        assert_eq!(after(200, alone).per_second(), None);
        assert_eq!(left(200, alone, 1000 * MB), None);
    }

    #[test]
    fn waiting_for_the_first_byte_does_not_count() {
        let late = |tenth: u64| steady(tenth.saturating_sub(600));
        assert_eq!(after(650, late).per_second(), Some(100 * MB));
        assert_eq!(left(650, late, 1000 * MB), Some(5));
    }

    #[test]
    fn portions_do_not_make_it_jump() {
        for tenths in 120..400 {
            let rate = after(tenths, in_portions);
            assert_eq!(rate.per_second(), Some(100 * MB));
            let end = rate.left(at(tenths), 6000 * MB).unwrap() + at(tenths);
            assert_eq!(end, Duration::from_secs(60));
        }
    }

    #[test]
    fn a_change_of_speed_shows_within_the_window() {
        // 20 s from the page cache, then from a disk that has a tenth of its speed.
        let slower = |tenth: u64| tenth.min(200) * 9 * 10 * MB + steady(tenth);
        assert_eq!(after(200, slower).per_second(), Some(1000 * MB));
        assert_eq!(after(401, slower).per_second(), Some(100 * MB));
    }

    #[test]
    fn what_does_not_come_in_time_is_not_estimated() {
        let stops = |tenth: u64| steady(tenth.min(100));
        assert_eq!(left(100, stops, 1500 * MB), Some(5));
        assert_eq!(left(140, stops, 1500 * MB), Some(1));
        assert_eq!(left(141, stops, 1500 * MB), None);
        assert_eq!(left(100, stops, 1000 * MB), None);
        assert_eq!(left(100, stops, 999 * MB), None);
    }

    #[test]
    fn patience_is_twice_as_long_as_it_took_before() {
        assert_eq!(after(300, steady).patience(), Duration::from_secs(5));
        assert_eq!(after(300, in_portions).patience(), Duration::from_secs(8));
        let rare = |tenth: u64| in_portions(tenth / 10);
        assert_eq!(after(3000, rare).patience(), Duration::from_secs(60));
    }

    #[test]
    fn hours_take_little_memory() {
        let rate = after(72_000, steady);
        let kept = rate.arrivals.len();
        assert!(kept < 100, "{kept}");
        assert_eq!(left(72_000, steady, 1_080_000 * MB), Some(3600));
    }
}
