//! The lines of a log at `-vvv` that Nix without `-vvv` shows as well: its own words, and those of the
//! tools below it. git and ssh say why they fail before Nix says that they did.

use crate::error::Error;
use crate::report::Report;

/// How many lines before Nix's error are shown unless all are asked for.
const SHORT: usize = 12;

/// Beginnings of lines that only `-v`, `-vv` or `-vvv` shows, from Nix 2.3 to 2.34.
const CHATTER: [&str; 53] = [
    // shellpack has no such option.
    "(use '--show-trace' ",
    "acquired ",
    "acquiring ",
    "added ",
    "adding ",
    "building of ",
    "cannot find machines file ",
    "checking access ",
    "computing ",
    "connecting to ",
    "copied source ",
    "created ",
    "creating ",
    "curl: ",
    "deleted ",
    "deleting ",
    "did not find cache entry ",
    "download thread ",
    "downloading '",
    "entered goal loop",
    "evaluating file '",
    "executing builder ",
    "expanded ",
    "file transfer ",
    "finished download of ",
    "found cache entry ",
    "got 0 remote ",
    "got tree ",
    "hashing '",
    "hook reply is ",
    "ignoring ",
    "instantiated '",
    "killing process ",
    "linking ",
    "loading ",
    "lock acquired ",
    "lock released ",
    "locking path ",
    "looking up ",
    "opening ",
    "path '",
    "performing ",
    "querying info about ",
    "reaping ",
    "removing ",
    "source path '",
    "starting ",
    "substitution of ",
    "trace: shellpack-record:",
    "unpacking ",
    "using cache entry ",
    "verify TLS: ",
    "waiting for ",
];

/// Whether a line would not be there without `-vvv`.
pub(super) fn is_chatter(line: &str) -> bool {
    CHATTER.iter().any(|start| line.starts_with(start))
}

/// Leaves the last lines before Nix's error, unless the user wants all.
pub(super) fn shortened(error: Error, report: &Report) -> Error {
    match error {
        Error::NixFailed {
            program,
            status,
            words,
        } if !report.is_verbose() => Error::NixFailed {
            program,
            status,
            words: last_lines(&words),
        },
        other => other,
    }
}

fn last_lines(words: &str) -> String {
    let lines: Vec<_> = words.lines().collect();
    let is_error = |line: &&str| line.starts_with("error:");
    let end = lines.iter().position(is_error).unwrap_or(lines.len());
    let (before, shown) = lines.split_at(end.saturating_sub(SHORT));
    if before.is_empty() {
        return words.to_owned();
    }
    // It names the source that the other lines are about.
    let fetch = before.iter().rfind(|line| line.starts_with("fetching "));
    let omitted = before.len() - usize::from(fetch.is_some());
    let omitted = format!("({omitted} more lines before this; -v shows them)");
    let first = fetch.map(ToString::to_string).into_iter().chain([omitted]);
    let lines = first.chain(shown.iter().map(ToString::to_string));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_before_the_error_are_shown() {
        let lines = (0..SHORT).map(|line| format!("{line}\n"));
        let fits: String = lines.chain(["error: x\n  at y".to_owned()]).collect();
        assert_eq!(last_lines(&fits), fits);
        assert_eq!(
            last_lines(&format!("a\nb\n{fits}")),
            format!("(2 more lines before this; -v shows them)\n{fits}")
        );
        assert_eq!(
            last_lines(&format!("fetching x\nb\n{fits}")),
            format!("fetching x\n(1 more lines before this; -v shows them)\n{fits}")
        );
    }
}
