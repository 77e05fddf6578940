//! The log of a Nix command.

use std::io::{self, BufRead as _, BufReader};

/// The lines of a log as they come.
pub(super) fn lines_lossy(stream: impl io::Read) -> impl Iterator<Item = io::Result<String>> {
    BufReader::new(stream)
        .split(b'\n')
        .map(|line| line.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        .filter(|line| !line.as_ref().is_ok_and(|line| is_noise(line)))
}

/// Whether a line of Nix's log sounds like a fault and is none: a daemon takes few settings from users
/// that it does not trust, and needs none of ours.
fn is_noise(line: &str) -> bool {
    line.contains("ignoring the client-specified setting")
}

/// A log without the lines that are no use to anybody.
pub(super) fn without_noise(log: &str) -> String {
    // Nix that aborts uses colours although it is told not to.
    let log = anstream::adapter::strip_str(log).to_string();
    let lines = log.lines().filter(|line| !is_noise(line));
    lines.collect::<Vec<_>>().join("\n")
}
