//! The state of a phase at a moment. Time is an argument here.

use std::time::{Duration, Instant};

use super::event::Phase;
use super::rate::Rate;

/// A standstill is displayed after this time, if progress is expected at any time.
const MOMENT: Duration = Duration::from_secs(1);

/// The size of a phase, or its progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Amount {
    /// NAR bytes.
    pub(super) bytes: u64,
    /// Store paths.
    pub(super) paths: u64,
}

/// The state of a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) phase: Phase,
    /// The time since it began.
    pub(super) elapsed: Duration,
    pub(super) done: Amount,
    /// Its size, if known.
    pub(super) total: Option<Amount>,
    /// Bytes per second, recently.
    pub(super) per_second: Option<u64>,
    pub(super) pace: Pace,
}

/// Whether a phase moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pace {
    /// It moves.
    Moving {
        /// The time left, if known.
        left: Option<Duration>,
    },
    /// Nothing has happened for a while.
    Still {
        /// Since when: the last progress, or the start of the phase without any, or the start of
        /// the wait.
        time: Duration,
        /// The thing that it waits for, if known.
        what: Option<String>,
    },
}

#[cfg(test)]
impl Pace {
    pub(super) fn still(seconds: u64, what: Option<&str>) -> Self {
        Self::Still {
            time: Duration::from_secs(seconds),
            what: what.map(str::to_owned),
        }
    }
}

impl Status {
    /// Whether anything was counted; some phases have nothing to count.
    pub(super) fn counts(&self) -> bool {
        self.total.is_some() || self.done != Amount::default()
    }

    /// Whether everything that is counted is done. The phase may still have to end.
    pub(super) fn is_complete(&self) -> bool {
        self.total
            .is_some_and(|total| self.done.bytes >= total.bytes)
    }

    /// The percentage of bytes done, rounded down: it is 100 only at the end.
    pub(super) fn percent(&self) -> u64 {
        let total = self.total.unwrap_or_default().bytes;
        let done = u128::from(self.done.bytes.min(total)) * 100;
        done.checked_div(total.into())
            .map_or(100, |percent| u64::try_from(percent).unwrap_or(100))
    }
}

/// A wait.
#[derive(Debug)]
pub(super) struct Wait {
    /// Identifies it when it ends.
    pub(super) number: u64,
    pub(super) what: String,
    pub(super) since: Instant,
}

/// The current phase.
#[derive(Debug)]
pub(super) struct Tracker {
    phase: Phase,
    begun: Instant,
    total: Option<Amount>,
    seen: Amount,
    /// The time of the last event, since the beginning.
    moved: Duration,
    rate: Rate,
}

impl Tracker {
    pub(super) fn begin(phase: Phase, now: Instant) -> Self {
        Self {
            phase,
            begun: now,
            total: None,
            seen: Amount::default(),
            moved: Duration::ZERO,
            rate: Rate::default(),
        }
    }

    pub(super) fn set_total(&mut self, total: Amount) {
        self.total = Some(total);
    }

    /// Something happened that is not counted.
    pub(super) fn touch(&mut self, now: Instant) {
        self.moved = now - self.begun;
    }

    /// The current state. `wait` is the longest current wait.
    pub(super) fn status(&mut self, now: Instant, done: Amount, wait: Option<&Wait>) -> Status {
        let elapsed = now - self.begun;
        if done != self.seen {
            (self.seen, self.moved) = (done, elapsed);
        }
        self.rate.note(elapsed, done.bytes);
        let left = |total: Amount| self.rate.left(elapsed, total.bytes);
        let mut status = Status {
            phase: self.phase,
            elapsed,
            done,
            total: self.total,
            per_second: self.rate.per_second(),
            pace: Pace::Moving {
                left: self.total.and_then(left),
            },
        };
        if elapsed.saturating_sub(self.moved) >= self.patience(&status, wait) {
            status.pace = self.stillness(now, wait);
        }
        status
    }

    fn stillness(&self, now: Instant, wait: Option<&Wait>) -> Pace {
        let elapsed = now - self.begun;
        let time = match wait {
            Some(wait) => now - wait.since,
            None if self.seen == Amount::default() => elapsed,
            None => elapsed.saturating_sub(self.moved),
        };
        let what = wait.map(|wait| wait.what.clone());
        Pace::Still { time, what }
    }

    /// Bytes come in portions, so a few seconds without any may mean nothing.
    fn patience(&self, status: &Status, wait: Option<&Wait>) -> Duration {
        let flows = status.done.bytes > 0 && !status.is_complete() && wait.is_none();
        if flows { self.rate.patience() } else { MOMENT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTAL: Amount = Amount {
        bytes: 1000,
        paths: 10,
    };

    /// The pace of a phase that is looked at ten times a second. `done` returns the progress after
    /// a number of seconds; a wait begins at the given second.
    fn pace(seconds: u64, total: Option<Amount>, done: fn(u64) -> u64, wait: Option<u64>) -> Pace {
        let begun = Instant::now();
        let mut tracker = Tracker::begin(Phase::Import, begun);
        if let Some(total) = total {
            tracker.set_total(total);
        }
        let wait = wait.map(|second| Wait {
            number: 0,
            what: "a lock".to_owned(),
            since: begun + Duration::from_secs(second),
        });
        let mut at = |tenth: u64| {
            let (now, bytes) = (begun + Duration::from_millis(tenth * 100), done(tenth / 10));
            let wait = wait.as_ref().filter(|wait| wait.since <= now);
            let paths = bytes / 100;
            tracker.status(now, Amount { bytes, paths }, wait).pace
        };
        (0..=seconds * 10).map(&mut at).last().unwrap()
    }

    #[test]
    fn a_phase_that_counts_nothing_is_still_since_its_beginning() {
        assert_eq!(pace(0, None, |_| 0, None), Pace::Moving { left: None });
        assert_eq!(pace(80, None, |_| 0, None), Pace::still(80, None));
        assert_eq!(pace(7, Some(TOTAL), |_| 0, None), Pace::still(7, None));
    }

    #[test]
    fn what_flows_may_pause_for_a_moment() {
        let pauses = |second: u64| second.min(6) * 50;
        let left = Some(Duration::from_secs(14));
        assert_eq!(pace(6, Some(TOTAL), pauses, None), Pace::Moving { left });
        assert!(matches!(
            pace(9, Some(TOTAL), pauses, None),
            Pace::Moving { left: Some(_) }
        ));
        assert_eq!(pace(12, Some(TOTAL), pauses, None), Pace::still(6, None));
    }

    #[test]
    fn what_is_complete_but_not_over_is_still() {
        let complete = |second: u64| second.min(5) * 200;
        assert_eq!(pace(7, Some(TOTAL), complete, None), Pace::still(2, None));
    }

    #[test]
    fn what_is_waited_for_is_named_once_nothing_moves() {
        let stops = |second: u64| second.min(6) * 50;
        let flows = |second: u64| second * 50;
        assert_eq!(
            pace(9, Some(TOTAL), stops, Some(5)),
            Pace::still(4, Some("a lock"))
        );
        assert!(matches!(
            pace(9, Some(TOTAL), flows, Some(5)),
            Pace::Moving { .. }
        ));
        assert_eq!(
            pace(3, None, |_| 0, Some(0)),
            Pace::still(3, Some("a lock"))
        );
    }

    #[test]
    fn percent_is_rounded_down_and_never_above_100() {
        let percent = |bytes, total| {
            let mut tracker = Tracker::begin(Phase::Pack, Instant::now());
            let amount = |bytes| Amount { bytes, paths: 0 };
            tracker.set_total(amount(total));
            let status = tracker.status(Instant::now(), amount(bytes), None);
            status.percent()
        };
        assert_eq!(percent(999, 1000), 99);
        assert_eq!(percent(1001, 1000), 100);
        assert_eq!(percent(u64::MAX, u64::MAX), 100);
        assert_eq!(percent(0, 0), 100);
    }
}
