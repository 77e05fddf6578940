//! Parse, run, print the error, exit.

use std::process::ExitCode;

use clap::Parser as _;
use shellpack::cli::Cli;
use shellpack::{commands, rehearse, room};

fn main() -> ExitCode {
    // Rooms are built by this program starting itself again, before it has any threads.
    let args: Vec<_> = std::env::args_os().collect();
    if let Some(code) = room::hidden_entry(&args).or_else(|| rehearse::inside::hidden_entry(&args))
    {
        std::process::exit(code);
    }
    commands::run(Cli::parse())
}
