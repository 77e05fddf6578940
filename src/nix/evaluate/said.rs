//! The lines of a log at `-vvv` that Nix without `-vvv` shows as well: its own words, and those of the
//! tools below it. git and ssh say why they fail before Nix says that they did.

use crate::error::Error;
use crate::report::Report;

/// How many lines before Nix's error are shown unless all are asked for.
const SHORT: usize = 12;

/// Beginnings of lines that only `-v`, `-vv` or `-vvv` shows, from Nix 2.3 to 2.34.
const CHATTER: [&str; 57] = [
    "acquired ",
    "acquiring ",
    "added ",
    "adding ",
    "builder process for ",
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
    "evaluating attribute '",
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
    "resolved search path element '",
    "sandbox setup: ",
    "source path '",
    "starting ",
    "substitution of ",
    "trace: shellpack-record:",
    "unpacking ",
    "using builder args ",
    "using cache entry ",
    "verify TLS: ",
    "waiting for ",
];

/// Nix's own words about a build, from its end on.
const BUILD_ENDS: [&str; 4] = [
    "builder process for ",
    "building of ",
    "evaluating file '",
    "killing process ",
];

/// Tells Nix's chatter from the lines that would be there without `-vvv`.
#[derive(Debug, Default)]
pub(super) struct Listener {
    /// Whether the lines are a builder's, which may have any words.
    hears_builder: bool,
}

impl Listener {
    /// Whether the line would be there without `-vvv`.
    pub(super) fn is_told(&mut self, line: &str) -> bool {
        let starts_with_any = |starts: &[&str]| starts.iter().any(|start| line.starts_with(start));
        if line.starts_with("building '") {
            self.hears_builder = true;
        } else if starts_with_any(&BUILD_ENDS) {
            self.hears_builder = false;
        }
        self.hears_builder || !starts_with_any(&CHATTER)
    }
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
    let omitted = match omitted {
        0 => None,
        1 => Some("(one more line before this; -v shows it)".to_owned()),
        _ => Some(format!("({omitted} more lines before this; -v shows them)")),
    };
    let first = fetch.map(ToString::to_string).into_iter().chain(omitted);
    let lines = first.chain(shown.iter().map(ToString::to_string));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builders_lines_are_told_whatever_they_say() {
        let log = "\
            locking path '/nix/store/x'\n\
            executing builder '/bin/sh'\n\
            building '/nix/store/x-gen.drv'...\n\
            unpacking sources\n\
            loading failed\n\
            building of '/nix/store/x-gen.drv!out' from .drv file: got EOF\n\
            lock released on '/nix/store/x.lock'\n\
            error: builder for '/nix/store/x-gen.drv' failed with exit code 3";
        let mut listener = Listener::default();
        let told: Vec<_> = log.lines().filter(|line| listener.is_told(line)).collect();
        assert_eq!(
            told,
            [
                "building '/nix/store/x-gen.drv'...",
                "unpacking sources",
                "loading failed",
                "error: builder for '/nix/store/x-gen.drv' failed with exit code 3",
            ]
        );
    }

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
            format!("fetching x\n(one more line before this; -v shows it)\n{fits}")
        );
    }
}
