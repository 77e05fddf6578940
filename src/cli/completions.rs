//! Completions: the scripts for shells, and the hidden command by which they ask about a word.
//!
//! The scripts know nothing about the command line. They call this program, so they never disagree with
//! it, and it knows the names of opened bundles. Files are left to the shell, which knows its own rules
//! for quotes, `~` and spaces.

use std::ffi::{OsStr, OsString};

use clap::builder::StyledStr;
use clap::{Args, Command, CommandFactory as _, ValueEnum};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};

use super::Cli;
use crate::opened;

/// The hidden command. Its arguments are the words of a command line; the last one is completed.
///
/// The first line that it prints says which files fit: one of `bundles`, `files` and `directories`, or
/// nothing. Each line after it is a word, a tab, and its meaning.
const SUBCOMMAND: &str = "complete-words";

/// `shellpack completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell that the script is for
    shell: Shell,
}

/// A shell that completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    Powershell,
}

impl Completions {
    /// The script.
    pub(super) fn script(&self) -> String {
        let static_one = match self.shell {
            Shell::Bash => return include_str!("completions/shellpack.bash").to_owned(),
            Shell::Zsh => return include_str!("completions/_shellpack").to_owned(),
            Shell::Fish => return include_str!("completions/shellpack.fish").to_owned(),
            Shell::Elvish => clap_complete::Shell::Elvish,
            Shell::Powershell => clap_complete::Shell::PowerShell,
        };
        let mut script = Vec::new();
        let mut command = Cli::command();
        clap_complete::generate(static_one, &mut command, "shellpack", &mut script);
        String::from_utf8_lossy(&script).into_owned()
    }
}

/// Completes a word, if that is what this program was started for.
pub(super) fn hidden_entry(args: &[OsString]) -> Option<i32> {
    let [_, subcommand, words @ ..] = args else {
        return None;
    };
    if subcommand != SUBCOMMAND {
        return None;
    }
    let Some(answer) = answer(words) else {
        return Some(1);
    };
    anstream::print!("{answer}");
    Some(0)
}

/// What fits as the last word; `None` if there is none to complete.
fn answer(words: &[OsString]) -> Option<String> {
    let current = words.last()?;
    let mut command = completed(Cli::command());
    let found = complete(&mut command, words.to_vec(), words.len() - 1, None).ok()?;
    let is_dashed = current.as_encoded_bytes().starts_with(b"-");
    let is_option =
        |one: &CompletionCandidate| one.get_value().as_encoded_bytes().starts_with(b"-");
    let (files, mut found): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|one| files_of(one).is_some());
    // Options are for those who begin with a dash, unless nothing else fits.
    if !is_dashed && (!files.is_empty() || !found.iter().all(is_option)) {
        found.retain(|one| !is_option(one));
    }
    let mut answer = String::from(files.first().and_then(files_of).unwrap_or_default());
    answer.push('\n');
    for one in found {
        let help = one.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default();
        answer.push_str(&format!("{}\t{help}\n", one.get_value().to_string_lossy()));
    }
    Some(answer)
}

/// The kinds of files that a value can be, and the tags of the candidates that stand for them.
const FILES: [&str; 3] = ["bundles", "files", "directories"];

fn files_of(candidate: &CompletionCandidate) -> Option<&'static str> {
    let tag = candidate.get_tag()?.to_string();
    FILES.into_iter().find(|kind| *kind == tag)
}

/// The command line, with a completer for each value. The name of a value, as the help has it, says
/// what it is.
fn completed(command: Command) -> Command {
    let commands: Vec<_> = command
        .get_subcommands()
        .map(|one| (one.get_name().to_owned(), one.get_about().cloned()))
        .collect();
    command.mut_subcommands(|subcommand| {
        subcommand.mut_args(|arg| match completer(&arg, &commands) {
            Some(completer) => arg.add(completer),
            None => arg,
        })
    })
}

/// A word, and its meaning.
type Meant = (String, Option<StyledStr>);

fn completer(arg: &clap::Arg, commands: &[Meant]) -> Option<ArgValueCompleter> {
    let name = match arg.get_value_names() {
        Some([name, ..]) => name.as_str(),
        _ => arg.get_id().as_str(),
    };
    let files = |kind: &'static str| {
        let of = move |begun: &OsStr| {
            let file = CompletionCandidate::new("").tag(Some(kind.into()));
            // A word with a dash is an option.
            let is_dashed = begun.as_encoded_bytes().starts_with(b"-");
            Vec::from_iter((!is_dashed).then_some(file))
        };
        Some(ArgValueCompleter::new(of))
    };
    match name {
        "BUNDLE" | "VOLUME" => files("bundles"),
        "FILE" | "PATH" | "FILE|DIR" => files("files"),
        "DIR" => files("directories"),
        "NAME" if arg.is_positional() => Some(ArgValueCompleter::new(opened_bundles)),
        "COMMAND" => {
            let commands = commands.to_vec();
            let of = move |begun: &OsStr| beginning_with(begun, &commands);
            Some(ArgValueCompleter::new(of))
        }
        _ => None,
    }
}

/// The names of the bundles that were opened here, each with its project's directory.
fn opened_bundles(begun: &OsStr) -> Vec<CompletionCandidate> {
    let names = opened::names_to_type().unwrap_or_default().into_iter();
    let names: Vec<_> = names
        .map(|(name, place)| (name, place.map(StyledStr::from)))
        .collect();
    beginning_with(begun, &names)
}

fn beginning_with(begun: &OsStr, all: &[Meant]) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    let fitting = all.iter().filter(|(word, _)| word.starts_with(&*begun));
    fitting
        .map(|(word, meaning)| CompletionCandidate::new(word).help(meaning.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_to(line: &str) -> String {
        let words: Vec<_> = line.split(' ').map(OsString::from).collect();
        answer(&words).unwrap()
    }

    #[test]
    fn files_are_left_to_the_shell() {
        for (line, files) in [
            ("shellpack open ", "bundles\n"),
            ("shellpack verify x.shellpack ", "bundles\n"),
            ("shellpack join ", "bundles\n"),
            ("shellpack copy x.shellpack ", "directories\n"),
            ("shellpack copy x.shellpack --volumes ", "directories\n"),
            ("shellpack copy x.shellpack --volumes=", "directories\n"),
            ("shellpack create ", "files\n"),
            ("shellpack create -o ", "files\n"),
        ] {
            assert_eq!(answer_to(line), files, "{line}");
        }
    }

    #[test]
    fn options_are_offered_to_a_dash_or_alone() {
        let values = answer_to("shellpack open --color=al");
        assert!(values.starts_with("\n--color=always\t"), "{values}");
        let options = answer_to("shellpack list ");
        assert!(options.starts_with("\n--json\tPrint JSON\n"), "{options}");
        assert_eq!(answer_to("shellpack open --ov").lines().count(), 2);
        assert_eq!(answer_to("shellpack open --qui").lines().count(), 2);
    }

    #[test]
    fn commands_are_completed() {
        let found = answer_to("shellpack re");
        let found: Vec<_> = found
            .lines()
            .skip(1)
            .map(|line| line.split('\t').next())
            .collect();
        assert_eq!(found, [Some("remove"), Some("rehearse"), Some("repair")]);
        assert_eq!(answer_to("shellpack man reh").lines().count(), 2);
    }

    /// A value with a new name needs a decision.
    #[test]
    fn every_value_is_known() {
        let known = [
            "BUNDLE",
            "VOLUME",
            "FILE",
            "PATH",
            "FILE|DIR",
            "DIR",
            "NAME",
            "COMMAND",
            "ATTR",
            "CMD",
            "EXPR",
            "N",
            "PKG",
            "REF",
            "SHARE",
            "SHELL",
            "SIZE",
            "VAR",
            "NAME[=VALUE]",
            "LEVEL",
            "WHEN",
            "HOW",
        ];
        let mut command = Cli::command();
        command.build();
        for subcommand in command
            .get_subcommands()
            .filter(|one| one.get_name() != "help")
        {
            for arg in subcommand.get_arguments() {
                let name = arg.get_value_names().and_then(<[_]>::first);
                let takes = arg
                    .get_num_args()
                    .is_some_and(|number| number.takes_values());
                let is_known = name.is_some_and(|name| known.contains(&name.as_str()));
                assert!(!takes || is_known, "{}: {arg:?}", subcommand.get_name());
            }
        }
    }
}
