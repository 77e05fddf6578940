//! Plain lines, one after the other: for logs, and wherever there is no place for a bar.

use std::time::Duration;

use super::event::Phase;
use super::print::{Failure, Tone, print, print_failure, print_said};
use super::status::{Amount, Pace, Status};
use super::view::View;
use super::words::{count, duration, human, time_left};
use crate::text::{printable, printable_line};

/// The time between two looks at the clock.
const INTERVAL: Duration = Duration::from_millis(500);
/// The time between two lines: short enough to show life, and long enough for a log of hours to be
/// readable.
const SHORTEST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Plain lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The time of the last line, since the phase began.
    last: Duration,
    /// Whether another line was printed since the last look.
    spoken: bool,
}

impl Lines {
    /// The next line, if it is due.
    pub(super) fn due(&mut self, status: &Status) -> Option<String> {
        if std::mem::take(&mut self.spoken) {
            self.last = status.elapsed;
        }
        let pause = status.elapsed.saturating_sub(self.last);
        if pause < pause_after(self.last, &status.pace) {
            return None;
        }
        let line = line(status)?;
        self.last = status.elapsed;
        Some(line)
    }

    /// Another phase begins.
    pub(super) fn restart(&mut self) {
        *self = Self::default();
    }
}

impl View for Lines {
    fn interval(&self) -> Duration {
        INTERVAL
    }

    fn begin(&mut self, phase: Phase) {
        self.restart();
        if !phase.is_brief() {
            print(&format!("{} …\n", phase.doing()));
        }
    }

    fn tick(&mut self, status: &Status) {
        if let Some(line) = self.due(status) {
            print(&format!("{line}\n"));
        }
    }

    fn end(&mut self, _status: &Status) {}

    fn takes_log(&self) -> bool {
        true
    }

    fn log(&mut self, line: &str) {
        self.spoken = true;
        print(&format!("{}\n", printable(line)));
    }

    fn say(&mut self, tone: Tone, text: &str) {
        print_said(tone, text);
    }

    fn fail(&mut self, failure: &Failure<'_>) {
        print_failure(failure);
    }

    fn leave(&mut self, _done: bool) {}
}

/// Progress is more interesting than a standstill, which is mentioned again only when its time has
/// doubled.
fn pause_after(last: Duration, pace: &Pace) -> Duration {
    let pause = match pace {
        Pace::Moving { .. } => last / 10,
        Pace::Still { .. } => last,
    };
    pause.clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

/// A phase as one line; `None` if it moves and there is nothing to count.
fn line(status: &Status) -> Option<String> {
    let doing = status.phase.doing();
    let counted = counted(status);
    match &status.pace {
        Pace::Moving { .. } if !status.counts() => None,
        Pace::Moving { left } => {
            let mut parts = vec![format!("{doing} {counted}")];
            parts.extend(rate(status));
            parts.extend(left.map(|left| format!("about {} left", time_left(left))));
            Some(parts.join(", "))
        }
        Pace::Still { time, what } => {
            let still = match (status.counts(), what) {
                (false, None) => return Some(format!("still {doing} ({})", duration(*time))),
                (false, Some(_)) => format!("still {doing}: "),
                (true, _) => format!("still {doing} {counted}, "),
            };
            let why = stillness(status, what.as_deref());
            Some(format!("{still}{why} ({})", duration(*time)))
        }
    }
}

/// The progress of a phase.
fn counted(status: &Status) -> String {
    let done = status.done;
    match status.total {
        Some(total) => {
            let paths = match total.paths {
                0 => String::new(),
                paths => format!(", {} of {}", done.paths, count(paths, "path")),
            };
            let (done, percent) = (human(done.bytes), status.percent());
            format!("{done} of {} ({percent}%){paths}", human(total.bytes))
        }
        None => format!("({} so far)", count(done.paths, "path")),
    }
}

/// The speed.
pub(super) fn rate(status: &Status) -> Option<String> {
    let per_second = status.per_second.filter(|_| status.total.is_some())?;
    Some(format!("{}/s", human(per_second)))
}

/// The reason for a standstill.
pub(super) fn stillness(status: &Status, what: Option<&str>) -> String {
    match what {
        Some(what) => format!("waiting for {}", printable_line(what)),
        None if status.is_complete() => "finishing".to_owned(),
        None if status.done == Amount::default() => "nothing yet".to_owned(),
        None => "nothing new".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn status(phase: Phase, seconds: u64, pace: Pace) -> Status {
        Status {
            phase,
            elapsed: Duration::from_secs(seconds),
            done: Amount::default(),
            total: None,
            per_second: None,
            pace,
        }
    }

    fn packing(bytes: u64, pace: Pace) -> Status {
        Status {
            done: Amount { bytes, paths: 45 },
            total: Some(Amount {
                bytes: 1500 * MIB,
                paths: 195,
            }),
            per_second: Some(210 * MIB),
            ..status(Phase::Pack, 10, pace)
        }
    }

    #[test]
    fn what_gets_on_says_how_far_and_how_fast() {
        let left = Some(Duration::from_secs(75));
        assert_eq!(
            line(&packing(300 * MIB, Pace::Moving { left })).unwrap(),
            "packing 300.00 MiB of 1.46 GiB (20%), 45 of 195 paths, 210.00 MiB/s, about 1m 20s left"
        );
    }

    #[test]
    fn what_stands_still_says_why_and_for_how_long() {
        let said = |status: &Status| line(status).unwrap();
        assert_eq!(
            said(&status(Phase::Build, 80, Pace::still(80, None))),
            "still building (1m 20s)"
        );
        assert_eq!(
            said(&status(Phase::Sync, 9, Pace::still(9, Some("the disk")))),
            "still syncing to disk: waiting for the disk (9s)"
        );
        let counted = "still packing 300.00 MiB of 1.46 GiB (20%), 45 of 195 paths";
        assert_eq!(
            said(&packing(300 * MIB, Pace::still(12, None))),
            format!("{counted}, nothing new (12s)")
        );
        assert_eq!(
            said(&packing(300 * MIB, Pace::still(12, Some("a\nlock")))),
            format!("{counted}, waiting for a\\nlock (12s)")
        );
        let beginning = Status {
            done: Amount::default(),
            ..packing(0, Pace::still(2, None))
        };
        assert_eq!(
            said(&beginning),
            "still packing 0 B of 1.46 GiB (0%), 0 of 195 paths, nothing yet (2s)"
        );
        assert_eq!(
            said(&packing(1500 * MIB, Pace::still(12, None))),
            "still packing 1.46 GiB of 1.46 GiB (100%), 45 of 195 paths, finishing (12s)"
        );
    }

    /// The seconds at which a line is printed, with one look each second.
    fn seconds(pace: fn(u64) -> Pace, spoken: &[u64]) -> Vec<u64> {
        let mut lines = Lines::default();
        let mut is_due = |second: &u64| {
            lines.spoken = spoken.contains(second);
            let status = Status {
                pace: pace(*second),
                ..packing(0, Pace::still(0, None))
            };
            let elapsed = Duration::from_secs(*second);
            lines.due(&Status { elapsed, ..status }).is_some()
        };
        (0..200).filter(&mut is_due).collect()
    }

    #[test]
    fn there_is_a_line_every_few_seconds_and_fewer_later() {
        let moving = seconds(|_| Pace::Moving { left: None }, &[]);
        assert_eq!(moving[..10], [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]);
        assert_eq!(moving[20..], [152, 168, 185]);
        let silent = seconds(|second| Pace::still(second, None), &[]);
        assert_eq!(silent, [5, 10, 20, 40, 80, 140]);
    }

    #[test]
    fn there_is_none_while_others_speak() {
        let silent = seconds(|second| Pace::still(second, None), &[3, 7, 11, 100]);
        assert_eq!(silent, [22, 44, 88, 160]);
    }
}
