//! The reference lists exactly the options that the program has.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::markdown;

const PAGE: &str = "docs/reference/commands.md";

fn help(words: &[&str]) -> String {
    let shellpack = env!("CARGO_BIN_EXE_shellpack");
    let output = Command::new(shellpack).args(words).arg("--help").output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

/// The long options of all lines that begin with an option.
fn options_of(help: &str) -> BTreeSet<String> {
    let lines = help.lines().map(str::trim_start);
    let lines = lines.filter(|line| line.starts_with('-'));
    lines.flat_map(long_options).collect()
}

fn long_options(line: &str) -> BTreeSet<String> {
    let words = line.split(|c: char| !c.is_ascii_lowercase() && c != '-');
    words
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .map(str::to_owned)
        .collect()
}

/// The long options in the synopsis and in the first column of the tables below a heading.
fn options_below(heading: &str) -> BTreeSet<String> {
    let text = markdown::read(PAGE);
    let below = text.split_once(&format!("\n## {heading}\n"));
    let (_, below) = below.unwrap_or_else(|| panic!("{PAGE} has no {heading}"));
    let section = below.split("\n## ").next().unwrap_or_default();
    let cell = |row: &str| {
        let row = row.strip_prefix("| ")?;
        row.split(" | ").next().map(long_options)
    };
    let synopsis = section
        .split('`')
        .find(|word| word.starts_with("shellpack "));
    let mut options = long_options(synopsis.unwrap_or_default());
    options.extend(section.lines().filter_map(cell).flatten());
    options
}

fn commands() -> Vec<String> {
    let help = help(&[]);
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let names = list
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_reference_has_every_option_and_no_other() {
    let common = options_below("Options of every command");
    let writing = options_below("Options of the commands that write whole bundles");
    assert!(commands().len() > 10);
    for command in commands() {
        let mut documented: BTreeSet<_> = &options_below(&command) | &common;
        if ["split", "join", "copy", "protect", "repair"].contains(&command.as_str()) {
            documented.extend(writing.iter().cloned());
        }
        documented.remove("--version");
        let mut real = options_of(&help(&[&command]));
        // The help of a command may leave out the options that every command has.
        real.extend(
            common
                .iter()
                .filter(|option| *option != "--version")
                .cloned(),
        );
        let missing: Vec<_> = real.difference(&documented).collect();
        let extra: Vec<_> = documented.difference(&real).collect();
        assert!(missing.is_empty(), "{PAGE}: {command} also has {missing:?}");
        assert!(extra.is_empty(), "{PAGE}: {command} has no {extra:?}");
    }
}
