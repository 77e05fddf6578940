//! Text in two columns: labels and values.

use std::fmt::Write as _;

use crate::text::printable_line;
use shellpack_format::store::hash::Digest;

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

    /// Adds the line of a bundle's SHA-256, of its whole file or of its manifest. Both end in one column.
    pub fn sha256(&mut self, of: &str, digest: Digest) {
        let label = format!("{of} sha256");
        self.line(&format!("{label:<15}"), &digest.hex());
    }

    /// Adds a line for each value, of which only the first has the label; or one for none of them.
    pub fn list(&mut self, label: &str, values: impl Iterator<Item = String>, none: &str) {
        let mut values = values.peekable();
        if values.peek().is_none() {
            self.line(label, none);
        }
        for (index, value) in values.enumerate() {
            self.line(if index == 0 { label } else { "" }, &value);
        }
    }

    /// All lines.
    pub fn finish(self) -> String {
        self.0
    }
}
