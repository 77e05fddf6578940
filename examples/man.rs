//! Writes the man pages, one for the program and one for each command, from the types that
//! the command line is parsed into: `cargo run --example man -- DIRECTORY`, or `make man`.
//!
//! The examples in the pages are at the end of this file. Each must be a command line that the
//! program accepts, on one line of a terminal with 80 columns, and each command must have one.
//!
//! This is an example rather than a program, so that installing shellpack does not build it.

use std::fs;
use std::io::{Error, Result, Write};
use std::path::PathBuf;

use clap::{Command, CommandFactory as _, Parser as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use shellpack::internals::Cli;

fn main() -> Result<()> {
    let Some(dir) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(Error::other("usage: man DIRECTORY"));
    };
    fs::create_dir_all(&dir)?;
    // clap's own `help` command is about the terminal; it needs no page.
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    for command in program.get_subcommands().chain([&program]) {
        let page = page(command)?;
        let name = command.get_display_name().unwrap_or(command.get_name());
        fs::write(dir.join(format!("{name}.1")), page)?;
    }
    Ok(())
}

/// A page with the sections that clap knows, and the examples.
fn page(command: &Command) -> Result<Vec<u8>> {
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
    render_examples(command.get_name(), &mut page)?;
    render_end(command, &mut page)?;
    Ok(page)
}

/// What the help of the program and of its commands ends with: exit codes, and where the global
/// options are.
fn render_end(command: &Command, page: &mut dyn Write) -> Result<()> {
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
    roff.to_writer(page)
}

fn render_examples(name: &str, page: &mut dyn Write) -> Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    for &(purpose, line) in examples_of(name)? {
        ensure_accepted(line)?;
        roff.control("PP", []);
        roff.text([roman(purpose)]);
        roff.control("PP", []);
        roff.control("RS", ["4"]);
        roff.control("EX", []);
        roff.text([bold(line)]);
        roff.control("EE", []);
        roff.control("RE", []);
    }
    roff.to_writer(page)
}

fn examples_of(name: &str) -> Result<&'static [Example]> {
    let found = EXAMPLES.iter().find(|(command, _)| *command == name);
    let missing = || Error::other(format!("examples/man.rs has no example for {name}"));
    found.map(|(_, examples)| *examples).ok_or_else(missing)
}

/// What man leaves of 80 columns for an example, which it does not wrap.
const WIDTH: usize = 69;

/// Fails for a command line that is too long, or that the program would refuse.
fn ensure_accepted(line: &str) -> Result<()> {
    if line.len() > WIDTH {
        return Err(Error::other(format!(
            "{line}\nis longer than {WIDTH} bytes"
        )));
    }
    let ours = line
        .rsplit(" | ")
        .find(|part| part.starts_with("shellpack "));
    let words = words(ours.unwrap_or(line));
    Cli::try_parse_from(words)
        .map(drop)
        .map_err(|error| Error::other(format!("{line}\n{error}")))
}

/// The words of a command line, with single quotes, up to a redirection.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            c => words
                .last_mut()
                .expect("there is one from the start")
                .push(c),
        }
    }
    let end = words.iter().position(|word| word == "|" || word == ">");
    words.truncate(end.unwrap_or(words.len()));
    words
}

/// The purpose of a command line, and the line.
type Example = (&'static str, &'static str);

const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "shellpack",
        &[
            (
                "Pack the shell of the current directory onto a stick:",
                "shellpack create -o /mnt/stick/dev.shellpack",
            ),
            (
                "Enter it on a machine with no network:",
                "shellpack open /mnt/stick/dev.shellpack",
            ),
            (
                "Enter it again later, without the stick:",
                "shellpack enter dev",
            ),
        ],
    ),
    (
        "create",
        &[
            (
                "Pack shell.nix of the current directory into NAME.shellpack, where NAME is the name of the directory:",
                "shellpack create",
            ),
            (
                "Show what would be packed, rehearsal included, and write nothing:",
                "shellpack create --dry-run",
            ),
            (
                "Pack two shells of a project into one bundle:",
                "shellpack create app tools/lint.nix -o project.shellpack",
            ),
            (
                "Pack a dev shell of a flake:",
                "shellpack create '.#default'",
            ),
            (
                "Pack packages, without a shell file:",
                "shellpack create -p hello jq --name tools",
            ),
            (
                "Refuse sources that the shell does not pin, and cut the bundle for a release:",
                "shellpack create --locked --volume-size release --parity 5%",
            ),
            (
                "Make a smaller bundle, which can only be entered without evaluation:",
                "shellpack create --no-eval",
            ),
            (
                "Send the bundle to another machine without a file in between:",
                "shellpack create -o - | ssh offline 'cat > dev.shellpack'",
            ),
        ],
    ),
    (
        "open",
        &[
            (
                "Check and import a bundle, and enter its shell:",
                "shellpack open /mnt/stick/dev.shellpack",
            ),
            (
                "Run one command in the shell, and exit as it does:",
                "shellpack open dev.shellpack --run 'make test'",
            ),
            (
                "Enter one of several shells, with the project files in another directory:",
                "shellpack open dev.shellpack --shell tools/lint --dir ~/src/dev",
            ),
            (
                "Read volumes from two sticks:",
                "shellpack open /mnt/one/dev.shellpack.001 --volumes /mnt/two",
            ),
            (
                "As root, import for users whom Nix does not trust:",
                "shellpack open dev.shellpack --no-shell",
            ),
            (
                "Enter exactly what was packed, without evaluating it:",
                "shellpack open dev.shellpack --no-eval",
            ),
            (
                "Read the bundle from a pipe:",
                "cat /mnt/stick/dev.shellpack.[0-9]* | shellpack open -",
            ),
        ],
    ),
    (
        "enter",
        &[
            (
                "Enter the shell of the opened project around the current directory:",
                "shellpack enter",
            ),
            (
                "Run a command in a shell, from anywhere:",
                "shellpack enter dev --run 'make test'",
            ),
            (
                "Enter without evaluation, and without Nix:",
                "shellpack enter dev --no-eval",
            ),
        ],
    ),
    (
        "list",
        &[
            ("List the bundles that were opened here:", "shellpack list"),
            (
                "List every garbage collection root as well:",
                "shellpack list --verbose",
            ),
            (
                "Print the project directories, for a program:",
                "shellpack list --json | jq -r '.[].projects[].directory'",
            ),
        ],
    ),
    (
        "remove",
        &[(
            "Remove a bundle, so that nix-collect-garbage frees its space:",
            "shellpack remove dev",
        )],
    ),
    (
        "inspect",
        &[
            (
                "Show the shells, pins, sizes and proof of a bundle:",
                "shellpack inspect dev.shellpack",
            ),
            (
                "Print the digest that names its content:",
                "shellpack inspect --json dev.shellpack | jq -r '.\"manifest-digest\"'",
            ),
        ],
    ),
    (
        "verify",
        &[
            (
                "Check every byte, after a copy or at the gate:",
                "shellpack verify /mnt/stick/dev.shellpack",
            ),
            (
                "Check a bundle from a pipe:",
                "cat dev.shellpack.[0-9]* | shellpack verify -",
            ),
        ],
    ),
    (
        "rehearse",
        &[
            (
                "Try a bundle in an empty store with no network:",
                "shellpack rehearse dev.shellpack",
            ),
            (
                "Run the project's tests that way, in CI:",
                "shellpack rehearse dev.shellpack --run 'make test'",
            ),
        ],
    ),
    (
        "split",
        &[
            (
                "Cut a bundle for a stick with FAT32:",
                "shellpack split dev.shellpack --volume-size fat32 -o /mnt/stick",
            ),
            (
                "Cut it into volumes of 650 MiB in the current directory:",
                "shellpack split dev.shellpack --volume-size 650M",
            ),
        ],
    ),
    (
        "join",
        &[(
            "Make one file of volumes in two directories:",
            "shellpack join /mnt/one/dev.shellpack.001 --volumes /mnt/two",
        )],
    ),
    (
        "copy",
        &[
            (
                "Copy a bundle to a stick, or continue after an interruption:",
                "shellpack copy dev.shellpack /mnt/stick",
            ),
            (
                "Copy it with parity, and for discs:",
                "shellpack copy dev.shellpack discs --volume-size dvd --parity 5%",
            ),
        ],
    ),
    (
        "protect",
        &[(
            "Write parity for up to 10 % of damage:",
            "shellpack protect dev.shellpack --parity 10%",
        )],
    ),
    (
        "repair",
        &[
            (
                "Restore a damaged bundle into ./dev-repaired.shellpack:",
                "shellpack repair /mnt/stick/dev.shellpack",
            ),
            (
                "Restore it to another place, with parity from another stick:",
                "shellpack repair dev.shellpack --volumes /mnt/two -o whole.shellpack",
            ),
        ],
    ),
];
