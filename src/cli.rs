//! The command line: what can be typed, its help, and what each command prints.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{launch, media, open as opening, rehearse, room};

mod check;
mod completions;
mod create;
mod environment;
mod global;
mod graph;
mod hint;
mod launched;
mod man;
mod nix;
mod open;
mod opened;
mod run;
mod signals;
mod stdout;
mod tip;
mod trust;
mod update;
mod volumes;
mod wrap;

pub(crate) use check::{Inspect, Rehearse, Verify};
pub(crate) use completions::Completions;
pub(crate) use create::Create;
pub(crate) use global::{Global, When};
pub(crate) use graph::{Du, Why};
use man::Pages;
use nix::NixArguments;
pub(crate) use open::{Enter, Env, Open, Run};
pub(crate) use opened::{List, OpenedStore, Remove, Rollback};
use trust::{Config, Keygen, Sign};
pub(crate) use update::{Diff, Inventory};
use volumes::ReadingBack;
pub(crate) use volumes::{Copy, Join, Protect, Repair, Split, Volumes};

/// Parses the command line, runs the command, prints its error, and returns the exit code.
pub fn main() -> ExitCode {
    launch::settle();
    // To build a room, this program starts itself again. That must come before any thread.
    let args: Vec<_> = std::env::args_os().collect();
    let hidden = room::hidden_entry(&args)
        .or_else(|| rehearse::inside::hidden_entry(&args))
        .or_else(|| completions::hidden_entry(&args))
        .or_else(|| media::sync::hidden_entry(&args))
        .or_else(|| opening::hidden_entry(&args));
    if let Some(code) = hidden {
        std::process::exit(code);
    }
    if let Some(untold) = room::host::hidden_entry(&args) {
        return run::tell(&untold);
    }
    let args = launch::without_header(args);
    let cli = launched::parse(&args).unwrap_or_else(|error| {
        launch::leave();
        launched::refuse(error)
    });
    let code = run::run(cli);
    launch::leave();
    code
}

/// Carry a nix-shell to a machine with no network, in one file.
///
/// On a machine with a network, `shellpack create shell.nix` packs the shell. On the other
/// side of the air gap, `shellpack open NAME.shellpack` enters it.
#[derive(Debug, Parser)]
#[command(
    name = "shellpack",
    version,
    max_term_width = 80,
    after_help = EXIT_CODES,
    mut_subcommands = global::hide
)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
}

const EXIT_CODES: &str = "\
Exit codes: 0 success; 1 failure; 2 usage error; 130 interrupted. `open`, `enter`, `run` and `rehearse` \
exit with the code of the command that they run; with 125 if shellpack itself fails, and with 126 \
or 127 if the command cannot be started.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Pack a shell into one file
    ///
    /// Evaluates and builds the shell, collects its closure, pins and project files, enters it
    /// in a room with no network to prove that nothing is missing, and writes everything to
    /// one file.
    Create(Box<Create>),
    /// Check a bundle, import it, and enter its shell
    ///
    /// Imports the store paths that this machine does not have, writes the project files and
    /// becomes nix-shell. Nothing is fetched and nothing is built.
    Open(Open),
    /// Enter a shell that was opened before, without its bundle
    ///
    /// Becomes nix-shell in the project directory as it is now. Nothing is fetched and nothing
    /// is built.
    Enter(Enter),
    /// Run a command in an opened shell, and print nothing else
    ///
    /// For scripts, cron and editors. The exit code is the command's.
    Run(Run),
    /// Print the environment of an opened shell, for other tools
    ///
    /// Evaluates nothing and does not need Nix. For bash: eval "$(shellpack env NAME)"
    Env(Env),
    /// List the bundles that were opened here
    ///
    /// Shows each bundle's name, size, time of last opening, garbage collection roots,
    /// derivation and project directories. Does not need Nix.
    List(List),
    /// Go back to the bundle that was opened into a project before
    ///
    /// Puts its project files back: those that were not edited are replaced, edited ones stay. It is
    /// the one that the name means from then on. Does not need the bundle, nor Nix.
    Rollback(Rollback),
    /// Release an opened bundle for garbage collection
    ///
    /// Removes the garbage collection roots and reports how much `nix-collect-garbage` would
    /// free. Project directories are kept.
    Remove(Remove),
    /// Show the contents of a bundle's manifest
    Inspect(Inspect),
    /// Check every byte of a bundle and list all faults
    ///
    /// Executes nothing and does not need Nix.
    Verify(Verify),
    /// Open a bundle in a room with no network and an empty store
    ///
    /// The store is unpacked into $TMPDIR, or into the cache directory if TMPDIR is not set.
    Rehearse(Rehearse),
    /// List what this machine's store has, for updates
    ///
    /// The machine that packs leaves all of it out of a bundle: shellpack create --for have.spi. Where only
    /// an identifier may cross, --text prints some that can be typed.
    Inventory(Inventory),
    /// Compare two bundles, package by package
    ///
    /// Shows which packages were added, removed, rebuilt, or changed from version to version, and the size of their
    /// NARs. Inventories and manifests have these, too. The exit code does not depend on differences.
    Diff(Diff),
    /// Show what the store paths of a bundle weigh
    ///
    /// For each path, FREED is the size of all that would be freed without it: its own NAR, and those of the paths
    /// that nothing else brings in. -v lists all paths. Reads the manifest alone.
    Du(Du),
    /// Show why a store path is in a bundle
    ///
    /// PATH is a store path, its name, or the name of a package. Prints the shortest way to it from each variable of
    /// a shell, pin or tool that brings it in. Reads the manifest alone.
    Why(Why),
    /// Cut a bundle into volumes
    ///
    /// Checks every byte while copying, and keeps the bundle. Writes a checksum file beside the
    /// volumes for `sha256sum -c`.
    Split(Split),
    /// Join volumes into one file
    ///
    /// Checks every byte while copying, and keeps the volumes. They can also be opened without
    /// joining them.
    Join(Join),
    /// Copy a bundle to a stick, and verify it on the way
    ///
    /// The copy has the same volumes and parity as the original, unless options say otherwise, and the
    /// program that `create --with-opener` wrote beside it.
    /// An interrupted copy leaves .NAME.shellpack-copy behind; the same command continues it.
    Copy(Copy),
    /// Write parity, from which damage to a bundle can be repaired
    ///
    /// Verifies the bundle first, and does not change it. NAME.shellpack.parity protects the
    /// bundle both in one file and in volumes.
    Protect(Protect),
    /// Repair a damaged bundle from its parity
    ///
    /// Writes the original bytes to a new file and verifies them; does not change the damaged
    /// bundle. Missing volumes are restored as well, if there is enough parity.
    Repair(Repair),
    /// Make a key that signs bundles
    ///
    /// The key has Nix's format, so it signs store paths as well, and Nix can trust it. Prints the
    /// public key, which belongs into trusted-keys on the targets.
    Keygen(Keygen),
    /// Sign a bundle
    ///
    /// Adds a signature to a bundle, in place; the other bytes stay as they are. Of a bundle in
    /// volumes, only the first changes. Checksum and parity files beside it are brought up to date.
    Sign(Sign),
    /// Show whose bundles are trusted here
    ///
    /// Shows the policy in force: the machine's, in /etc/shellpack, the user's, in
    /// ~/.config/shellpack, and the keys that Nix trusts.
    Config(Config),
    /// Print a script with which a shell completes command lines
    ///
    /// Shells look for it here:
    ///   bash  ~/.local/share/bash-completion/completions/shellpack
    ///   zsh   _shellpack, in a directory of fpath
    ///   fish  ~/.config/fish/completions/shellpack.fish
    /// These also complete the names of opened bundles. In elvish and PowerShell,
    /// only commands and options are completed.
    #[command(verbatim_doc_comment)]
    Completions(Completions),
    /// Print a man page
    ///
    /// The page is for roff, and so for `man -l -`.
    Man(Pages),
}

/// The commands, by the name that they have here.
fn commands() -> clap::Command {
    let command = <Cli as clap::CommandFactory>::command();
    match launch::bundle() {
        None => command,
        Some(bundle) => command.bin_name(format!("{} --shellpack", launch::call(&bundle))),
    }
}

fn threads(asked: Option<NonZeroUsize>) -> usize {
    let processors = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    asked.unwrap_or_else(processors).get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
