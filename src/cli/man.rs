//! Man pages, one for the program and one for each command, from the types that the command line is
//! parsed into.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::Cli;

mod examples;

use examples::Example;

/// `shellpack man`.
#[derive(Debug, Args)]
pub struct Pages {
    /// The command whose page to print [default: the page of the program]
    command: Option<String>,
    /// Write all pages to this directory instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub dir: Option<PathBuf>,
}

/// A man page.
pub(super) struct Page {
    /// The name of its file.
    pub file: String,
    /// Its text, for roff.
    pub text: String,
}

impl Pages {
    /// The page that was asked for. A command that does not exist is a usage error.
    pub(super) fn page(&self) -> Page {
        let program = program();
        let Some(name) = &self.command else {
            return Page::of(&program);
        };
        let command = program.find_subcommand(name).unwrap_or_else(|| {
            let unknown = format!("there is no command `{name}`");
            let mut program = Cli::command();
            program.error(ErrorKind::InvalidValue, unknown).exit()
        });
        Page::of(command)
    }
}

/// All pages.
pub(super) fn all() -> Vec<Page> {
    let program = program();
    let commands = program.get_subcommands().chain([&program]);
    commands.map(Page::of).collect()
}

/// clap's own `help` command is about the terminal; it needs no page.
fn program() -> Command {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    program
}

impl Page {
    fn of(command: &Command) -> Self {
        let name = command.get_display_name().unwrap_or(command.get_name());
        Self {
            file: format!("{name}.1"),
            text: String::from_utf8_lossy(&text(command).expect("memory can be written"))
                .into_owned(),
        }
    }
}

/// The sections that clap knows, and the examples.
fn text(command: &Command) -> std::io::Result<Vec<u8>> {
    let version = concat!("shellpack ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(version);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    examples_of(command.get_name()).to_writer(&mut page)?;
    end(command).to_writer(&mut page)?;
    Ok(page)
}

fn examples_of(name: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    let found = examples::all().find(|(command, _)| *command == name);
    let examples: &[Example] = found.map_or(&[], |(_, examples)| examples);
    for &(purpose, line) in examples {
        roff.control("PP", []);
        roff.text([roman(purpose)]);
        roff.control("PP", []);
        roff.control("RS", ["4"]);
        roff.control("EX", []);
        roff.text([bold(line)]);
        roff.control("EE", []);
        roff.control("RE", []);
    }
    roff
}

/// The end of the help of the program and of its commands: exit codes, and where the global
/// options are.
fn end(command: &Command) -> Roff {
    let mut roff = Roff::new();
    if command.has_subcommands() {
        let codes = command.get_after_help().map(ToString::to_string);
        roff.control("SH", ["EXIT STATUS"]);
        roff.text([roman(codes.unwrap_or_default())]);
    } else {
        roff.control("SH", ["SEE ALSO"]);
        roff.text([
            bold("shellpack"),
            roman("(1), for global options and exit codes"),
        ]);
    }
    roff
}
