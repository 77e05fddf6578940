//! How a report can be shown, and what all ways have in common.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use super::event::{Phase, Progress};
use super::status::Status;
use super::words::{printable, printable_line};
use super::{bar::Bar, json::Json, lines::Lines};
use crate::error::Error;

/// One way to show a report. Only one thread calls it at a time.
pub(super) trait View: std::fmt::Debug + Send {
    /// The time between two ticks.
    fn interval(&self) -> Duration;

    /// A phase begins.
    fn begin(&mut self, phase: Phase);

    /// This is where the phase is now. Also called where nothing happens at all.
    fn tick(&mut self, status: &Status);

    /// The phase is over; nothing of it may stay in the way of what is printed next.
    fn end(&mut self, status: &Status);

    /// Whether Nix's own log goes through it, rather than straight to stderr.
    fn takes_log(&self) -> bool;

    /// A line of Nix's own log.
    fn log(&mut self, line: &str);

    /// Something for the user to know.
    fn say(&mut self, tone: Tone, text: &str);

    /// Does something on the terminal, where nothing may be in the way.
    fn pause(&mut self, work: &mut dyn FnMut()) {
        work();
    }

    /// It failed; `failure` is the last that is said.
    fn fail(&mut self, failure: &Failure<'_>);

    /// The terminal is left to others; `done` where that is because everything is done.
    fn leave(&mut self, done: bool);
}

/// How grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Note,
    Warning,
}

/// Why it failed.
#[derive(Debug)]
pub(super) struct Failure<'a> {
    pub(super) error: &'a Error,
    pub(super) hint: Option<&'a str>,
    pub(super) exit_code: u8,
}

impl Failure<'_> {
    /// What caused it, the nearest cause first.
    pub(super) fn causes(&self) -> impl Iterator<Item = String> {
        let first = std::error::Error::source(self.error);
        std::iter::successors(first, |cause| cause.source()).map(ToString::to_string)
    }
}

/// The view that was asked for.
pub(super) fn choose(progress: Progress) -> Box<dyn View> {
    // What cannot move its cursor cannot show a bar.
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    let is_terminal = std::io::stderr().is_terminal() && !is_dumb;
    match progress {
        Progress::Json => Box::new(Json::default()),
        Progress::Always => Box::new(Bar::new()),
        Progress::Auto if is_terminal => Box::new(Bar::new()),
        Progress::Auto | Progress::Never => Box::new(Lines::default()),
    }
}

/// Prints to stderr, with colours where they are wanted. Whoever reads it may stop reading:
/// that is no failure.
pub(super) fn print(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Prints something for the user to know.
pub(super) fn print_said(tone: Tone, text: &str) {
    let text = printable(text);
    let colour = anstyle::AnsiColor::Yellow.on_default().bold();
    match tone {
        Tone::Note => print(&format!("{text}\n")),
        Tone::Warning => print(&format!("{colour}warning: {colour:#}{text}\n")),
    }
}

/// Prints why it failed, and what to type next.
pub(super) fn print_failure(failure: &Failure<'_>) {
    let red = anstyle::AnsiColor::Red.on_default().bold();
    let bold = anstyle::Style::new().bold();
    let message = printable(&failure.error.to_string());
    let mut text = format!("{red}error:{red:#} {message}\n");
    for cause in failure.causes() {
        text.push_str(&format!(
            "{bold}caused by:{bold:#} {}\n",
            printable_line(&cause)
        ));
    }
    if let Some(hint) = failure.hint {
        text.push_str(&format!("\n{bold}hint:{bold:#} {}\n", printable(hint)));
    }
    print(&text);
}
