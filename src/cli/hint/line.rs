//! The command as it was typed, with other options, for the user to type next.

use std::fmt;

use super::start_and_rest;
use shellpack_format::bundle::manifest::shell_typed;

/// Options whose value is the next word.
const OF_A_COMMAND: [&str; 2] = ["--run", "--command"];
/// After this word come those of another command.
const END: &str = "--";

/// A command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    start: String,
    /// Each as a shell reads it.
    words: Vec<String>,
    /// Those of another command, from `--` on.
    rest: Vec<String>,
}

impl Line {
    /// The one that was typed.
    pub(super) fn typed() -> Self {
        let (start, words) = start_and_rest();
        Self::of(&start, &words)
    }

    fn of(start: &str, words: &[String]) -> Self {
        let mut words: Vec<_> = words.iter().map(|word| shell_typed(word)).collect();
        let is_value = |at: usize| at > 0 && OF_A_COMMAND.contains(&words[at - 1].as_str());
        let end = (0..words.len()).find(|&at| words[at] == END && !is_value(at));
        let rest = words.split_off(end.unwrap_or(words.len()));
        Self {
            start: start.to_owned(),
            words,
            rest,
        }
    }

    /// With this value of an option, which need not have been typed, and none that was.
    pub(super) fn with(mut self, option: &str, value: &str) -> Self {
        let at = self.place_of(option);
        let at = at.map_or(self.words.len(), |(at, length)| {
            self.words.drain(at..at + length);
            at
        });
        self.words
            .splice(at..at, [option.to_owned(), value.to_owned()]);
        self
    }

    /// With a switch, in the place of another that contradicts it.
    pub(super) fn with_switch(mut self, switch: &str, other: &str) -> Self {
        self.words.retain(|word| word != other && word != switch);
        self.words.push(switch.to_owned());
        self
    }

    /// The value of an option, as it was typed.
    pub(super) fn value(&self, option: &str) -> Option<&str> {
        let (at, length) = self.place_of(option)?;
        match length {
            1 => self.words[at].split_once('=').map(|(_, value)| value),
            _ => Some(&self.words[at + 1]),
        }
    }

    /// Where an option is, and how many words it takes with its value.
    fn place_of(&self, option: &str) -> Option<(usize, usize)> {
        let mut at = 0;
        while let Some(word) = self.words.get(at) {
            if word == option && at + 1 < self.words.len() {
                return Some((at, 2));
            }
            // A word in quotes begins with the quote.
            let word = word.trim_start_matches('\'');
            if word
                .strip_prefix(option)
                .is_some_and(|rest| rest.starts_with('='))
            {
                return Some((at, 1));
            }
            at += if OF_A_COMMAND.contains(&word) { 2 } else { 1 };
        }
        None
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.start)?;
        let words = self.words.iter().chain(&self.rest);
        words.into_iter().try_for_each(|word| write!(f, " {word}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &str) -> Line {
        let words: Vec<_> = words.split(' ').map(str::to_owned).collect();
        Line::of("sh x.run", &words)
    }

    #[test]
    fn a_value_replaces_the_one_that_was_typed() {
        for (typed, expected) in [
            ("--run true", "sh x.run --run true --store DIR"),
            ("--store f --run true", "sh x.run --store DIR --run true"),
            ("--store=f --pure", "sh x.run --store DIR --pure"),
            ("--pure --store", "sh x.run --pure --store --store DIR"),
            (
                "-- hello --store f",
                "sh x.run --store DIR -- hello --store f",
            ),
            (
                "--run --store --pure",
                "sh x.run --run --store --pure --store DIR",
            ),
            ("--run -- --pure", "sh x.run --run -- --pure --store DIR"),
        ] {
            let line = line(typed).with("--store", "DIR");
            assert_eq!(line.to_string(), expected, "{typed}");
        }
    }

    #[test]
    fn a_switch_comes_before_the_words_of_another_command() {
        let line = line("--build -- make --build").with_switch("--no-eval", "--build");
        assert_eq!(line.to_string(), "sh x.run --no-eval -- make --build");
    }

    #[test]
    fn a_value_is_found_in_either_form() {
        for (typed, value) in [
            ("--store f", Some("f")),
            ("--store=f", Some("f")),
            ("--run --store", None),
            ("-- x --store f", None),
        ] {
            assert_eq!(line(typed).value("--store"), value, "{typed}");
        }
    }
}
