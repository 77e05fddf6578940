//! Writes the man pages, one for the program and one for each command, from the types that
//! the command line is parsed into: `cargo run --example man -- DIRECTORY`, or `make man`.
//!
//! An example rather than a program, so that nobody who installs shellpack gets or builds it.

use std::path::PathBuf;

use clap::CommandFactory as _;
use shellpack::internals::Cli;

fn main() -> std::io::Result<()> {
    let Some(dir) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(std::io::Error::other("usage: man DIRECTORY"));
    };
    std::fs::create_dir_all(&dir)?;
    // clap's own `help` command is about the terminal; it needs no page.
    clap_mangen::generate_to(Cli::command().disable_help_subcommand(true), dir)
}
