//! A room that shows the host as it is, with another `/nix`.
//!
//! Unlike other rooms it has one process, which becomes the program: no namespace but that of mounts, and
//! of users where it needs one, no ids but the caller's own, nobody who waits. So files, signals, the
//! terminal and the exit status are the program's own business, as on the host.
//!
//! ```text
//! caller ── HostRoom::exec
//!    └─▶ shellpack room-host    the same process: makes the namespaces, builds the tree (tree.rs)
//!          └─▶ the program      the same process: without rights, since its id is not root's
//! ```

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::thread::UnshareFlags;
use serde::{Deserialize, Serialize};

use super::namespaces::{self, AsRoot};
use super::report::{StageFailure, StageReport};
use super::spec::{Access, OWN_EXECUTABLE, Os};
use super::{Room, process, tree};
use crate::error::{Error, Purpose, Result};

/// The hidden subcommand.
const SUBCOMMAND: &str = "room-host";

/// The start of variables that the loader of this executable would obey before the room is there.
const OF_LOADER: &str = "LD_";
/// The start of the names that they have meanwhile.
const SET_ASIDE: &str = "SHELLPACK_ROOM_LD_";

/// A room that shows the host as it is, with another `/nix`.
///
/// It follows the host: what is mounted there later appears. The host's own `/nix` is not visible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRoom {
    nix: Os,
    access: Access,
    tells_json: bool,
    #[serde(skip)]
    executable: Option<PathBuf>,
}

/// The failure of the hidden process, which has no caller any more that would tell it.
#[derive(Debug)]
pub(crate) struct Untold {
    pub(crate) error: Error,
    /// Whether a program reads what is told.
    pub(crate) is_json: bool,
}

impl HostRoom {
    /// The room whose `/nix` is this directory of the host.
    pub fn new(nix: impl Into<PathBuf>) -> Self {
        Self {
            nix: nix.into().into(),
            access: Access::Writable,
            tells_json: false,
            executable: None,
        }
    }

    /// `/nix` cannot be written there.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.access = Access::ReadOnly;
        self
    }

    /// Whether a failure after [`exec`](Self::exec) is told as JSON.
    #[must_use]
    pub fn telling_json(mut self, tells_json: bool) -> Self {
        self.tells_json = tells_json;
        self
    }

    /// The shellpack executable that builds the room, for callers that are another program: tests.
    #[must_use]
    pub fn executable(mut self, shellpack: impl Into<PathBuf>) -> Self {
        self.executable = Some(shellpack.into());
        self
    }

    /// Fails if the room cannot be made here: builds it, and runs nothing.
    pub fn ensure_possible(&self) -> Result<()> {
        let mut command = self.hidden()?;
        let output = command
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .map_err(Error::io("run", command.get_program()))?;
        match serde_json::from_slice(&output.stdout) {
            Ok(StageReport::Started) => Ok(()),
            Ok(StageReport::Failed(failure)) => Err(failure.into_error(Purpose::Entry)),
            Err(_) => Err(Error::Room {
                what: format!("it ended without a report ({})", output.status),
            }),
        }
    }

    /// The command that becomes the program in the room, known to it as `name` (its argument 0).
    /// The caller adds arguments, variables, directory and files as to any other, and runs it by
    /// [`exec`](Self::exec), or as a child. If it fails before the program starts, it tells so
    /// like any command of shellpack, and ends with 125, 126 or 127. A child needs
    /// [`set_loader_aside`](Self::set_loader_aside) before.
    pub fn command(&self, program: impl AsRef<OsStr>, name: impl AsRef<OsStr>) -> Result<Command> {
        let mut command = self.hidden()?;
        command.arg(name).arg(program);
        Ok(command)
    }

    /// Becomes a [`command`](Self::command). Returns only if it fails.
    pub fn exec(mut command: Command) -> io::Error {
        Self::set_loader_aside(&mut command);
        command.exec()
    }

    /// Keeps variables that were set for the program from this executable's loader: they may name libraries
    /// that are not there before the room is, or are others.
    pub fn set_loader_aside(command: &mut Command) {
        let set: Vec<_> = command
            .get_envs()
            .filter_map(|(name, value)| {
                let rest = name.to_str()?.strip_prefix(OF_LOADER)?;
                let aside = format!("{SET_ASIDE}{rest}");
                Some((name.to_owned(), aside, value?.to_owned()))
            })
            .collect();
        for (name, aside, value) in set {
            command.env_remove(name).env(aside, value);
        }
    }

    fn hidden(&self) -> Result<Command> {
        let nix =
            std::fs::canonicalize(self.nix.path()).map_err(Error::io("find", self.nix.path()))?;
        let room = Self {
            nix: nix.into(),
            ..self.clone()
        };
        let json = serde_json::to_string(&room).map_err(|error| Error::Room {
            what: error.to_string(),
        })?;
        let executable = self.executable.as_deref();
        let mut command = Command::new(executable.unwrap_or(Path::new(OWN_EXECUTABLE)));
        command.arg0("shellpack").arg(SUBCOMMAND).arg(json);
        Ok(command)
    }

    /// Makes this process, which has one thread, one in the room.
    fn enter(&self) -> Result<(), StageFailure> {
        let here =
            std::env::current_dir().map_err(StageFailure::during("finding the directory"))?;
        namespaces::make(UnshareFlags::empty(), AsRoot::No)?;
        tree::build(&Room::as_host(self.nix.path(), self.access))?;
        std::env::set_current_dir(&here).map_err(StageFailure::at("changing directory to", &here))
    }
}

/// Gives them their names back.
fn take_loader_back(command: &mut Command) {
    for (aside, value) in std::env::vars_os() {
        let rest = aside
            .to_str()
            .and_then(|aside| aside.strip_prefix(SET_ASIDE));
        if let Some(rest) = rest {
            command
                .env_remove(&aside)
                .env(format!("{OF_LOADER}{rest}"), value);
        }
    }
}

/// The hidden subcommand. `args` is the whole command line with the program's name. Returns if it is
/// another, or with the failure that is to be told.
pub(crate) fn hidden_entry(args: &[OsString]) -> Option<Untold> {
    let [_, subcommand, room, command @ ..] = args else {
        return None;
    };
    if subcommand != SUBCOMMAND {
        return None;
    }
    let room: HostRoom = match serde_json::from_slice(room.as_encoded_bytes()) {
        Ok(room) => room,
        Err(error) => {
            let what = format!("this subcommand is for shellpack itself: {error}");
            let error = Error::Room { what };
            return Some(Untold {
                error,
                is_json: false,
            });
        }
    };
    let [name, program, args @ ..] = command else {
        try_out(&room);
    };
    let error = match room.enter() {
        Ok(()) => {
            let mut command = Command::new(program);
            command.arg0(name).args(args);
            take_loader_back(&mut command);
            Error::CannotEnter {
                program: program.to_string_lossy().into_owned(),
                source: command.exec(),
            }
        }
        Err(failure) => failure.into_error(Purpose::Entry),
    };
    Some(Untold {
        error,
        is_json: room.tells_json,
    })
}

/// Reports to the caller whether the room can be made.
fn try_out(room: &HostRoom) -> ! {
    let report = match room.enter() {
        Ok(()) => StageReport::Started,
        Err(failure) => StageReport::Failed(failure),
    };
    let json = serde_json::to_vec(&report).unwrap_or_default();
    let told = io::stdout().write_all(&json);
    std::process::exit(if told.is_ok() { 0 } else { process::FAILED });
}
