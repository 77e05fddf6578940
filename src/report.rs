//! Events of the engine, and how they are shown: a bar on a terminal, plain lines elsewhere,
//! or nothing. The engine emits and never prints; this is the only user of indicatif.
//!
//! Everything goes to stderr: stdout is for data. The other direction is here as well: a
//! Ctrl-C becomes a flag that the engine asks for between two pieces of work.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::error::{Error, Result};

/// Between two plain lines of one phase.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Between two redraws of a bar that has nothing to count.
const SPIN_EVERY: Duration = Duration::from_millis(120);

/// What the engine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nix evaluates the shell.
    Evaluate,
    /// Nix builds or fetches what the shell needs; its own log is shown.
    Build,
    /// The store is asked about every path.
    Query,
    /// The shell is entered in a room with no network.
    Rehearse,
    /// Paths are compressed and written.
    Pack,
    /// The file is brought to the medium.
    Sync,
    /// The written file is read and checked.
    ReadBack,
    /// A bundle is checked.
    Verify,
    /// Paths are unpacked into the store.
    Import,
}

impl Phase {
    fn doing(self) -> &'static str {
        match self {
            Self::Evaluate => "evaluating",
            Self::Build => "building",
            Self::Query => "listing the closure",
            Self::Rehearse => "rehearsing",
            Self::Pack => "packing",
            Self::Sync => "syncing to disk",
            Self::ReadBack => "reading back",
            Self::Verify => "verifying",
            Self::Import => "importing",
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The next phase begins.
    Phase(Phase),
    /// How much the current phase has to do.
    Total {
        /// NAR bytes.
        bytes: u64,
        /// Store paths.
        paths: u64,
    },
    /// NAR bytes that were dealt with.
    Advanced {
        /// How many more.
        bytes: u64,
    },
    /// One more store path is complete.
    PathDone,
    /// All phases are over; the terminal belongs to others from here on.
    Done,
    /// Something worth knowing.
    Note(&'a str),
    /// Something that may surprise on the other side.
    Warning(&'a str),
}

/// Whether progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Progress {
    /// A bar on a terminal, plain lines elsewhere.
    #[default]
    Auto,
    /// A bar, wherever stderr goes.
    Always,
    /// Nothing.
    Never,
}

/// Receives events from any thread.
#[derive(Debug)]
pub struct Report {
    shown: Shown,
    quiet: bool,
    bytes: AtomicU64,
    paths: AtomicU64,
    lines: Mutex<Lines>,
    interrupted: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

#[derive(Debug)]
struct Lines {
    phase: Option<Phase>,
    total: (u64, u64),
    last: Instant,
}

impl Report {
    /// Shows what is asked for; `quiet` leaves errors only. `interrupted` becomes true when
    /// the user presses Ctrl-C.
    pub fn new(progress: Progress, quiet: bool, interrupted: Arc<AtomicBool>) -> Self {
        let terminal = rustix::termios::isatty(rustix::stdio::stderr());
        let shown = match progress {
            _ if quiet => Shown::Nothing,
            Progress::Never => Shown::Nothing,
            Progress::Auto if !terminal => Shown::Lines,
            Progress::Auto | Progress::Always => Shown::Bar(ProgressBar::with_draw_target(
                None,
                ProgressDrawTarget::stderr_with_hz(10),
            )),
        };
        let lines = Mutex::new(Lines {
            phase: None,
            total: (0, 0),
            last: Instant::now(),
        });
        Self {
            shown,
            quiet,
            bytes: AtomicU64::new(0),
            paths: AtomicU64::new(0),
            lines,
            interrupted,
        }
    }

    /// A report that shows nothing and is never interrupted.
    pub fn silent() -> Self {
        Self::new(Progress::Never, true, Arc::default())
    }

    /// Takes note of an event.
    pub fn emit(&self, event: Event<'_>) {
        match event {
            Event::Phase(phase) => self.begin(phase),
            Event::Total { bytes, paths } => self.set_total(bytes, paths),
            Event::Advanced { bytes } => self.advance(bytes),
            Event::PathDone => self.path_done(),
            Event::Done => self.clear(),
            Event::Note(text) => self.say(text, ""),
            Event::Warning(text) => self.say(text, "warning: "),
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

    /// Whether only errors are of interest.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    fn begin(&self, phase: Phase) {
        self.bytes.store(0, Ordering::Relaxed);
        self.paths.store(0, Ordering::Relaxed);
        let mut lines = self.lock();
        (lines.phase, lines.total, lines.last) = (Some(phase), (0, 0), Instant::now());
        match &self.shown {
            Shown::Nothing => {}
            Shown::Lines => anstream::eprintln!("{} …", phase.doing()),
            Shown::Bar(bar) => {
                bar.reset();
                bar.unset_length();
                bar.set_prefix(phase.doing());
                bar.set_style(style("{prefix} {spinner}"));
                // Nix writes its own log during a build; a moving line would run through it.
                if phase == Phase::Build {
                    bar.disable_steady_tick();
                } else {
                    bar.enable_steady_tick(SPIN_EVERY);
                }
            }
        }
    }

    fn set_total(&self, bytes: u64, paths: u64) {
        self.lock().total = (bytes, paths);
        if let Shown::Bar(bar) = &self.shown {
            bar.set_length(bytes);
            bar.set_message(format!("0/{paths} paths"));
            bar.set_style(style(progress_template()).progress_chars("=> "));
        }
    }

    fn advance(&self, bytes: u64) {
        let sum = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        match &self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => bar.set_position(sum),
            Shown::Lines => {
                let mut lines = self.lock();
                if lines.last.elapsed() >= LINE_EVERY
                    && let Some(phase) = lines.phase
                {
                    lines.last = Instant::now();
                    let (bytes, paths) = lines.total;
                    let done = self.paths.load(Ordering::Relaxed);
                    anstream::eprintln!(
                        "{} {} of {}, {done} of {paths} paths",
                        phase.doing(),
                        human(sum),
                        human(bytes)
                    );
                }
            }
        }
    }

    fn path_done(&self) {
        let done = self.paths.fetch_add(1, Ordering::Relaxed) + 1;
        if let Shown::Bar(bar) = &self.shown {
            bar.set_message(format!("{done}/{} paths", self.lock().total.1));
        }
    }

    fn clear(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }

    fn say(&self, text: &str, prefix: &str) {
        if self.quiet {
            return;
        }
        let line = printable(text);
        let colour = anstyle::AnsiColor::Yellow.on_default().bold();
        let print = || match prefix {
            "" => anstream::eprintln!("{line}"),
            prefix => anstream::eprintln!("{colour}{prefix}{colour:#}{line}"),
        };
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(print),
            _ => print(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line that wraps cannot be redrawn in its place, so a narrow terminal gets less.
fn progress_template() -> &'static str {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stderr());
    if size.is_ok_and(|size| (1..90).contains(&size.ws_col)) {
        return "{prefix} {percent}% {binary_bytes_per_sec} {eta}";
    }
    "{prefix} [{bar:20}] {binary_bytes}/{binary_total_bytes} {msg} {binary_bytes_per_sec} {eta}"
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A size for a human: in powers of 1024, as `ls -h` and Nix say it.
pub fn human(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

/// A number of things in words: `1 path`, `8 paths`.
pub fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Text of several lines, such as Nix's own words, without what could play with a terminal:
/// control characters other than line ends and tabs become visible escapes.
pub fn printable(text: &str) -> String {
    escaped(text, |c| c.is_control() && c != '\n' && c != '\t')
}

/// A name or another text of one line: a line end in it must not look like the next line.
pub fn printable_line(text: &str) -> String {
    escaped(text, char::is_control)
}

fn escaped(text: &str, is_bad: impl Fn(char) -> bool) -> String {
    let escape = |c: char| c.escape_default().to_string();
    let visible = |c| {
        if is_bad(c) || is_bidirectional(c) {
            escape(c)
        } else {
            c.to_string()
        }
    };
    text.chars().map(visible).collect()
}

/// JSON without characters that could play with a terminal. They can stand in strings only,
/// where an escape means the same.
pub fn printable_json(json: &str) -> String {
    let is_bad = |c: char| (c.is_control() && c != '\n') || is_bidirectional(c);
    // All of them are below U+10000, so one escape of four digits says them.
    let visible = |c: char| {
        if is_bad(c) {
            format!("\\u{:04x}", u32::from(c))
        } else {
            c.to_string()
        }
    };
    json.chars().map(visible).collect()
}

/// Characters that reorder what stands around them.
fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_made_visible() {
        assert_eq!(
            printable("a\u{1b}[31mb\r\u{202e}c\nd"),
            "a\\u{1b}[31mb\\r\\u{202e}c\nd"
        );
    }
}
