//! The command line: what can be typed, and its help. No input or output here.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::create::{self, Subject, write::Output};
use crate::nix::command::{Argument, Selection};
use crate::open;
use crate::report::Progress;

mod opened;

pub use opened::{Enter, Entry, List, Remove};

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
}

/// `shellpack create`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct Create {
    /// The shell file, or the directory that it is in
    #[arg(default_value = ".", value_name = "FILE")]
    file: PathBuf,
    /// Pack a shell with these packages of `<nixpkgs>`, like `nix-shell -p`
    #[arg(short, long, value_name = "PKG", num_args = 1.., conflicts_with_all = ["file", "expr", "attr"])]
    packages: Vec<String>,
    /// Pack what this expression evaluates to, like `nix-shell -E`
    #[arg(
        short = 'E',
        long,
        value_name = "EXPR",
        conflicts_with = "file",
        allow_hyphen_values = true
    )]
    expr: Option<String>,
    /// Pack this attribute of the file
    #[arg(short = 'A', long, value_name = "ATTR")]
    attr: Option<String>,
    /// Pass a Nix expression as an argument
    #[arg(long, num_args = 2, value_names = ["NAME", "EXPR"], allow_hyphen_values = true)]
    arg: Vec<String>,
    /// Pass a string as an argument
    #[arg(long, num_args = 2, value_names = ["NAME", "VALUE"], allow_hyphen_values = true)]
    argstr: Vec<String>,
    /// Add an entry to Nix's search path
    #[arg(short = 'I', value_name = "PATH")]
    search: Vec<String>,
    /// Fail if the shell does not pin what it fetches, instead of freezing it as it is now
    #[arg(long)]
    locked: bool,
    /// Where to write the bundle; `-` is standard output [default: NAME.shellpack]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The bundle's name [default: the name of the project's directory]
    #[arg(long)]
    name: Option<String>,
    /// Carry this file or directory, too, although evaluation does not read it
    #[arg(long, value_name = "PATH")]
    include: Vec<PathBuf>,
    /// Leave out what evaluation takes: a smaller bundle, which can only be entered without
    /// evaluating
    #[arg(long)]
    frozen: bool,
    /// How hard to compress: fast, default, small, or a level of zstd (1..22)
    #[arg(long, default_value = "default", value_parser = parse_level)]
    level: i32,
    /// How many segments to compress at a time [default: the number of processors]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Replace an existing file
    #[arg(short, long)]
    force: bool,
    /// Do everything but write the file
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Do not prove that the bundle opens; it is marked as unproved
    #[arg(long)]
    no_rehearsal: bool,
    /// Do not read the written file again to see whether it arrived on the disk as it was meant
    #[arg(long)]
    no_read_back: bool,
}

/// `shellpack open`.
#[derive(Debug, Args)]
pub struct Open {
    /// The bundle; `-` is standard input
    bundle: PathBuf,
    #[command(flatten)]
    entry: Entry,
    /// Enter without evaluating: by what the bundle says that the shell evaluates to. Takes no
    /// Nix once everything is there
    #[arg(long)]
    frozen: bool,
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
    /// The bundle; `-` is standard input
    pub bundle: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `shellpack verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The bundle; `-` is standard input
    pub bundle: PathBuf,
    /// How many segments to check at a time [default: the number of processors]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// `shellpack rehearse`.
#[derive(Debug, Args)]
pub struct Rehearse {
    /// The bundle
    pub bundle: PathBuf,
    /// What to run in the shell
    #[arg(
        long,
        value_name = "CMD",
        default_value = "true",
        allow_hyphen_values = true
    )]
    pub run: String,
}

impl Create {
    /// What the engine is asked to do.
    pub fn options(self) -> create::Options {
        let pairs = |values: &[String], string| -> Vec<Argument> {
            values
                .chunks_exact(2)
                .map(|pair| Argument {
                    name: pair[0].clone(),
                    value: pair[1].clone(),
                    string,
                })
                .collect()
        };
        let arguments = [pairs(&self.arg, false), pairs(&self.argstr, true)].concat();
        let output = |path: PathBuf| {
            if path == std::path::Path::new("-") {
                Output::Stdout
            } else {
                Output::File {
                    path,
                    force: self.force,
                }
            }
        };
        let subject = match self.expr {
            Some(expression) => Subject::Expression(expression),
            None if self.packages.is_empty() => Subject::File(self.file),
            None => Subject::Packages(self.packages),
        };
        create::Options {
            subject,
            selection: Selection {
                attribute: self.attr,
                arguments,
            },
            include: self.search,
            locked: self.locked,
            extra_files: self.include,
            frozen: self.frozen,
            name: self.name,
            output: self.output.map(output),
            force: self.force,
            level: self.level,
            jobs: jobs(self.jobs),
            rehearsal: !self.no_rehearsal,
            read_back: !self.no_read_back,
            dry_run: self.dry_run,
        }
    }
}

impl Open {
    /// What the engine is asked to do.
    pub fn options(self) -> open::Options {
        open::Options {
            bundle: self.bundle,
            dir: self.dir,
            entry: (!self.no_shell).then(|| self.entry.options()),
            frozen: self.frozen,
            jobs: jobs(self.jobs),
        }
    }
}

impl Verify {
    /// How many segments to check at a time.
    pub fn jobs(&self) -> usize {
        jobs(self.jobs)
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
