//! The one error type of the crate.
//!
//! A message says what could not be done and to which file, store path or command; the
//! source says why; [`Error::hint`] says what to type next. Every function that returns
//! [`Result`] fails with one of these and leaves nothing half-written behind.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use crate::bundle::BadBundle;
use crate::bundle::reader::ReadError;
use crate::nix::derivation::BadDerivation;
use crate::nix::nar::parse::BadNar;
use crate::nix::store_path::StorePath;

mod hint;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can stop shellpack.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file system operation failed.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was attempted, as a verb: `read`, `create`.
        action: &'static str,
        /// The file it was attempted on.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The user pressed Ctrl-C, or the system asked us to end.
    #[error("interrupted")]
    Interrupted,

    // What the user asked for.
    /// There is no shell file.
    #[error("could not find a shell to pack: neither shell.nix nor default.nix is in {}", dir.display())]
    NoShellFile {
        /// The directory.
        dir: PathBuf,
    },
    /// The name of the bundle is not one.
    #[error("could not use the name: {reason}")]
    BadName {
        /// What is wrong with it.
        reason: String,
    },
    /// The output exists.
    #[error("could not write {}: it exists", path.display())]
    OutputExists {
        /// The file.
        path: PathBuf,
    },
    /// The output is a directory.
    #[error("could not write {}: it is a directory", path.display())]
    OutputIsDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The output would become part of what it packs.
    #[error("could not write {}: evaluation copies {}, so the next evaluation would copy the bundle, too", path.display(), tree.display())]
    OutputInSource {
        /// The output.
        path: PathBuf,
        /// The directory that evaluation copies.
        tree: PathBuf,
    },
    /// Standard output is a terminal.
    #[error("could not write the bundle to the terminal")]
    OutputIsTerminal,

    // Nix.
    /// There is no Nix.
    #[error("could not run {program}: Nix is not installed, or not on PATH")]
    NixNotInstalled {
        /// The command that was not found.
        program: String,
    },
    /// A command could not be started.
    #[error("could not run {program}")]
    CannotRun {
        /// The command.
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
        /// What it printed; empty where the user has seen it already.
        words: String,
    },
    /// A command of Nix printed something unexpected.
    #[error("could not understand what {program} printed: {reason}")]
    NixOutput {
        /// The command.
        program: &'static str,
        /// What is wrong with it.
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
    DaemonLost {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nix's database refused or failed.
    #[error("could not write Nix's database {}", file.display())]
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
    /// The shell is no single derivation.
    #[error("could not pack {}: nix-shell needs one derivation, and it evaluates to {count}", file.display())]
    NotOneDerivation {
        /// The shell file.
        file: PathBuf,
        /// How many there are.
        count: usize,
    },
    /// A source is not pinned.
    #[error("could not pack {from}: it fetches an unpinned source\n  {fetcher} {url}")]
    Unpinned {
        /// The file that fetches it.
        from: String,
        /// The builtin.
        fetcher: String,
        /// What it fetches.
        url: String,
        /// The pinned form to use instead.
        pinned: String,
    },
    /// The user's own nixpkgs configuration takes part.
    #[error("could not pack {}: your own {} takes part in its evaluation", shell.display(), file.display())]
    UserConfig {
        /// The shell file.
        shell: PathBuf,
        /// The configuration.
        file: PathBuf,
    },
    /// Evaluation reads a file that cannot be carried at its place.
    #[error("could not pack {}: evaluation reads it, and it lies outside of {}", file.display(), limit.display())]
    OutsideProject {
        /// The file.
        file: PathBuf,
        /// The directory that the project may not exceed.
        limit: PathBuf,
    },
    /// A name or text that is not UTF-8.
    #[error("could not pack {}: its name is not UTF-8", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
    },
    /// A socket, device or pipe.
    #[error("could not pack {}: it is neither a file nor a directory nor a symlink", path.display())]
    SpecialFile {
        /// The file.
        path: PathBuf,
    },
    /// A path of the closure is not what the store's database says.
    #[error("could not pack {path}: its contents are not what Nix's database says ({reason})")]
    DamagedStorePath {
        /// The path, in full.
        path: String,
        /// What differs.
        reason: String,
    },
    /// A path that is needed is not valid.
    #[error("could not pack {path}: it is not valid in the store")]
    InvalidStorePath {
        /// The path, in full.
        path: String,
    },
    /// Not made for such a derivation.
    #[error("could not pack {path}: {reason}")]
    Unsupported {
        /// The derivation, in full.
        path: String,
        /// What about it.
        reason: String,
    },

    // Rooms and the rehearsal.
    /// Namespaces cannot be made.
    #[error("could not make a room with no network: {operation} is not allowed here")]
    NamespacesForbidden {
        /// What was refused.
        operation: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A room could not be set up.
    #[error("could not set up the room: {what}")]
    Room {
        /// What failed, with path and reason.
        what: String,
    },
    /// The rehearsal failed: the bundle would not open.
    #[error("the rehearsal failed: {what}{}", indent(words))]
    RehearsalFailed {
        /// What did not work.
        what: String,
        /// Nix's own words.
        words: String,
        /// What to add, if that can be told.
        advice: Option<String>,
    },

    // Bundles.
    /// A bundle could not be read.
    #[error("could not read {}", file.display())]
    Bundle {
        /// The bundle.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        source: BadBundle,
    },
    /// A bundle has faults; they were listed.
    #[error("{} is damaged: {count} {}", file.display(), if *count == 1 { "fault" } else { "faults" })]
    Faults {
        /// The bundle.
        file: PathBuf,
        /// How many faults there are.
        count: usize,
    },
    /// A bundle that was just written does not read back.
    #[error("could not read back what was written to {}: the medium is failing", file.display())]
    ReadBack {
        /// The file; it has been removed.
        file: PathBuf,
        /// The first fault.
        #[source]
        source: Box<Error>,
    },
    /// The plan and what was packed do not agree; a bug.
    #[error("could not write the manifest")]
    Manifest {
        /// Why.
        #[source]
        source: BadBundle,
    },
    /// A NAR could not be unpacked.
    #[error("could not unpack {}", path.display())]
    BadNar {
        /// Where it was to be unpacked.
        path: PathBuf,
        /// Why.
        #[source]
        source: BadNar,
    },

    // The target.
    /// The bundle is for another system.
    #[error("could not open {}: it is for {bundle}, and this machine is {here}", file.display())]
    WrongSystem {
        /// The bundle.
        file: PathBuf,
        /// The bundle's system.
        bundle: String,
        /// This machine's.
        here: String,
    },
    /// The store is elsewhere.
    #[error("could not open {}: its store is {bundle}, and the one here is {here}", file.display())]
    WrongStore {
        /// The bundle.
        file: PathBuf,
        /// The bundle's store directory.
        bundle: String,
        /// This machine's.
        here: String,
    },
    /// The Nix here is too old for the carried nixpkgs.
    #[error("could not open {}: its nixpkgs needs Nix {needed} or newer, and this machine has {here}", file.display())]
    NixTooOld {
        /// The bundle.
        file: PathBuf,
        /// The version that is needed.
        needed: String,
        /// The version that is here.
        here: String,
    },
    /// The file system is too small.
    #[error("could not open the bundle: it needs {needed} on the file system of {}, which has {free} free", dir.display())]
    NoSpace {
        /// A directory on the file system.
        dir: PathBuf,
        /// What is needed, for a human.
        needed: String,
        /// What there is.
        free: String,
    },
    /// There is no place for shellpack's state.
    #[error(
        "could not find a place for garbage collection roots: neither HOME nor XDG_STATE_HOME is set"
    )]
    NoHome,
    /// A path that was imported is not there.
    #[error("could not import {path}: it is not valid after the import")]
    NotImported {
        /// The path, in full.
        path: String,
    },
    /// The shell evaluates to something else here, and that is not carried.
    #[error(
        "could not enter the shell: here it evaluates to another derivation, which needs what the bundle does not have{}",
        indent(words)
    )]
    Drift {
        /// The first few things that are missing.
        words: String,
    },
    /// A project file would overwrite another one.
    #[error("could not write the project files: {} exists and differs from the bundle's", path.display())]
    FileDiffers {
        /// The file.
        path: PathBuf,
    },
}

impl Error {
    /// Names the file and the verb of a failed file system operation; for `map_err`.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// A program that could not be started; one of Nix's that is not there at all means
    /// that there is no Nix.
    pub fn cannot_run(program: &str, source: io::Error) -> Self {
        let program = program.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound if program.starts_with("nix") => {
                Self::NixNotInstalled { program }
            }
            _ => Self::CannotRun { program, source },
        }
    }

    /// Output of Nix that is not what its documentation promises.
    pub fn nix_output(program: &'static str, reason: &str) -> Self {
        Self::NixOutput {
            program,
            reason: reason.to_owned(),
        }
    }

    /// Names the bundle that could not be read.
    pub fn read_bundle(file: &Path, error: ReadError) -> Self {
        let file = file.to_owned();
        match error {
            ReadError::Bad(source) => Self::Bundle { file, source },
            ReadError::Io(source) => Self::Io {
                action: "read",
                path: file,
                source,
            },
        }
    }

    /// What the process exits with when a command other than `open` fails this way: 130 as
    /// shells do for Ctrl-C, else 1. (2 is a command line that makes no sense.)
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted => 130,
            _ => 1,
        }
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no exit status".to_owned(),
    }
}

fn on_lines_of_their_own(words: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!("\n{words}")
    }
}

fn indent(words: &str) -> String {
    words.lines().map(|line| format!("\n  {line}")).collect()
}
