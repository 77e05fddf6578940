//! Text in two columns: labels and values.

use std::fmt::Write as _;

use super::words::printable_line;

/// The width of the labels.
const LABEL: usize = 9;

/// Lines with labels of one width.
#[derive(Debug, Default)]
pub struct Labelled(String);

impl Labelled {
    /// Adds a line, without control characters that came out of a file.
    pub fn line(&mut self, label: &str, value: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{label:<LABEL$} {}", printable_line(value));
    }

    /// All lines.
    pub fn finish(self) -> String {
        self.0
    }
}
