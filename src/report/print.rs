//! Notes, warnings and errors as text on stderr.

use std::io::Write as _;

use super::words::{printable, printable_line};
use crate::error::Error;

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
