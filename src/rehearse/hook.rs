//! The `shellHook` in a rehearsal: findings about it are told, and cost no proof.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::ExitStatus;

use serde::{Deserialize, Serialize};

use super::network::{self, Before};
use crate::entry::as_packed::AsPacked;
use crate::entry::invocation::Entry;
use crate::error::{Error, NotEntered, Result};

/// A finding about a `shellHook`: it will do the same on the target, and that is up to the hook.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hook {
    /// Whether it wants a network.
    wants_network: bool,
    /// The exit status, if it ended the shell.
    ended: Option<String>,
    /// Its output about that.
    words: String,
    /// Lines of its output that say that something is missing.
    missing: Vec<String>,
    /// Its commands that fail, each with its status.
    failing: Vec<String>,
}

/// Endings of lines in which shells, coreutils and others say that a program or a file is missing.
const MISSING: [&str; 3] = [
    "command not found",
    ": not found",
    ": No such file or directory",
];
/// How bash begins to complain of code that it cannot read.
const UNREADABLE: [&str; 2] = ["syntax error", "unexpected EOF while looking for matching"];
/// Where a shell tells which commands of its hook fail.
const FAILURES: &str = "/nix/rehearsal-failures";
/// The most of these lines that are told.
const TOLD: usize = 10;

/// The outcome of entering a shell.
pub(super) enum Entered {
    /// It was entered, or its hook ended it.
    Yes(Option<Hook>),
    /// It was not, with its output.
    No(String),
}

/// Enters the shell once. A file shows that this worked, since output cannot: a `shellHook` may print
/// anything, and a process that it left in the background may keep a pipe open for ever.
pub(super) fn enter(
    as_packed: &AsPacked<'_>,
    run_in_shell: impl FnOnce(&str, &Path) -> Result<ExitStatus>,
) -> Result<Entered> {
    let before = Before::now();
    let tried = Tried::with(run_in_shell)?;
    let wants_network = before.was_wanted(&tried.words);
    let ended = if tried.arrived {
        None
    } else if hook_ends(as_packed)? {
        Some(tried.status.to_string())
    } else {
        return Ok(Entered::No(tried.words));
    };
    let words = if wants_network {
        network::telling(&tried.words)
    } else {
        network::last_lines(&tried.words)
    };
    let missing = lines_about_missing(&tried.words);
    let mut failing = Vec::new();
    if !wants_network && ended.is_none() && missing.is_empty() {
        failing = failing_commands(as_packed)?;
    }
    let is_finding = wants_network || ended.is_some() || !missing.is_empty() || !failing.is_empty();
    Ok(Entered::Yes(is_finding.then_some(Hook {
        wants_network,
        ended,
        words,
        missing,
        failing,
    })))
}

/// The commands of the hook that fail, each once. The hook does not mind, or it would have ended the
/// shell; so it does not tell either. A command whose complaints it throws away may fail.
fn failing_commands(as_packed: &AsPacked<'_>) -> Result<Vec<String>> {
    let file = Path::new(FAILURES);
    if !arrives(&as_packed.noting_failures(file))? {
        return Ok(Vec::new());
    }
    let noted = fs::read(file).unwrap_or_default();
    let noted = String::from_utf8_lossy(&noted).into_owned();
    let mut failing = Vec::new();
    for line in noted.lines().filter_map(failing_command) {
        if failing.len() < TOLD && !failing.contains(&line) {
            failing.push(line);
        }
    }
    Ok(failing)
}

/// Commands that ask something: their status 1 is an answer, which the hook may use later.
const CONDITIONS: [&str; 12] = [
    "((",
    "[[",
    "[ ",
    "test ",
    "let ",
    "command -v ",
    "type ",
    "which ",
    "grep ",
    "cmp ",
    "diff ",
    "pgrep ",
];

/// A line of what was noted, in words; `None` if it may be no failure. A file that is sourced and a
/// function have the status of their last command, which is often a condition.
fn failing_command(noted: &str) -> Option<String> {
    let mut parts = noted.splitn(3, ' ');
    let (status, kind, command) = (parts.next()?, parts.next()?, parts.next()?);
    let is_sourced = command.starts_with(". ") || command.starts_with("source ");
    let is_silenced = command.contains("2>") || command.contains("&>");
    let is_question = CONDITIONS.iter().any(|start| command.starts_with(start));
    let may_be_condition = is_sourced || (status == "1" && (kind == "function" || is_question));
    (!is_silenced && !may_be_condition).then(|| format!("{command} (exit status: {status})"))
}

/// The lines that say that a program or a file is missing, or that the hook cannot be read, each once.
fn lines_about_missing(printed: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in printed.lines().map(str::trim_end) {
        let is_unreadable = |words: &&str| line.contains(&format!(": {words}"));
        let says_so = MISSING.iter().any(|end| line.ends_with(end))
            || (line.contains(": line ") && UNREADABLE.iter().any(is_unreadable));
        if says_so && found.len() < TOLD && !found.iter().any(|known| known == line) {
            found.push(line.to_owned());
        }
    }
    found
}

/// Whether it is the `shellHook` that ends the shell: without it the shell can be entered.
fn hook_ends(as_packed: &AsPacked<'_>) -> Result<bool> {
    Ok(!arrives(as_packed)? && arrives(&as_packed.without_hook())?)
}

/// Whether a shell can be entered without evaluation.
pub(super) fn arrives(shell: &AsPacked<'_>) -> Result<bool> {
    let tried = Tried::with(|run, log| {
        let prepared = shell.prepare(&Entry::run(run), false)?;
        prepared.status_with_log(log)
    });
    match tried {
        Ok(tried) => Ok(tried.arrived),
        // Its bash is for another processor, or its attributes are such that nix-shell refuses them, too.
        Err(
            Error::CannotEnter { .. }
            | Error::CannotRun { .. }
            | Error::NotEntered(NotEntered::NoStructuredAttributes),
        ) => Ok(false),
        Err(error) => Err(error),
    }
}

/// One attempt to enter.
pub(super) struct Tried {
    pub(super) status: ExitStatus,
    /// Whether the command of `--run` was run.
    pub(super) arrived: bool,
    /// The shell's output.
    pub(super) words: String,
}

impl Tried {
    /// Enters with a command and a file for the log.
    pub(super) fn with(
        run_in_shell: impl FnOnce(&str, &Path) -> Result<ExitStatus>,
    ) -> Result<Self> {
        let mark = Path::new("/nix/rehearsal-entered");
        let log = Path::new("/nix/rehearsal-log");
        let status = run_in_shell(&format!(": > {}", mark.to_string_lossy()), log)?;
        let words = fs::read(log).map_err(Error::io("read", log))?;
        Ok(Self {
            status,
            arrived: fs::remove_file(mark).is_ok(),
            words: String::from_utf8_lossy(&words).into_owned(),
        })
    }
}

impl Hook {
    /// The check that the hook prevented, in the words of the proof.
    pub(super) fn check(&self) -> Option<String> {
        let status = self.ended.as_ref()?;
        Some(if self.wants_network {
            format!("the shellHook wants a network, and ended the shell ({status})")
        } else {
            format!("the shellHook ended the shell ({status})")
        })
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.wants_network, &self.ended) {
            (true, None) => {
                f.write_str("the shellHook wants a network, which the target does not have")?;
            }
            (true, Some(status)) => write!(
                f,
                "the shellHook wants a network, which the target does not have, and ends the shell \
                 ({status})"
            )?,
            (false, None) if self.failing.is_empty() => {
                f.write_str("the shellHook said in the rehearsal:")?;
                return listed(f, self.missing.iter().map(String::as_str));
            }
            (false, None) => {
                f.write_str(match self.failing.len() {
                    1 => "a command of the shellHook fails in the rehearsal:",
                    _ => "commands of the shellHook fail in the rehearsal:",
                })?;
                listed(f, self.failing.iter().map(String::as_str))?;
                if self.words.is_empty() {
                    return Ok(());
                }
                f.write_str("\nthe output of the shellHook:")?;
                return listed(f, self.words.lines());
            }
            (false, status) => write!(
                f,
                "the shellHook ends or replaces the shell ({}), so a command of --run is not run",
                status.as_deref().unwrap_or_default()
            )?,
        }
        if self.words.is_empty() {
            return f.write_str("; it prints nothing");
        }
        f.write_str("; its output:")?;
        let missing = self.missing.iter().map(String::as_str);
        let more =
            missing.filter(|line| !self.words.lines().any(|shown| shown.trim_end() == *line));
        listed(f, self.words.lines().chain(more))
    }
}

fn listed<'a>(f: &mut fmt::Formatter<'_>, mut lines: impl Iterator<Item = &'a str>) -> fmt::Result {
    lines.try_for_each(|line| write!(f, "\n  {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_and_silenced_commands_do_not_fail() {
        let told = |noted| failing_command(noted);
        assert_eq!(
            told("3 file sh -c 'exit 3'").unwrap(),
            "sh -c 'exit 3' (exit status: 3)"
        );
        assert_eq!(told("2 function f").unwrap(), "f (exit status: 2)");
        assert_eq!(told("1  ( false )").unwrap(), "( false ) (exit status: 1)");
        for noted in [
            "1 function f",
            "1 builtin . ./x",
            "2 file ls x 2> /dev/null",
        ] {
            assert_eq!(told(noted), None, "{noted}");
        }
    }

    #[test]
    fn lines_about_missing_things_are_found() {
        let printed = "ready\nbash: rep-tool: command not found\nsh: 1: tool: not found\n\
                       cat: x: No such file or directory\nbash: rep-tool: command not found\n\
                       not found in the cache\n\
                       bash: eval: line 7: syntax error near unexpected token `fi'\n\
                       syntax error: none\n";
        assert_eq!(
            lines_about_missing(printed),
            [
                "bash: rep-tool: command not found",
                "sh: 1: tool: not found",
                "cat: x: No such file or directory",
                "bash: eval: line 7: syntax error near unexpected token `fi'"
            ]
        );
    }
}
