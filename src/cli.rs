//! The command line: what can be typed, its help, and what each command prints.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::report::Progress;
use crate::{describe, open, rehearse, room, verify};

mod create;
mod hint;
mod opened;
mod run;
mod signals;
mod stdout;
mod volumes;

pub(crate) use create::Create;
pub(crate) use opened::{Enter, Entry, List, Remove};
use volumes::Again;
pub(crate) use volumes::{Copy, Join, Protect, Repair, Split, Volumes};

/// Parses the command line, runs the command, prints its error, and returns the exit code.
pub fn main() -> ExitCode {
    // Rooms are built by this program starting itself again, before it has any threads.
    let args: Vec<_> = std::env::args_os().collect();
    if let Some(code) = room::hidden_entry(&args).or_else(|| rehearse::inside::hidden_entry(&args))
    {
        std::process::exit(code);
    }
    run::run(Cli::parse())
}

/// Carry a nix-shell to a machine with no network, in one file.
///
/// On a machine with a network, `shellpack create shell.nix` packs the shell. On the other
/// side of the air gap, `shellpack open NAME.shellpack` enters it.
#[derive(Debug, Parser)]
#[command(name = "shellpack", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 failed; 2 the command line makes no sense; 130 interrupted.
`open`, `enter` and `rehearse` exit as the command that they ran did, with 125 if shellpack
itself failed, and with 126 or 127 if the command could not be started.";

/// The heading of options that every command has.
const TALK: &str = "What is printed";

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Print nothing but errors
    #[arg(short, long, global = true, help_heading = TALK)]
    pub quiet: bool,
    /// Print more: every store path, every project file
    #[arg(short, long, global = true, help_heading = TALK, conflicts_with = "quiet")]
    pub verbose: bool,
    /// When to use colour
    #[arg(long, global = true, help_heading = TALK, value_name = "WHEN", default_value = "auto")]
    pub color: When,
    /// How to show progress
    #[arg(long, global = true, help_heading = TALK, value_name = "HOW", default_value = "auto")]
    pub progress: How,
}

/// When to do something that depends on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// If stderr is a terminal
    Auto,
    /// Whatever stderr is
    Always,
    /// Not at all
    Never,
}

/// How to show progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum How {
    /// A bar on a terminal, plain lines elsewhere
    Auto,
    /// A bar, whatever stderr is
    Always,
    /// Not at all
    Never,
    /// A JSON object per line, for programs; errors, warnings and Nix's log likewise
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Pack a shell into one file
    ///
    /// Evaluates and builds the shell, collects its closure, its pinned sources and its
    /// project files, enters it in a room with no network to prove that nothing is missing,
    /// and writes it all to one file.
    Create(Box<Create>),
    /// Check a bundle, import it, and enter its shell
    ///
    /// Imports what the store does not have, writes the project files and becomes nix-shell.
    /// Nothing is fetched and nothing is built.
    Open(Open),
    /// Enter a shell that was opened before; no bundle is needed
    ///
    /// Becomes nix-shell in the project's directory, as it is there now. Nothing is fetched and
    /// nothing is built.
    Enter(Enter),
    /// List what was opened here
    ///
    /// Name, size, when it was opened last, how many garbage collection roots hold it, the
    /// derivation, and the project directories. Needs no Nix.
    List(List),
    /// Let go of what was opened, so that a garbage collection frees its space
    ///
    /// Removes the garbage collection roots and says what `nix-collect-garbage` would free.
    /// Project directories stay as they are.
    Remove(Remove),
    /// Show what a bundle's manifest says
    Inspect(Inspect),
    /// Check every byte of a bundle and list all faults
    ///
    /// Executes nothing and needs no Nix.
    Verify(Verify),
    /// Open a bundle in a room with no network and an empty store
    ///
    /// Scratch space for the unpacked store is taken in $TMPDIR, else in the cache directory.
    Rehearse(Rehearse),
    /// Cut a bundle into volumes
    ///
    /// Every byte is checked while it is copied; the bundle stays. `sha256sum -c` reads the
    /// checksum file that is written beside the volumes.
    Split(Split),
    /// Join volumes to one file
    ///
    /// Every byte is checked while it is copied; the volumes stay. To open them, they need not be
    /// joined.
    Join(Join),
    /// Copy a bundle to a stick, and verify it on the way
    ///
    /// It has there the volumes and the parity that it has here, unless told otherwise. An interrupted
    /// copy leaves .NAME.shellpack-copy, and the same command goes on from there.
    Copy(Copy),
    /// Write parity for a bundle, from which what gets damaged can be restored
    ///
    /// The bundle is verified first, and stays as it is. NAME.shellpack.parity covers it in one file
    /// and in volumes.
    Protect(Protect),
    /// Restore a damaged bundle from its parity
    ///
    /// Writes the exact bytes to a new file, and verifies them; what is left of the bundle stays as it
    /// is. Volumes that are missing are restored, too, if there is as much parity.
    Repair(Repair),
}

/// `shellpack open`.
#[derive(Debug, Args)]
pub struct Open {
    /// The bundle, or one of its volumes; `-` is standard input
    bundle: PathBuf,
    /// Which of the bundle's shells to enter [default: the first]
    #[arg(long, value_name = "NAME")]
    shell: Option<String>,
    #[command(flatten)]
    volumes: Volumes,
    #[command(flatten)]
    entry: Entry,
    /// Where to put the project files [default: ./NAME]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Import and write the project files, but do not enter
    #[arg(long, conflicts_with_all = ["run", "command", "pure", "keep"])]
    no_shell: bool,
    /// How many segments to unpack at a time [default: the number of processors]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// `shellpack inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The bundle, or one of its volumes; `-` is standard input
    pub bundle: PathBuf,
    /// Where its volumes may lie.
    #[command(flatten)]
    pub volumes: Volumes,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `shellpack verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The bundle, or one of its volumes; `-` is standard input
    pub bundle: PathBuf,
    /// Where its volumes may lie.
    #[command(flatten)]
    pub volumes: Volumes,
    /// How many segments to check at a time [default: the number of processors]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// `shellpack rehearse`.
#[derive(Debug, Args)]
pub struct Rehearse {
    /// The bundle, or one of its volumes
    pub bundle: PathBuf,
    /// Which of the bundle's shells to enter [default: all, one after the other]
    #[arg(long, value_name = "NAME")]
    pub shell: Option<String>,
    /// Where its volumes may lie.
    #[command(flatten)]
    pub volumes: Volumes,
    /// What to run in the shell
    #[arg(
        long,
        value_name = "CMD",
        default_value = "true",
        allow_hyphen_values = true
    )]
    pub run: String,
}

impl Open {
    /// What the engine is asked to do.
    pub fn options(self) -> open::Options {
        let way = self.entry.way();
        open::Options {
            bundle: self.bundle,
            shell: self.shell,
            volumes: self.volumes.dirs,
            dir: self.dir,
            entry: (!self.no_shell).then(|| self.entry.options()),
            way,
            jobs: jobs(self.jobs),
        }
    }
}

impl Inspect {
    /// What the engine is asked to do.
    pub fn options(self) -> describe::Options {
        describe::Options {
            bundle: self.bundle,
            volumes: self.volumes.dirs,
        }
    }
}

impl Verify {
    /// What the engine is asked to do.
    pub fn options(self) -> verify::Options {
        verify::Options {
            bundle: self.bundle,
            volumes: self.volumes.dirs,
            jobs: jobs(self.jobs),
        }
    }
}

impl Rehearse {
    /// What the engine is asked to do.
    pub fn options(self, global: &Global) -> rehearse::Options {
        rehearse::Options {
            bundle: self.bundle,
            volumes: self.volumes.dirs,
            shell: self.shell,
            run: self.run,
            global: global.to_args(),
        }
    }
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

    /// The same options for another shellpack.
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

/// As it is typed.
fn name_of(value: impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

fn jobs(asked: Option<NonZeroUsize>) -> usize {
    let processors = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    asked.unwrap_or_else(processors).get()
}

/// `fast` is for a stick that is faster than the processor, `small` for a link that is slow.
fn parse_level(text: &str) -> Result<i32, String> {
    match text {
        "fast" => Ok(1),
        "default" => Ok(3),
        "small" => Ok(19),
        number => number
            .parse()
            .ok()
            .filter(|level| (1..=22).contains(level))
            .ok_or_else(|| {
                "it is neither fast, default, small nor a number from 1 to 22".to_owned()
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn levels_are_parsed() {
        assert_eq!(
            ["fast", "default", "small", "22"].map(|text| parse_level(text).unwrap()),
            [1, 3, 19, 22]
        );
        assert!(
            parse_level("0").is_err() && parse_level("23").is_err() && parse_level("best").is_err()
        );
    }
}
