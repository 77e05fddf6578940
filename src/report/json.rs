//! One JSON object per line, for a program that drives shellpack. `docs/reference/progress.md`
//! documents them; names and meanings stay.

use std::io::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::event::Phase;
use super::print::{Failure, Tone};
use super::status::{Amount, Pace, Status};
use super::view::View;
use crate::text::printable_json;

/// The shortest time between two lines. The end of a phase always has one.
const INTERVAL: Duration = Duration::from_millis(500);

/// Writes the lines.
#[derive(Debug, Default)]
pub(super) struct Json {
    /// The last line about the phase.
    reported: Option<Reported>,
    /// The stream has ended, and other output on stderr is not ours. Only an error is still
    /// written.
    over: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Reported {
    Progress(Amount, Option<Amount>),
    Waiting(u64),
}

#[derive(Debug, Serialize)]
#[serde(
    tag = "event",
    rename_all_fields = "kebab-case",
    rename_all = "kebab-case"
)]
enum Line<'a> {
    Phase {
        phase: &'static str,
    },
    Progress {
        phase: &'static str,
        bytes: u64,
        total_bytes: Option<u64>,
        paths: u64,
        total_paths: Option<u64>,
        bytes_per_second: Option<u64>,
        seconds_left: Option<u64>,
    },
    Waiting {
        phase: &'static str,
        seconds: u64,
        waiting_for: Option<&'a str>,
    },
    Log {
        line: &'a str,
    },
    Note {
        message: &'a str,
    },
    Warning {
        message: &'a str,
    },
    Error {
        message: String,
        causes: Vec<String>,
        hint: Option<String>,
        exit_code: u8,
    },
    Done,
}

impl Json {
    fn write(&self, line: &Line<'_>) {
        if !self.over {
            write(line);
        }
    }

    /// Reports a phase that is not over, unless nothing has changed.
    fn news<'a>(&mut self, status: &'a Status) -> Option<Line<'a>> {
        let (reported, line) = match &status.pace {
            Pace::Moving { .. } if !status.counts() => return None,
            Pace::Moving { .. } => (
                Reported::Progress(status.done, status.total),
                progress(status),
            ),
            Pace::Still { time, what } => {
                let seconds = time.as_secs();
                let line = Line::Waiting {
                    phase: status.phase.name(),
                    seconds,
                    waiting_for: what.as_deref(),
                };
                (Reported::Waiting(seconds), line)
            }
        };
        (self.reported.replace(reported) != self.reported).then_some(line)
    }
}

impl View for Json {
    fn interval(&self) -> Duration {
        INTERVAL
    }

    fn begin(&mut self, phase: Phase) {
        self.reported = None;
        let phase = phase.name();
        self.write(&Line::Phase { phase });
    }

    fn tick(&mut self, status: &Status) {
        if let Some(line) = self.news(status) {
            self.write(&line);
        }
    }

    fn end(&mut self, status: &Status) {
        if status.counts() {
            self.write(&progress(status));
        }
    }

    fn takes_log(&self) -> bool {
        true
    }

    fn log(&mut self, line: &str) {
        self.write(&Line::Log { line });
    }

    fn say(&mut self, tone: Tone, message: &str) {
        self.write(&match tone {
            Tone::Note | Tone::Summary => Line::Note { message },
            Tone::Warning => Line::Warning { message },
        });
    }

    fn fail(&mut self, failure: &Failure<'_>) {
        write(&error_line(failure));
        self.over = true;
    }

    fn leave(&mut self, done: bool) {
        if done {
            self.write(&Line::Done);
        }
        self.over = true;
    }
}

fn progress(status: &Status) -> Line<'static> {
    let left = match status.pace {
        Pace::Moving { left } => left,
        Pace::Still { .. } => None,
    };
    Line::Progress {
        phase: status.phase.name(),
        bytes: status.done.bytes,
        total_bytes: status.total.map(|total| total.bytes),
        paths: status.done.paths,
        total_paths: status.total.map(|total| total.paths),
        bytes_per_second: status.per_second,
        seconds_left: left.map(|left| left.as_secs()),
    }
}

fn error_line(failure: &Failure<'_>) -> Line<'static> {
    Line::Error {
        message: failure.message(),
        causes: failure.causes().collect(),
        hint: failure.hint(),
        exit_code: failure.exit_code,
    }
}

/// Writes in one piece: other processes may write to the same pipe.
fn write(line: &Line<'_>) {
    // The reader may stop reading, which is not an error.
    let _ = std::io::stderr().write_all(text(line).as_bytes());
}

fn text(line: &Line<'_>) -> String {
    // JSON can express these numbers and strings.
    let json = serde_json::to_string(line).unwrap_or_default();
    printable_json(&json) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn packing(pace: Pace) -> Status {
        Status {
            phase: Phase::Pack,
            elapsed: Duration::from_secs(9),
            done: Amount {
                bytes: 300,
                paths: 4,
            },
            total: Some(Amount {
                bytes: 1000,
                paths: 10,
            }),
            per_second: Some(100),
            pace,
        }
    }

    fn moving() -> Pace {
        let left = Some(Duration::from_millis(7900));
        Pace::Moving { left }
    }

    #[test]
    fn lines_are_as_documented() {
        let status = packing(moving());
        let waiting = packing(Pace::still(12, Some("a \"lock\"")));
        let unknown = Status {
            total: None,
            per_second: None,
            ..packing(Pace::Moving { left: None })
        };
        let mut json = Json::default();
        assert_eq!(
            [
                text(&Line::Phase { phase: "pack" }),
                text(&json.news(&status).unwrap()),
                text(&json.news(&waiting).unwrap()),
                text(&json.news(&unknown).unwrap()),
                text(&Line::Log { line: "a\tb" }),
                text(&Line::Note { message: "a\nb" }),
                text(&Line::Warning { message: "c" }),
                text(&Line::Done),
            ]
            .concat(),
            r#"{"event":"phase","phase":"pack"}
{"event":"progress","phase":"pack","bytes":300,"total-bytes":1000,"paths":4,"total-paths":10,"bytes-per-second":100,"seconds-left":7}
{"event":"waiting","phase":"pack","seconds":12,"waiting-for":"a \"lock\""}
{"event":"progress","phase":"pack","bytes":300,"total-bytes":null,"paths":4,"total-paths":null,"bytes-per-second":null,"seconds-left":null}
{"event":"log","line":"a\tb"}
{"event":"note","message":"a\nb"}
{"event":"warning","message":"c"}
{"event":"done"}
"#
        );
    }

    #[test]
    fn an_error_has_causes_hint_and_exit_code() {
        let cause = std::io::Error::from_raw_os_error(2);
        let failure = |error: Error, hint| {
            let failure = Failure {
                error: &error,
                hint,
                exit_code: 1,
            };
            text(&error_line(&failure))
        };
        assert_eq!(
            failure(Error::io("read", "x")(cause), None),
            r#"{"event":"error","message":"could not read x","causes":["No such file or directory (os error 2)"],"hint":null,"exit-code":1}
"#
        );
        assert_eq!(
            failure(Error::BadName("a".to_owned()), Some("choose another")),
            r#"{"event":"error","message":"could not use the name: a","causes":[],"hint":"choose another","exit-code":1}
"#
        );
    }

    #[test]
    fn nothing_in_a_line_can_play_with_a_terminal() {
        let line = "\u{1b}[2J\u{9b}\u{202e}\r";
        assert_eq!(
            text(&Line::Log { line }),
            "{\"event\":\"log\",\"line\":\"\\u001b[2J\\u009b\\u202e\\r\"}\n"
        );
    }

    #[test]
    fn nothing_is_said_twice() {
        let mut json = Json::default();
        let mut is_news = |pace| json.news(&packing(pace)).is_some();
        let said = [
            moving(),
            moving(),
            Pace::still(5, None),
            Pace::still(5, None),
            Pace::still(6, None),
        ];
        assert_eq!(said.map(&mut is_news), [true, false, true, false, true]);
    }
}
