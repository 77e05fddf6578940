//! Options of `open` and `enter`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use clap::error::ErrorKind;
use rustix::fs::FileType;

use super::{OpenedStore, Volumes, commands, hint, threads};
use crate::entry::invocation::RUN;
use crate::entry::{self, Way};
use crate::{enter, open};
use shellpack_format::bundle::manifest::shell_quoted;

/// How the shell is entered: options of `open` and of `enter`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
struct EntryArgs {
    /// Run a command in the shell instead of an interactive bash, like
    /// `nix-shell --run`
    #[arg(long, value_name = "CMD", allow_hyphen_values = true)]
    run: Option<String>,
    /// Run a command in an interactive shell, like `nix-shell --command`
    #[arg(
        long,
        value_name = "CMD",
        conflicts_with = "run",
        allow_hyphen_values = true
    )]
    command: Option<String>,
    /// Run the script that the bundle was made of, as `nix-shell SCRIPT` does; words after `--` are
    /// its arguments
    #[arg(long, conflicts_with_all = ["run", "command"])]
    script: bool,
    /// Clear the environment before entering
    #[arg(long)]
    pure: bool,
    /// Keep this variable despite --pure
    #[arg(long, value_name = "VAR")]
    keep: Vec<String>,
    /// Enter without evaluation, with the environment that was packed; this does not need Nix once
    /// all store paths are here
    #[arg(long)]
    no_eval: bool,
    /// A command and its arguments to run in the shell, instead of --run; with --script, the
    /// script's arguments
    #[arg(last = true, value_name = "CMD", conflicts_with_all = ["run", "command"])]
    words: Vec<String>,
    /// Build whatever the shell needs here and the bundle does not have, if no network is needed
    /// for that
    #[arg(long, conflicts_with = "no_eval")]
    build: bool,
}

/// `shellpack open`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct Open {
    /// The bundle or one of its volumes; `-` is standard input [default: standard input, if that is a
    /// file or a pipe]
    bundle: Option<PathBuf>,
    /// Shell to enter, if the bundle has several [default: the first]
    #[arg(long, value_name = "NAME")]
    shell: Option<String>,
    #[command(flatten)]
    volumes: Volumes,
    #[command(flatten)]
    entry: EntryArgs,
    /// Directory for the project files [default: ./NAME]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Store for the bundle's paths: a directory, which needs neither Nix nor root, or `daemon` for
    /// Nix's own [default: Nix's, or else one in the home]
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Of an update: read all that it presumes, and compare it with the hashes, before anything is changed
    #[arg(long)]
    check_base: bool,
    /// Replace project files that differ from the bundle's, even if they were edited here
    #[arg(long)]
    overwrite: bool,
    /// Import and write the project files, but do not enter
    #[arg(long, conflicts_with_all = ["run", "command", "script", "words", "pure", "keep"])]
    no_shell: bool,
    /// Print JSON
    #[arg(long, requires = "no_shell")]
    pub json: bool,
    /// All of it is removed afterwards
    #[arg(long, hide = true)]
    rehearsal: bool,
    /// Number of threads that unpack segments [default: number of processors]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

/// `shellpack enter`.
#[derive(Debug, Args)]
pub struct Enter {
    /// Name of the bundle, as `shellpack list` shows it, or the beginning of it; of several with one
    /// name, the one that was opened last [default: the bundle whose project the current directory
    /// is in]
    name: Option<String>,
    /// Shell to enter, if the bundle has several [default: the innermost whose directory contains
    /// the current directory, else the first]
    #[arg(long, value_name = "NAME")]
    shell: Option<String>,
    #[command(flatten)]
    store: OpenedStore,
    #[command(flatten)]
    entry: EntryArgs,
}

/// `shellpack run`.
#[derive(Debug, Args)]
pub struct Run {
    /// Name of the bundle, as for `enter`
    name: Option<String>,
    /// Shell to run it in, as for `enter`
    #[arg(long, value_name = "NAME")]
    shell: Option<String>,
    #[command(flatten)]
    store: OpenedStore,
    /// Clear the environment before
    #[arg(long)]
    pure: bool,
    /// Keep this variable despite --pure
    #[arg(long, value_name = "VAR")]
    keep: Vec<String>,
    /// Run it without evaluation, in the environment that was packed
    #[arg(long)]
    no_eval: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    words: Vec<String>,
}

impl Run {
    /// The request to the engine.
    pub fn options(self) -> enter::Options {
        let words: Vec<_> = self.words.iter().map(|word| shell_quoted(word)).collect();
        enter::Options {
            which: which(self.name, self.shell, &self.store),
            way: if self.no_eval {
                Way::NoEval
            } else {
                Way::Evaluate
            },
            entry: entry::Entry {
                command: Some((RUN, words.join(" "))),
                pure: self.pure,
                keep: self.keep,
                script: None,
                is_rehearsal: false,
            },
        }
    }
}

/// The shell that the options name.
fn which(name: Option<String>, shell: Option<String>, store: &OpenedStore) -> enter::Which {
    enter::Which {
        name,
        shell,
        store: store.dir(),
    }
}

/// Standard input, if a bundle can come from it; else a usage error.
fn redirected() -> PathBuf {
    let is_redirected = rustix::fs::fstat(rustix::stdio::stdin()).is_ok_and(|stat| {
        let kind = FileType::from_raw_mode(stat.st_mode);
        [FileType::RegularFile, FileType::Fifo, FileType::Socket].contains(&kind)
    });
    if !is_redirected {
        let missing = "the following required arguments were not provided:\n  <BUNDLE>";
        let mut command = commands();
        command.build();
        let open = command.find_subcommand_mut("open");
        let open = open.expect("it is a command");
        open.error(ErrorKind::MissingRequiredArgument, missing)
            .exit();
    }
    "-".into()
}

/// `shellpack env`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct Env {
    /// Name of the bundle, as for `enter`
    name: Option<String>,
    /// Shell to take, as for `enter`
    #[arg(long, value_name = "NAME")]
    shell: Option<String>,
    #[command(flatten)]
    store: OpenedStore,
    /// Run the shell's hook first, for what it exports
    #[arg(long)]
    hook: bool,
    /// Print JSON
    #[arg(long, group = "form")]
    pub json: bool,
    /// Print lines for an env file: NAME='VALUE'
    #[arg(long, group = "form")]
    pub dotenv: bool,
    /// Print what to put into direnv's .envrc
    #[arg(long, group = "form")]
    pub direnv: bool,
}

impl EntryArgs {
    fn way(&self) -> Way {
        match (self.no_eval, self.build) {
            (true, _) => Way::NoEval,
            (false, true) => Way::Build,
            (false, false) => Way::Evaluate,
        }
    }

    /// In nix-shell's terms.
    fn options(self) -> entry::Entry {
        let quoted = |words: &[String]| -> Vec<_> {
            let words = words.iter().map(|word| shell_quoted(word));
            words.collect()
        };
        let (script, words) = if self.script {
            (Some(self.words), Vec::new())
        } else {
            (None, quoted(&self.words))
        };
        let typed = (!words.is_empty()).then(|| words.join(" "));
        let run = typed.or(self.run).map(|command| (RUN, command));
        let command = run.or(self.command.map(|command| ("--command", command)));
        entry::Entry {
            command,
            pure: self.pure,
            keep: self.keep,
            script,
            is_rehearsal: false,
        }
    }
}

impl Open {
    /// The request to the engine.
    pub fn options(self) -> open::Options {
        let way = self.entry.way();
        open::Options {
            bundle: self.bundle.unwrap_or_else(redirected),
            shell: self.shell,
            volumes: self.volumes.dirs,
            dir: self.dir,
            check_base: self.check_base,
            overwrite: self.overwrite,
            entry: (!self.no_shell).then(|| entry::Entry {
                is_rehearsal: self.rehearsal,
                ..self.entry.options()
            }),
            way,
            store: open::Store::typed(self.store),
            is_rehearsal: self.rehearsal,
            hint: hint::of,
            threads: threads(self.threads),
        }
    }
}

impl Env {
    /// The request to the engine.
    pub fn options(self) -> enter::env::Options {
        enter::env::Options {
            which: which(self.name, self.shell, &self.store),
            hook: self.hook,
        }
    }
}

impl Enter {
    /// The request to the engine.
    pub fn options(self) -> enter::Options {
        enter::Options {
            which: which(self.name, self.shell, &self.store),
            way: self.entry.way(),
            entry: self.entry.options(),
        }
    }
}
