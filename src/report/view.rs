//! What every way to show a report can do.

use std::time::Duration;

use super::event::Phase;
use super::print::{Failure, Tone};
use super::status::Status;

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
