//! Options that every command has.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use crate::report::Progress;

const HEADING: &str = "Global options";

/// The last line of every command's help.
const WHERE: &str = "Global options, such as --quiet and --progress: see `shellpack --help`.";

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Print only errors
    #[arg(short, long, global = true, help_heading = HEADING)]
    pub quiet: bool,
    /// Print every store path, every project file, and all that Nix says before it fails
    #[arg(short, long, global = true, help_heading = HEADING, conflicts_with = "quiet")]
    pub verbose: bool,
    /// When to use colour
    #[arg(long, global = true, help_heading = HEADING, value_name = "WHEN", default_value = "auto")]
    pub color: When,
    /// How to show progress
    #[arg(long, global = true, help_heading = HEADING, value_name = "HOW", default_value = "auto")]
    pub progress: How,
}

/// When to do something that depends on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// If stderr is a terminal
    Auto,
    /// Even if stderr is not a terminal
    Always,
    /// Not at all
    Never,
}

/// How to show progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum How {
    /// A bar on a terminal, plain lines elsewhere
    Auto,
    /// A bar, even if stderr is not a terminal
    Always,
    /// Not at all
    Never,
    /// One JSON object per line, for programs; also for errors, warnings and Nix's log
    Json,
}

/// Keeps the global options out of a command's help. clap copies them to every command that does not
/// have them, so this adds hidden ones, which work the same.
pub(super) fn hide(command: clap::Command) -> clap::Command {
    let global = Global::augment_args(clap::Command::new("global"));
    let hidden = global.get_arguments().map(|arg| arg.clone().hide(true));
    command.args(hidden).after_help(WHERE)
}

impl Global {
    /// How progress is shown.
    pub fn progress(&self) -> Progress {
        match self.progress {
            How::Auto => Progress::Auto,
            How::Always => Progress::Always,
            How::Never => Progress::Never,
            How::Json => Progress::Json,
        }
    }

    /// These options, for another shellpack.
    pub fn to_args(&self) -> Vec<OsString> {
        let mut args: Vec<OsString> = Vec::new();
        if self.quiet {
            args.push("--quiet".into());
        }
        args.push(format!("--color={}", name_of(self.color)).into());
        args.push(format!("--progress={}", name_of(self.progress)).into());
        args
    }
}

/// The name that is typed.
fn name_of(value: impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}
