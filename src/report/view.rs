//! The interface of all displays.

use std::time::Duration;

use super::event::Phase;
use super::print::{Failure, Tone};
use super::status::Status;

/// One way to display a report. Only one thread calls it at a time.
pub(super) trait View: std::fmt::Debug + Send {
    /// The time between two ticks.
    fn interval(&self) -> Duration;

    /// A phase begins.
    fn begin(&mut self, phase: Phase);

    /// The current state of the phase. Also called while nothing happens.
    fn tick(&mut self, status: &Status);

    /// The phase is over. Nothing of it may disturb later output.
    fn end(&mut self, status: &Status);

    /// Whether Nix's own log goes through it, not straight to stderr.
    fn takes_log(&self) -> bool;

    /// A line of Nix's own log.
    fn log(&mut self, line: &str);

    /// A note or a warning for the user.
    fn say(&mut self, tone: Tone, text: &str);

    /// Runs `work` with the terminal free.
    fn pause(&mut self, work: &mut dyn FnMut()) {
        work();
    }

    /// The command failed; `failure` is the last thing to display.
    fn fail(&mut self, failure: &Failure<'_>);

    /// The terminal is left to others; `done` if everything is done.
    fn leave(&mut self, done: bool);
}
