//! The words that fit at a position of a command line, from the types that it is parsed into.
//!
//! `clap_complete` has code for this, too, but it looks up home directories with functions of libc for
//! which a static program loads libraries.

use std::borrow::Cow;

use clap::{Arg, Command};

use crate::opened;
use crate::text::printable_line;

/// Where the next word of a command line is.
pub(super) struct Position<'a> {
    program: &'a Command,
    command: &'a Command,
    /// The option whose value comes next, and how many it has already.
    option: Option<(&'a Arg, usize)>,
    /// How many values without an option came before.
    values: usize,
    /// Whether `--` came before.
    is_after_dashes: bool,
}

/// The words and the files that fit.
#[derive(Default)]
pub(super) struct Fitting {
    /// The kind of files: `bundles`, `files`, `directories`, or none.
    pub files: &'static str,
    /// Words, and the meaning of each.
    pub words: Vec<(String, String)>,
}

impl<'a> Position<'a> {
    /// The position after these words, of which the first follows the program.
    pub(super) fn after(program: &'a Command, words: &[Cow<'_, str>]) -> Self {
        let mut position = Self {
            program,
            command: program,
            option: None,
            values: 0,
            is_after_dashes: false,
        };
        for word in words {
            position.pass(word);
        }
        position
    }

    fn pass(&mut self, word: &str) {
        if self.is_after_dashes {
            self.values += 1;
        } else if let Some((option, number)) = self
            .option
            .take_if(|(option, _)| !word.starts_with('-') || option.is_allow_hyphen_values_set())
        {
            let max = option
                .get_num_args()
                .map_or(1, |number| number.max_values());
            self.option = (number + 1 < max).then_some((option, number + 1));
        } else if word == "--" {
            self.is_after_dashes = true;
        } else if word.len() > 1 && word.starts_with('-') {
            self.option = self.awaiting(word).map(|option| (option, 0));
        } else if let Some(command) = self.command.find_subcommand(word) {
            (self.command, self.values) = (command, 0);
        } else {
            self.values += 1;
        }
    }

    /// The option in a word whose value is the next word.
    fn awaiting(&self, word: &str) -> Option<&'a Arg> {
        let mut arguments = self.command.get_arguments();
        if let Some(long) = word.strip_prefix("--") {
            return arguments.find(|arg| takes_values(arg) && arg.get_long() == Some(long));
        }
        // The first of several letters that takes a value has the rest of them as its value.
        let of = |letter| {
            let mut arguments = self.command.get_arguments();
            arguments.find(|arg| takes_values(arg) && arg.get_short() == Some(letter))
        };
        let (at, option) = word
            .char_indices()
            .find_map(|(at, letter)| Some((at, of(letter)?)))?;
        (word[at..].chars().count() == 1).then_some(option)
    }

    /// Those that fit here and begin like this.
    pub(super) fn fitting(&self, begun: &str) -> Fitting {
        if self.is_after_dashes {
            return Fitting {
                files: "files",
                words: Vec::new(),
            };
        }
        if let Some((option, _)) = self.option {
            return self.values_of(option, begun);
        }
        if let Some((long, value)) = begun
            .strip_prefix("--")
            .and_then(|word| word.split_once('='))
        {
            let mut arguments = self.command.get_arguments();
            let option = arguments.find(|arg| arg.get_long() == Some(long));
            let mut fitting =
                option.map_or_else(Fitting::default, |arg| self.values_of(arg, value));
            for (word, _) in &mut fitting.words {
                *word = format!("--{long}={word}");
            }
            return fitting;
        }
        if begun.starts_with('-') {
            return Fitting::among(begun, self.options());
        }
        let mut fitting = self.next_value(begun);
        let commands = Fitting::among(begun, commands(self.command));
        fitting.words.splice(0..0, commands.words);
        if begun.is_empty() && fitting.files.is_empty() && fitting.words.is_empty() {
            return Fitting::among(begun, self.options());
        }
        fitting
    }

    /// Values of the argument that comes next.
    fn next_value(&self, begun: &str) -> Fitting {
        let arguments = self
            .command
            .get_positionals()
            .filter(|arg| !arg.is_last_set());
        let arguments: Vec<_> = arguments.collect();
        let next = arguments.get(self.values).or_else(|| {
            // The last one may take several.
            let takes_several =
                |arg: &&&Arg| arg.get_num_args().is_some_and(|n| n.max_values() > 1);
            arguments.last().filter(takes_several)
        });
        next.map_or_else(Fitting::default, |arg| self.values_of(arg, begun))
    }

    /// Values of an argument. Its name, as the help has it, says what they are.
    fn values_of(&self, arg: &Arg, begun: &str) -> Fitting {
        let name = arg.get_value_names().and_then(<[_]>::first);
        let files = match name.map_or(arg.get_id().as_str(), |name| name.as_str()) {
            "BUNDLE" | "VOLUME" => "bundles",
            "FILE" | "PATH" | "FILE|DIR" | "DIR|BUNDLE" | "INVENTORY" | "OLD" | "NEW" => "files",
            "DIR" => "directories",
            "NAME" if arg.is_positional() => return Fitting::among(begun, opened_bundles()),
            "COMMAND" => return Fitting::among(begun, commands(self.program)),
            _ => {
                let values = arg.get_possible_values().into_iter();
                let values = values.map(|value| (value.get_name().into(), text(value.get_help())));
                return Fitting::among(begun, values);
            }
        };
        Fitting {
            files,
            words: Vec::new(),
        }
    }

    fn options(&self) -> impl Iterator<Item = (String, String)> + use<'a> {
        let word = |arg: &Arg| Some((format!("--{}", arg.get_long()?), text(arg.get_help())));
        let arguments = self.command.get_arguments();
        arguments.filter_map(word)
    }
}

impl Fitting {
    fn among(begun: &str, all: impl IntoIterator<Item = (String, String)>) -> Self {
        let all = all.into_iter();
        let words = all.filter(|(word, _)| word.starts_with(begun)).collect();
        Self { files: "", words }
    }
}

fn takes_values(arg: &Arg) -> bool {
    let takes = arg
        .get_num_args()
        .is_some_and(|number| number.takes_values());
    // A value that may be left out is in the option's own word.
    takes && !arg.is_require_equals_set()
}

fn text(help: Option<&clap::builder::StyledStr>) -> String {
    help.map(ToString::to_string).unwrap_or_default()
}

/// The commands below one.
fn commands(command: &Command) -> impl Iterator<Item = (String, String)> {
    let commands = command.get_subcommands().filter(|one| !one.is_hide_set());
    commands.map(|one| (one.get_name().to_owned(), text(one.get_about())))
}

/// The names of the bundles that were opened here, and where each is.
fn opened_bundles() -> Vec<(String, String)> {
    let mut names = opened::names_to_type().unwrap_or_default();
    // A directory that somebody else made among the records can have any name.
    names.retain(|(name, _)| *name == printable_line(name));
    names
}
