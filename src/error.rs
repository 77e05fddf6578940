//! The one error type of the crate. Errors are data: they look at nothing.
//!
//! A message says what could not be done and to which file, store path or command; the source says
//! why; `cli::hint` says what to type next. A function that fails leaves nothing half-written.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use crate::text::{printable_line, shown};
use shellpack_format::bundle::BadBundle;
use shellpack_format::store::derivation::BadDerivation;
use shellpack_format::store::nar::parse::BadNar;
use shellpack_format::store::store_path::StorePath;

mod advice;
mod bad_base;
mod bad_key_file;
mod conflict;
mod damage;
mod distrust;
mod environment;
mod flake_problem;
mod kind;
mod make;
mod no_place;
mod no_shell;
mod no_way_back;
mod not_entered;
mod not_there;
mod output;
mod parity;
mod refusal;
mod remedy;
mod source;
mod unfit;
mod untrusted_paths;
mod words;

pub(crate) use advice::Advice;
pub(crate) use bad_base::{BadBase, NotKept};
pub(crate) use bad_key_file::BadKeyFile;
pub(crate) use conflict::Conflict;
pub(crate) use damage::Damage;
pub(crate) use distrust::{Distrust, UnknownSigner, WayToTrust};
pub(crate) use environment::BadEnvironment;
pub(crate) use flake_problem::FlakeProblem;
pub(crate) use kind::Kind;
pub(crate) use no_place::NoPlace;
pub(crate) use no_shell::NoShell;
pub(crate) use no_way_back::NoWayBack;
pub(crate) use not_entered::NotEntered;
pub(crate) use not_there::NotThere;
pub(crate) use output::{BadOpener, BadOutput};
pub(crate) use parity::{BadParity, ParityFault};
pub(crate) use refusal::{Purpose, Refusal};
pub(crate) use remedy::Remedy;
pub(crate) use source::BadSource;
pub(crate) use unfit::Unfit;
pub(crate) use untrusted_paths::{
    KeyToTrust, SignedBy, UntrustedGroup, UntrustedPaths, WayToImport,
};
pub(crate) use words::first;
use words::{describe, indent, on_lines_of_their_own, paths};

/// The crate's result.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// The ways in which shellpack can fail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file system operation failed.
    #[error("could not {action} {}", shown(path))]
    Io {
        /// The attempt, as a verb: `read`, `create`.
        action: &'static str,
        /// The file it was attempted on.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The user pressed Ctrl-C, or the system asked the process to end.
    #[error("interrupted")]
    Interrupted,

    // Requests of the user.
    /// There is no machine that an update can be made for.
    #[error(transparent)]
    Base(#[from] BadBase),
    /// There is no shell to pack.
    #[error(transparent)]
    NoShell(#[from] NoShell),
    /// The bundle cannot have this name.
    #[error("could not use the name: {}", printable_line(.0))]
    BadName(String),
    /// The output cannot be written to the chosen place.
    #[error(transparent)]
    Output(#[from] BadOutput),
    /// A file is needed, because a room must see it or because its name matters.
    #[error("could not {0} standard input: the bundle must be in a file")]
    NotFromStdin(&'static str),
    // Nix.
    /// There is no Nix.
    #[error("could not run {0}: Nix is not installed, or not on PATH")]
    NixNotInstalled(String),
    /// A command could not be started.
    #[error("could not run {program}")]
    CannotRun {
        /// The command.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// nix-shell, or the bash that replaces it, could not be started.
    #[error("could not run {program}")]
    CannotEnter {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A command of Nix failed; its own words are the message.
    #[error("{program} failed ({}){}", describe(*status), on_lines_of_their_own(words))]
    NixFailed {
        /// The command.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// Its output; empty if the user has seen it already.
        words: String,
    },
    /// A command of Nix printed something unexpected.
    #[error("could not parse the output of {program}: {}", printable_line(reason))]
    NixOutput {
        /// The command.
        program: &'static str,
        /// The fault.
        reason: String,
    },
    /// Nix's daemon refused or failed.
    #[error("nix-daemon: {message}")]
    Daemon {
        /// Its own words.
        message: String,
    },
    /// The connection to Nix's daemon broke.
    #[error("could not talk to nix-daemon")]
    DaemonLost(#[source] io::Error),
    /// Nix's database refused or failed.
    #[error("could not write Nix's database {}", shown(file))]
    Database {
        /// The database.
        file: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A derivation could not be read.
    #[error("could not read the derivation {path}")]
    BadDerivation {
        /// The derivation.
        path: StorePath,
        /// Why.
        #[source]
        source: BadDerivation,
    },

    // Evaluation and the project.
    /// The recorded shell is not the one that nix-shell enters.
    #[error("could not pack {}: with all that it takes from this machine frozen, it is another shell than nix-shell enters here", shown(.0))]
    AnotherShell(PathBuf),
    /// A fetched source cannot be packed.
    #[error(transparent)]
    Source(#[from] BadSource),
    /// Evaluation reads a file that cannot be one of the project files.
    #[error("could not pack {}: it is outside {}", shown(file), shown(limit))]
    OutsideProject {
        /// The file.
        file: PathBuf,
        /// The directory that the project may not exceed.
        limit: PathBuf,
    },
    /// A file of the project names another by a place that the target does not have.
    #[error(
        "could not pack {}: it names a file of the project by its place on this machine, {}",
        shown(from),
        printable_line(named)
    )]
    NamedByPlace {
        /// The file.
        from: PathBuf,
        /// The path in it.
        named: String,
        /// The path to write instead.
        instead: String,
    },
    /// A file is to be included in a project that is only an expression.
    #[error(
        "could not include {}: only a shell file has files beside it",
        shown(file)
    )]
    NothingBeside {
        /// The file to include.
        file: PathBuf,
        /// The expression.
        expression: String,
    },
    /// Environment variables stand in the way.
    #[error(transparent)]
    Environment(#[from] BadEnvironment),
    /// A flake cannot be packed.
    #[error(transparent)]
    Flake(#[from] FlakeProblem),
    /// A name or text that is not UTF-8.
    #[error("could not pack {0:?}: its name is not UTF-8")]
    NotUtf8(PathBuf),
    /// A socket, device or pipe.
    #[error("could not pack {}: it is not a file, directory or symlink", shown(.0))]
    SpecialFile(PathBuf),
    /// A path of the closure does not match the store's database.
    #[error("could not pack {path}: its contents do not match Nix's database ({reason})")]
    DamagedStorePath {
        /// The path, in full.
        path: String,
        /// The difference.
        reason: String,
    },
    /// A path that is needed is not valid.
    #[error("could not pack {0}: it is not valid in the store")]
    InvalidStorePath(String),
    /// A derivation of a kind that shellpack cannot carry.
    #[error("could not pack {path}: {reason}")]
    Unsupported {
        /// The derivation, in full.
        path: String,
        /// Why not.
        reason: String,
    },

    // Rooms and the rehearsal.
    /// Namespaces cannot be made.
    #[error("could not make a room {purpose}: {operation} is not allowed here: {refusal}")]
    NamespacesForbidden {
        /// The use of the room.
        purpose: Purpose,
        /// The operation that was refused.
        operation: String,
        /// The part of the machine that refuses it.
        refusal: Refusal,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A room could not be set up.
    #[error("could not set up the room: {what}")]
    Room {
        /// The step that failed, with path and reason.
        what: String,
    },
    /// The rehearsal failed: the bundle would not open.
    #[error("the rehearsal failed: {what}{}", indent(words))]
    RehearsalFailed {
        /// The check that failed.
        what: String,
        /// Nix's own words.
        words: String,
        /// Advice, if there is any.
        advice: Option<Advice>,
    },

    // Bundles.
    /// A bundle could not be read.
    #[error("could not read {}", shown(file))]
    Bundle {
        /// The bundle.
        file: PathBuf,
        /// The fault.
        #[source]
        source: BadBundle,
    },
    /// A bundle has faults, which have been listed.
    #[error("{} is damaged: {count} {}", shown(file), if *count == 1 { "fault" } else { "faults" })]
    Faults {
        /// The bundle.
        file: PathBuf,
        /// How many faults there are.
        count: usize,
        /// The remedy.
        remedy: Remedy,
    },
    /// A bundle that was just written cannot be read back.
    #[error("could not read back {}: the medium is failing", shown(file))]
    ReadBack {
        /// The file; it has been removed.
        file: PathBuf,
        /// The first fault.
        #[source]
        source: Box<Error>,
    },
    /// A bundle cannot be protected or repaired.
    #[error(transparent)]
    Parity(#[from] BadParity),
    /// The manifest that was made is not valid: a bug.
    #[error("could not write the manifest")]
    Manifest(#[source] BadBundle),
    /// A NAR could not be unpacked.
    #[error("could not unpack {}", shown(path))]
    BadNar {
        /// The path it was being unpacked to.
        path: PathBuf,
        /// Why.
        #[source]
        source: BadNar,
    },

    // The target.
    /// The bundle is for another machine.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The policy keeps the bundle out, or cannot be read.
    #[error(transparent)]
    Distrust(#[from] Distrust),
    /// A key or a signature cannot be used.
    #[error(transparent)]
    BadKeyFile(#[from] BadKeyFile),
    /// A path is not in the store after its import.
    #[error("could not import {0}: it is not valid after the import")]
    NotImported(String),
    /// The shell evaluates to another derivation here, which is not carried.
    #[error(
        "could not enter the shell: here it evaluates to another derivation, which needs {} that the bundle does not have{}{why}",
        paths(*count), indent(missing)
    )]
    Drift {
        /// Store paths that would have to be built or fetched, one a line: the first of them.
        missing: String,
        /// How many these are.
        count: usize,
        /// The differences and their origins: more lines.
        why: String,
        /// Whether they can be built here, with no network.
        can_build: bool,
    },
    /// The shell was not entered.
    #[error(transparent)]
    NotEntered(#[from] NotEntered),
    /// The project files or the record cannot be written to their place.
    #[error(transparent)]
    NoPlace(#[from] NoPlace),
    /// An opened bundle is gone, or the request is ambiguous.
    #[error(transparent)]
    NotThere(#[from] NotThere),
}
