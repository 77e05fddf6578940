//! Events of the engine and their display: a bar on a terminal, plain lines elsewhere, JSON for a
//! program, or nothing. The engine emits events and never prints; only this module uses indicatif.
//!
//! Everything goes to stderr: stdout is for data. The module also works in the other direction:
//! Ctrl-C sets a flag, which the engine checks between two pieces of work.
//!
//! Counting is separate from display. To emit that some bytes are done adds to a number, which
//! takes a few nanoseconds. A thread of its own reads the numbers a few times a second and displays
//! them, also while the engine waits and emits nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::{Error, Result};
use crate::launch;

mod ask;
mod bar;
mod board;
mod event;
mod json;
mod labelled;
mod lines;
mod print;
mod rate;
mod status;
mod terminal;
mod view;
mod words;

pub(crate) use ask::Prompt;
pub(crate) use board::{Meter, Waiting};
pub(crate) use event::{Event, Log, Phase, Progress};
pub(crate) use labelled::Labelled;
pub(crate) use words::{count, fewer_threads, human, utc};

use board::Board;
use print::{Failure, Tone, told};
use status::Amount;

/// Receives events from any thread.
#[derive(Debug)]
pub struct Report {
    board: Arc<Board>,
    /// Displays the board, from the first phase on.
    thread: Mutex<Option<JoinHandle<()>>>,
    progress: Progress,
    quiet: bool,
    /// Whether it is quiet for the sake of a command, and tells what is not done as the user wants.
    of_a_command: bool,
    verbose: bool,
    interrupted: Arc<AtomicBool>,
}

impl Report {
    /// Displays progress as asked; with `quiet`, only errors. `interrupted` becomes true when the
    /// user presses Ctrl-C.
    pub fn new(progress: Progress, quiet: bool, interrupted: Arc<AtomicBool>) -> Self {
        Self {
            board: Arc::new(Board::new(progress)),
            thread: Mutex::new(None),
            progress,
            quiet,
            of_a_command: false,
            verbose: false,
            interrupted,
        }
    }

    /// Displays nothing but errors and files that are not read, unless it is quiet anyway: all else is the
    /// command's that runs.
    pub(crate) fn of_a_command(mut self) -> Self {
        self.of_a_command = !self.quiet;
        self.quiet = true;
        self
    }

    /// Whether all else than errors is a command's.
    pub(crate) fn is_of_a_command(&self) -> bool {
        self.of_a_command
    }

    /// Whether it displays only errors.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// With `verbose`, an error has all of what Nix said, else its last lines.
    pub(crate) fn verbose(mut self, verbose: bool) -> Self {
        self.verbose = verbose;
        self
    }

    /// Whether an error has all of what Nix said.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Whether a program reads what is told, as JSON.
    pub(crate) fn is_for_program(&self) -> bool {
        self.progress == Progress::Json
    }

    /// A report that displays nothing and is never interrupted.
    pub fn silent() -> Self {
        Self::new(Progress::Never, true, Arc::default())
    }

    /// Handles an event.
    pub fn emit(&self, event: Event<'_>) {
        match event {
            Event::Advanced { bytes } => self.board.advance(bytes),
            Event::PathDone => self.board.add_path(),
            Event::Phase(phase) => self.begin(phase),
            Event::Total { bytes, paths } => self.board.set_total(Amount { bytes, paths }),
            Event::TotalRead { bytes, paths } => {
                self.board.set_total_read(Amount { bytes, paths });
            }
            Event::PhaseDone => self.board.end_phase(),
            Event::Failed {
                error,
                hint,
                exit_code,
            } => self.fail(&Failure {
                error,
                hint: hint.map(launch::for_here).as_deref(),
                exit_code,
            }),
            Event::HandedOver => self.leave(false),
            Event::Done => self.leave(true),
            Event::Unread(text) if !self.quiet || self.of_a_command => {
                self.say(Tone::Warning, text);
            }
            _ if self.quiet => {}
            Event::Log(line) => self.board.log(&told(line)),
            Event::Note(text) => self.say(Tone::Note, text),
            Event::Summary(text) => self.say(Tone::Summary, text.trim_end()),
            Event::Warning(text) | Event::Unread(text) => self.say(Tone::Warning, text),
        }
    }

    /// A counter for the bytes of a bundle as they are read, after [`Event::TotalRead`].
    pub fn meter(&self) -> Meter {
        Meter(Arc::clone(&self.board))
    }

    /// Until the result is dropped, the engine waits for `what`. A long wait is displayed.
    pub fn waiting(&self, what: &str) -> Waiting<'_> {
        self.board.wait(&told(what))
    }

    /// A way to ask the user: none without a terminal, with `quiet`, or for a program.
    pub fn prompt(&self) -> Option<Prompt> {
        let is_talk = !self.quiet && !self.is_for_program();
        is_talk
            .then(|| Prompt::new(&self.board, &self.interrupted))
            .flatten()
    }

    /// Runs `work` while nothing else is displayed: another program may ask at the terminal. Do not
    /// emit events meanwhile.
    pub fn aside<T>(&self, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        let mut result = Err(Error::Interrupted);
        self.board.pause(|| result = work());
        result
    }

    /// How to treat the log of a Nix that builds.
    pub fn log_of_builds(&self) -> Log {
        if self.quiet {
            Log::OnFailure
        } else if self.shows_progress() && self.board.takes_log() {
            Log::Emitted
        } else {
            Log::Shown
        }
    }

    /// Stops the engine if the user pressed Ctrl-C.
    pub fn ensure_not_interrupted(&self) -> Result<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            Err(Error::Interrupted)
        } else {
            Ok(())
        }
    }

    /// Says something that the user may act on after this process, and elsewhere.
    fn say(&self, tone: Tone, text: &str) {
        self.board.say(tone, &told(&launch::for_anywhere(text)));
    }

    fn shows_progress(&self) -> bool {
        !self.quiet && self.progress != Progress::Never
    }

    fn begin(&self, phase: Phase) {
        if self.shows_progress() {
            self.board.begin(phase);
            self.start_thread();
        }
    }

    fn fail(&self, failure: &Failure<'_>) {
        self.end_thread();
        self.board.fail(failure);
    }

    fn leave(&self, done: bool) {
        self.end_thread();
        self.board.end_phase();
        if !self.quiet {
            self.board.leave(done);
        }
    }

    fn start_thread(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let board = Arc::clone(&self.board);
            let builder = std::thread::Builder::new().name("progress".to_owned());
            // Without a thread there is no progress display, and nothing else is lost.
            *thread = builder.spawn(move || board.show_until_over()).ok();
        }
    }

    /// When this returns, nothing is drawn any more.
    fn end_thread(&self) {
        self.board.close();
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.end_thread();
    }
}
