//! Completions: the scripts for shells, and the hidden command by which they ask about a word.
//!
//! The scripts know nothing about the command line. They call this program, so they never disagree with
//! it, and it knows the names of opened bundles. Files are left to the shell, which knows its own rules
//! for quotes, `~` and spaces.

use std::ffi::OsString;

use clap::{Args, CommandFactory as _, ValueEnum};

use super::Cli;

mod words;

use words::Position;

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

/// The words that fit as the last one; `None` if there is none to complete.
fn answer(words: &[OsString]) -> Option<String> {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let (current, [_, before @ ..]) = words.split_last()? else {
        return None;
    };
    let mut program = Cli::command();
    program.build();
    let fitting = Position::after(&program, before).fitting(current);
    let mut answer = String::from(fitting.files);
    answer.push('\n');
    for (word, meaning) in fitting.words {
        let meaning = meaning.lines().next().unwrap_or_default();
        answer.push_str(&format!("{word}\t{meaning}\n"));
    }
    Some(answer)
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
            ("shellpack create --for ", "files\n"),
            ("shellpack create --base ", "bundles\n"),
            ("shellpack diff ", "files\n"),
            ("shellpack inventory -o ", "files\n"),
            ("shellpack create -o ", "files\n"),
            ("shellpack create -fo ", "files\n"),
            ("shellpack create --argstr a b ", "files\n"),
            ("shellpack create --argstr a ", "\n"),
            ("shellpack create -j ", "\n"),
            ("shellpack open x.shellpack -- ", "files\n"),
        ] {
            assert_eq!(answer_to(line), files, "{line}");
        }
    }

    #[test]
    fn options_are_offered_to_a_dash_or_alone() {
        let values = answer_to("shellpack open --color=al");
        assert!(values.starts_with("\n--color=always\t"), "{values}");
        let options = answer_to("shellpack list ");
        assert!(options.contains("\n--json\tPrint JSON\n"), "{options}");
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
        assert_eq!(answer_to("shellpack --quiet help reh").lines().count(), 2);
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
            "MACHINES",
            "SYSTEM",
            "WHEN",
            "INVENTORY",
            "DIR|BUNDLE",
            "OLD",
            "NEW",
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
