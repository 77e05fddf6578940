//! Text in two columns: labels and values.

use std::fmt::Write as _;

use super::words::printable_line;
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

    /// All lines.
    pub fn finish(self) -> String {
        self.0
    }
}
