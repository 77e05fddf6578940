//! Notes, warnings and errors as text on stderr.

use std::io::Write as _;

use crate::error::Error;
use crate::redact;
use crate::text::{self, printable_line};

/// The kind of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Note,
    Warning,
    /// Lines as they are.
    Summary,
}

/// A failure.
#[derive(Debug)]
pub(super) struct Failure<'a> {
    pub(super) error: &'a Error,
    pub(super) hint: Option<&'a str>,
    pub(super) exit_code: u8,
}

impl Failure<'_> {
    /// Its causes, the nearest first.
    pub(super) fn causes(&self) -> impl Iterator<Item = String> {
        let first = std::error::Error::source(self.error);
        std::iter::successors(first, |cause| cause.source()).map(|cause| told(&cause.to_string()))
    }

    /// Its message.
    pub(super) fn message(&self) -> String {
        told(&self.error.to_string())
    }

    /// The command to type next.
    pub(super) fn hint(&self) -> Option<String> {
        self.hint.map(told)
    }
}

/// A text of ours, or one of Nix's or another program's in it: without passwords, and without colours that
/// would be shown as escapes.
pub(super) fn told(text: &str) -> String {
    text::without_colours(&redact::text(text))
}

/// Prints to stderr, with colours if wanted. The reader may stop reading, which is not an error.
pub(super) fn print(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Prints a note or a warning.
pub(super) fn print_said(tone: Tone, text: &str) {
    if tone == Tone::Summary {
        let lines = text.lines().map(|line| printable_line(line) + "\n");
        return print(&lines.collect::<String>());
    }
    let text = text::message(text);
    let colour = anstyle::AnsiColor::Yellow.on_default().bold();
    match tone {
        Tone::Note | Tone::Summary => print(&format!("{text}\n")),
        Tone::Warning => print(&format!("{colour}warning: {colour:#}{text}\n")),
    }
}

/// Prints the error, its causes, and the command to type next.
pub(super) fn print_failure(failure: &Failure<'_>) {
    let red = anstyle::AnsiColor::Red.on_default().bold();
    let bold = anstyle::Style::new().bold();
    let message = text::message(&failure.message());
    let mut text = format!("{red}error:{red:#} {message}\n");
    for cause in failure.causes() {
        text.push_str(&format!(
            "{bold}caused by:{bold:#} {}\n",
            printable_line(&cause)
        ));
    }
    if let Some(hint) = failure.hint() {
        text.push_str(&format!("\n{bold}hint:{bold:#} {}\n", text::message(&hint)));
    }
    print(&text);
}
