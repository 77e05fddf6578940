//! One line at the bottom of a terminal, redrawn in place.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::event::Phase;
use super::lines::{self, Lines};
use super::print::{Failure, Tone, print, print_failure, print_said};
use super::status::{Pace, Status};
use super::terminal::{self, Terminal};
use super::view::View;
use super::words::{count, duration, human, time_left};
use crate::text::printable;

/// The time between two redraws: smooth, and cheap.
const INTERVAL: Duration = Duration::from_millis(200);

/// The line.
#[derive(Debug)]
pub(super) struct Bar {
    bar: ProgressBar,
    /// Nix uses the terminal for its log, which a moving line would disturb: then a plain line
    /// appears now and then.
    instead: Option<Lines>,
}

impl Bar {
    pub(super) fn new() -> Self {
        let target = ProgressDrawTarget::term_like(Box::new(Terminal::default()));
        let bar = ProgressBar::with_draw_target(None, target);
        // The line is cut off at the end of the terminal: a wrapped one cannot be redrawn in place.
        let style = ProgressStyle::with_template("{wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.finish_and_clear();
        Self { bar, instead: None }
    }

    fn show(&self, line: String) {
        self.bar.set_message(line);
    }

    fn hide(&self) {
        self.bar.finish_and_clear();
    }
}

impl View for Bar {
    fn interval(&self) -> Duration {
        INTERVAL
    }

    fn begin(&mut self, phase: Phase) {
        if phase == Phase::Build {
            self.instead = Some(Lines::default());
            return;
        }
        self.instead = None;
        self.show(format!("{} …", phase.doing()));
        self.bar.reset();
    }

    fn tick(&mut self, status: &Status) {
        match &mut self.instead {
            None => self.show(line(status, terminal::columns())),
            Some(lines) => {
                if let Some(line) = lines.due(status) {
                    print(&format!("{line}\n"));
                }
            }
        }
    }

    fn end(&mut self, _status: &Status) {
        self.hide();
    }

    fn takes_log(&self) -> bool {
        false
    }

    fn log(&mut self, line: &str) {
        self.bar
            .suspend(|| print(&format!("{}\n", printable(line))));
    }

    fn say(&mut self, tone: Tone, text: &str) {
        self.bar.suspend(|| print_said(tone, text));
    }

    fn pause(&mut self, work: &mut dyn FnMut()) {
        self.bar.suspend(work);
    }

    fn fail(&mut self, failure: &Failure<'_>) {
        self.hide();
        print_failure(failure);
    }

    fn leave(&mut self, _done: bool) {
        self.hide();
    }
}

/// How much of a line fits. It stays the same while the numbers change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    /// A bar, bytes and paths.
    Wide,
    /// A short bar, and bytes.
    Usual,
    /// Percent.
    Narrow,
}

impl Width {
    fn of(columns: u16) -> Self {
        match columns {
            100.. => Self::Wide,
            80.. => Self::Usual,
            _ => Self::Narrow,
        }
    }
}

/// A phase as one line.
fn line(status: &Status, columns: u16) -> String {
    let width = Width::of(columns);
    let doing = status.phase.doing();
    let pace = pace(status, width);
    if status.total.is_none() {
        let counted = match status.done.paths {
            0 => String::new(),
            paths => format!(" {}", count(paths, "path")),
        };
        return format!("{doing} …{counted}{pace}");
    }
    format!("{doing} {}{pace}", counted(status, width))
}

fn counted(status: &Status, width: Width) -> String {
    let (done, total) = (status.done, status.total.unwrap_or_default());
    let bytes = format!("{}/{}", human(done.bytes), human(total.bytes));
    match width {
        Width::Wide => {
            let paths = match total.paths {
                0 => String::new(),
                paths => format!(", {}/{}", done.paths, count(paths, "path")),
            };
            format!("[{}] {bytes}{paths}", bar(status.percent(), 20))
        }
        Width::Usual => format!("[{}] {bytes}", bar(status.percent(), 12)),
        Width::Narrow => format!("{}%", status.percent()),
    }
}

/// `=====>    `, this many columns wide.
fn bar(percent: u64, columns: usize) -> String {
    let done = usize::try_from(percent).unwrap_or(100).min(100) * columns / 100;
    let tip = if done < columns { ">" } else { "" };
    let text = "=".repeat(done) + tip;
    format!("{text:columns$}")
}

/// The speed and the time left, or the reason why nothing moves. What changes comes first where the
/// end of the line may be cut off: the time.
fn pace(status: &Status, width: Width) -> String {
    match &status.pace {
        Pace::Moving { left } => {
            let left = left.map(|left| format!("{} left", time_left(left)));
            let mut parts = [lines::rate(status), left];
            if width == Width::Narrow {
                parts.reverse();
            }
            let parts = parts.into_iter().flatten();
            parts.map(|part| format!(", {part}")).collect()
        }
        Pace::Still { time, what: None } if !status.counts() => format!(" {}", duration(*time)),
        Pace::Still { time, what } => {
            let why = lines::stillness(status, what.as_deref());
            format!(" ({}), {why}", duration(*time))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::status::Amount;
    use super::*;

    const MIB: u64 = 1 << 20;

    fn packing(bytes: u64, pace: Pace) -> Status {
        Status {
            phase: Phase::Pack,
            elapsed: Duration::from_secs(10),
            done: Amount { bytes, paths: 45 },
            total: Some(Amount {
                bytes: 1500 * MIB,
                paths: 195,
            }),
            per_second: Some(210 * MIB),
            pace,
        }
    }

    #[test]
    fn a_line_says_as_much_as_fits() {
        let left = Some(Duration::from_secs(75));
        let status = packing(600 * MIB, Pace::Moving { left });
        assert_eq!(
            [100, 80, 40].map(|columns| line(&status, columns)),
            [
                "packing [========>           ] 600.00 MiB/1.46 GiB, 45/195 paths, 210.00 MiB/s, 1m 20s left",
                "packing [====>       ] 600.00 MiB/1.46 GiB, 210.00 MiB/s, 1m 20s left",
                "packing 40%, 1m 20s left, 210.00 MiB/s",
            ]
        );
    }

    #[test]
    fn what_stands_still_says_for_how_long() {
        let said = |bytes, pace| line(&packing(bytes, pace), 40);
        assert_eq!(
            said(0, Pace::still(2, Some("a lock"))),
            "packing 0% (2s), waiting for a lock"
        );
        assert_eq!(
            said(600 * MIB, Pace::still(12, None)),
            "packing 40% (12s), nothing new"
        );
        assert_eq!(
            said(1500 * MIB, Pace::still(2, None)),
            "packing 100% (2s), finishing"
        );
    }

    #[test]
    fn what_counts_nothing_says_how_long_it_takes() {
        let said = |paths, pace| {
            let status = Status {
                phase: Phase::Query,
                done: Amount { bytes: 0, paths },
                total: None,
                ..packing(0, pace)
            };
            line(&status, 80)
        };
        let moving = Pace::Moving { left: None };
        assert_eq!(said(0, moving.clone()), "listing the closure …");
        assert_eq!(said(1, moving.clone()), "listing the closure … 1 path");
        assert_eq!(said(7, moving), "listing the closure … 7 paths");
        assert_eq!(
            said(0, Pace::still(80, None)),
            "listing the closure … 1m 20s"
        );
        assert_eq!(
            said(7, Pace::still(2, None)),
            "listing the closure … 7 paths (2s), nothing new"
        );
        assert_eq!(
            said(0, Pace::still(2, Some("a lock"))),
            "listing the closure … (2s), waiting for a lock"
        );
    }

    #[test]
    fn a_bar_has_its_width() {
        assert_eq!(
            [0, 9, 10, 99, 100].map(|percent| bar(percent, 10)),
            [
                ">         ",
                ">         ",
                "=>        ",
                "=========>",
                "=========="
            ]
        );
    }
}
