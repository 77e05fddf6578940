//! Writes completions for shells, from the types that the command line is parsed into:
//! `cargo run --example completions -- DIRECTORY`; `make dist` does.
//!
//! This is an example and not a program, so that it is not installed with shellpack.

use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_complete::{Shell, generate_to};
use shellpack::internals::Cli;

fn main() -> std::io::Result<()> {
    let Some(dir) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(std::io::Error::other("usage: completions DIRECTORY"));
    };
    std::fs::create_dir_all(&dir)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut Cli::command(), "shellpack", &dir)?;
    }
    Ok(())
}
