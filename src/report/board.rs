//! The numbers that the engine's threads write and the display thread reads.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::bar::Bar;
use super::event::{Phase, Progress};
use super::json::Json;
use super::lines::Lines;
use super::print::{Failure, Tone};
use super::status::{Amount, Status, Tracker, Wait};
use super::view::View;

/// Numbers that any thread may add to, and their display.
#[derive(Debug)]
pub(super) struct Board {
    /// The progress of the current phase.
    bytes: AtomicU64,
    paths: AtomicU64,
    /// Whether bytes are counted only where they are read.
    is_metered: AtomicBool,
    shown: Mutex<Shown>,
    /// Signals the end.
    over: Condvar,
}

/// Counts the bytes of a bundle as they are read, for the current phase.
#[derive(Debug, Clone)]
pub struct Meter(pub(super) Arc<Board>);

impl Meter {
    /// Adds this many bytes.
    pub fn count(&self, bytes: u64) {
        self.0.add_bytes(bytes);
    }
}

#[derive(Debug)]
struct Shown {
    view: Box<dyn View>,
    phase: Option<Tracker>,
    /// The current waits, the oldest first, and the number of all waits so far.
    waits: Vec<Wait>,
    waited: u64,
    /// Whether the terminal belongs to others.
    over: bool,
}

impl Board {
    /// A board with the display that the user asked for.
    pub(super) fn new(progress: Progress) -> Self {
        let shown = Shown {
            view: choose(progress),
            phase: None,
            waits: Vec::new(),
            waited: 0,
            over: false,
        };
        Self {
            bytes: AtomicU64::new(0),
            paths: AtomicU64::new(0),
            is_metered: AtomicBool::new(false),
            shown: Mutex::new(shown),
            over: Condvar::new(),
        }
    }

    fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Adds processed bytes.
    pub(super) fn advance(&self, bytes: u64) {
        if !self.is_metered.load(Ordering::Relaxed) {
            self.add_bytes(bytes);
        }
    }

    pub(super) fn add_path(&self) {
        self.paths.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn begin(&self, phase: Phase) {
        let mut shown = self.lock();
        if shown.over {
            return;
        }
        shown.end_phase(self.done());
        self.bytes.store(0, Ordering::Relaxed);
        self.paths.store(0, Ordering::Relaxed);
        self.is_metered.store(false, Ordering::Relaxed);
        shown.phase = Some(Tracker::begin(phase, Instant::now()));
        shown.view.begin(phase);
    }

    pub(super) fn set_total(&self, total: Amount) {
        // Nothing to do has no size, and takes no time.
        if let Some(phase) = &mut self.lock().phase
            && total != Amount::default()
        {
            phase.set_total(total);
        }
    }

    /// Sets the total of bytes that are counted where they are read.
    pub(super) fn set_total_read(&self, total: Amount) {
        self.is_metered.store(true, Ordering::Relaxed);
        self.set_total(total);
    }

    pub(super) fn end_phase(&self) {
        self.lock().end_phase(self.done());
    }

    pub(super) fn takes_log(&self) -> bool {
        self.lock().view.takes_log()
    }

    pub(super) fn log(&self, line: &str) {
        let mut shown = self.lock();
        if let Some(phase) = &mut shown.phase {
            phase.touch(Instant::now());
        }
        shown.view.log(line);
    }

    pub(super) fn say(&self, tone: Tone, text: &str) {
        self.lock().view.say(tone, text);
    }

    pub(super) fn leave(&self, done: bool) {
        self.lock().view.leave(done);
    }

    /// The phase was not completed, so it is not ended.
    pub(super) fn fail(&self, failure: &Failure<'_>) {
        let mut shown = self.lock();
        shown.phase = None;
        shown.view.fail(failure);
    }

    pub(super) fn wait(&self, what: &str) -> Waiting<'_> {
        let mut shown = self.lock();
        shown.waited += 1;
        let number = shown.waited;
        shown.waits.push(Wait {
            number,
            what: what.to_owned(),
            since: Instant::now(),
        });
        Waiting {
            board: self,
            number,
        }
    }

    /// Runs `work` while nothing else is displayed on the terminal.
    pub(super) fn pause(&self, mut work: impl FnMut()) {
        self.lock().view.pause(&mut work);
    }

    /// From here on, no phase is displayed.
    pub(super) fn close(&self) {
        self.lock().over = true;
        self.over.notify_all();
    }

    /// Displays the phase now and then, until the end.
    pub(super) fn show_until_over(&self) {
        let mut shown = self.lock();
        while !shown.over {
            let pause = shown.view.interval();
            let woken = self.over.wait_timeout(shown, pause);
            shown = woken.unwrap_or_else(PoisonError::into_inner).0;
            if !shown.over
                && let Some(status) = shown.status(self.done())
            {
                shown.view.tick(&status);
            }
        }
    }

    fn done(&self) -> Amount {
        Amount {
            bytes: self.bytes.load(Ordering::Relaxed),
            paths: self.paths.load(Ordering::Relaxed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    fn status(&mut self, done: Amount) -> Option<Status> {
        let phase = self.phase.as_mut()?;
        Some(phase.status(Instant::now(), done, self.waits.first()))
    }

    fn end_phase(&mut self, done: Amount) {
        if let Some(status) = self.status(done) {
            self.view.end(&status);
        }
        self.phase = None;
    }
}

/// The view for this kind of progress.
fn choose(progress: Progress) -> Box<dyn View> {
    // A terminal without cursor movement cannot show a bar.
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    let is_terminal = std::io::stderr().is_terminal() && !is_dumb;
    match progress {
        Progress::Json => Box::new(Json::default()),
        Progress::Always => Box::new(Bar::new()),
        Progress::Auto if is_terminal => Box::new(Bar::new()),
        Progress::Auto | Progress::Never => Box::new(Lines::default()),
    }
}

/// A wait, which lasts while this lives.
#[derive(Debug)]
#[must_use]
pub struct Waiting<'a> {
    board: &'a Board,
    number: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let waits = &mut self.board.lock().waits;
        waits.retain(|wait| wait.number != self.number);
    }
}
