//! Options of what is done with a shell: entering it, and what comes after it was opened.

use clap::Args;

use crate::enter;
use crate::entry::invocation::RUN;
use crate::entry::{self, Way};

/// How the shell is entered: options of `open` and of `enter`.
#[derive(Debug, Args)]
pub(crate) struct Entry {
    /// Run a command in the shell instead of an interactive bash, like `nix-shell --run`
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
    /// Clear the environment before entering
    #[arg(long)]
    pure: bool,
    /// Keep this variable in spite of --pure
    #[arg(long, value_name = "VAR")]
    keep: Vec<String>,
    /// Enter without evaluating: by what the bundle says that the shell evaluates to. Takes no
    /// Nix once everything is there
    #[arg(long)]
    no_eval: bool,
    /// Build what the shell needs here and the bundle does not have, if that takes no network
    #[arg(long, conflicts_with = "no_eval")]
    build: bool,
}

/// `shellpack enter`.
#[derive(Debug, Args)]
pub struct Enter {
    /// The bundle's name, as `shellpack list` has it [default: what was opened into the project
    /// around the current directory]
    name: Option<String>,
    /// Which of the bundle's shells to enter [default: the one whose directory is the innermost
    /// around the current directory, else the first]
    #[arg(long, value_name = "NAME")]
    shell: Option<String>,
    #[command(flatten)]
    entry: Entry,
}

/// `shellpack list`.
#[derive(Debug, Args)]
pub struct List {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `shellpack remove`.
#[derive(Debug, Args)]
pub struct Remove {
    /// The bundle's name, as `shellpack list` has it
    pub name: String,
}

impl Entry {
    pub(super) fn way(&self) -> Way {
        match (self.no_eval, self.build) {
            (true, _) => Way::NoEval,
            (false, true) => Way::Build,
            (false, false) => Way::Evaluate,
        }
    }

    /// In nix-shell's terms.
    pub(super) fn options(self) -> entry::Entry {
        let run = self.run.map(|command| (RUN, command));
        let command = run.or(self.command.map(|command| ("--command", command)));
        entry::Entry {
            command,
            pure: self.pure,
            keep: self.keep,
        }
    }
}

impl Enter {
    /// What the engine is asked to do.
    pub fn options(self) -> enter::Options {
        enter::Options {
            name: self.name,
            shell: self.shell,
            way: self.entry.way(),
            entry: self.entry.options(),
        }
    }
}
