//! Rooms: private namespaces in which `/nix` and the home are directories of ours.
//!
//! A room is a mount, pid, ipc and uts namespace (a user namespace too unless we may do
//! without, a network namespace when sealed) whose root is a new tmpfs. The host's
//! top-level entries are bound on it, then what the caller asks for is laid over them.
//! Everything dies with the namespaces: nothing is left mounted on the host, whatever kills us.
//!
//! ```text
//! caller ── RoomCommand::spawn
//!    └─ shellpack room-enter      stage 1 (stage.rs): makes the namespaces, maps the ids
//!         └─ shellpack room-init  stage 2 (init.rs): pid 1; builds the tree (tree.rs), reaps
//!              └─ the program     with the caller's stdin, stdout and stderr
//! ```
//!
//! The executable starts itself again because namespaces are joined by a process with one
//! thread only and pid namespaces by children only, and forking without `exec` is not safe Rust.
//! What a room keeps apart it keeps apart by accident-proofing: a program in it that is out to
//! undo a read-only mount has the rights to do so.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use serde::{Deserialize, Serialize};

use crate::error::Result;

mod command;
mod handover;
mod init;
mod mountinfo;
mod process;
mod report;
mod spec;
mod stage;
mod supervise;
mod tree;

pub use command::RoomCommand;
pub use spec::Access;

use spec::{Network, OWN_EXECUTABLE, Os, Overlay};

/// What a room looks like: pure data, put together by the methods that take and return it.
///
/// Overlays ([`private`](Self::private), [`bind`](Self::bind), [`nix`](Self::nix),
/// [`store_paths`](Self::store_paths)) are applied from the outermost to the innermost
/// directory, whatever order they were asked for in; of two on one place the later is on top.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    network: Network,
    read_only_host: bool,
    overlays: Vec<Overlay>,
    home: Option<Os>,
    current_dir: Option<Os>,
    env_clear: bool,
    env: Vec<(Os, Os)>,
    executable: Option<Os>,
}

impl Default for Room {
    fn default() -> Self {
        Self::new()
    }
}

impl Room {
    /// Where [`bind_self`](Self::bind_self) puts the shellpack executable.
    pub const SELF_PATH: &str = "/.shellpack/shellpack";

    /// A room that shows the host as it is: same files, same network, same environment.
    pub fn new() -> Self {
        Self {
            network: Network::Host,
            read_only_host: false,
            overlays: Vec::new(),
            home: None,
            current_dir: None,
            env_clear: false,
            env: Vec::new(),
            executable: None,
        }
    }

    /// No network at all: only a loopback interface, which is down.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.network = Network::Sealed;
        self
    }

    /// A network of its own with nothing but a loopback interface, which is up.
    #[must_use]
    pub fn own_network(mut self) -> Self {
        self.network = Network::Loopback;
        self
    }

    /// Nothing of the host can be written to, other file systems mounted on it included.
    #[must_use]
    pub fn read_only_host(mut self) -> Self {
        self.read_only_host = true;
        self
    }

    /// An empty, writable directory that is gone when the room is. A place that the host
    /// lacks is created if the room owns the directory above, and left alone otherwise.
    #[must_use]
    pub fn private(mut self, dir: impl Into<PathBuf>) -> Self {
        self.overlays.push(Overlay::Private {
            at: dir.into().into(),
        });
        self
    }

    /// A file or directory of the host at a place inside the room. The place has to exist
    /// on the host or lie where the room may write: in the root, a private directory,
    /// `/nix`, or another writable bind.
    #[must_use]
    pub fn bind(
        mut self,
        source: impl Into<PathBuf>,
        target: impl Into<PathBuf>,
        access: Access,
    ) -> Self {
        let (source, at) = (source.into().into(), target.into().into());
        self.overlays.push(Overlay::Bind { source, at, access });
        self
    }

    /// This directory of the host is the room's `/nix`, writable. The host's own `/nix`, if it
    /// has one, is not visible.
    #[must_use]
    pub fn nix(self, dir: impl Into<PathBuf>) -> Self {
        self.bind(dir, "/nix", Access::Writable)
    }

    /// Shows these paths of the host, read-only, under the same names in `store_dir`. A path
    /// that is a symlink is recreated, since a symlink cannot be mounted. The mount points and
    /// symlinks are made in whatever `store_dir` is inside the room: below the directory
    /// given to [`nix`](Self::nix) they are still there, empty, afterwards.
    #[must_use]
    pub fn store_paths(mut self, store_dir: impl AsRef<Path>, paths: Vec<PathBuf>) -> Self {
        let store_dir = store_dir.as_ref();
        self.overlays.extend(paths.into_iter().map(|source| {
            let at = store_dir.join(source.file_name().unwrap_or_default());
            Overlay::StorePath {
                source: source.into(),
                at: at.into(),
            }
        }));
        self
    }

    /// Makes the shellpack executable available at [`SELF_PATH`](Self::SELF_PATH), wherever it
    /// lies on the host and whatever of that the room hides.
    #[must_use]
    pub fn bind_self(self) -> Self {
        self.bind(OWN_EXECUTABLE, Self::SELF_PATH, Access::ReadOnly)
    }

    /// Sets `HOME` to a directory inside the room, and creates it where the room may write.
    #[must_use]
    pub fn home(mut self, dir_inside: impl Into<PathBuf>) -> Self {
        self.home = Some(dir_inside.into().into());
        self
    }

    /// Where the program starts. Without this it is the caller's current directory if that
    /// exists inside the room, and `/` if not.
    #[must_use]
    pub fn current_dir(mut self, dir_inside: impl Into<PathBuf>) -> Self {
        self.current_dir = Some(dir_inside.into().into());
        self
    }

    /// The program sees none of the caller's environment, only what this room sets.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.env_clear = true;
        self
    }

    /// Sets a variable for the program.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into().into(), value.into().into()));
        self
    }

    /// The shellpack executable to build the room with, for callers that are not it: tests.
    #[must_use]
    pub fn executable(mut self, shellpack: impl Into<PathBuf>) -> Self {
        self.executable = Some(shellpack.into().into());
        self
    }

    /// Can rooms be made here at all? Takes some milliseconds; to be asked before long work.
    pub fn ensure_possible() -> Result<()> {
        Self::new().sealed().ensure_buildable()
    }

    /// Builds the room and runs nothing in it.
    pub fn ensure_buildable(&self) -> Result<()> {
        RoomCommand::new(self, Vec::new())?.status().map(drop)
    }

    /// Runs a program in the room with the caller's stdin, stdout and stderr, and waits. The
    /// status is the program's, 128 and the signal's number if one killed it. While it
    /// runs, Ctrl-C is the program's business and does not end the caller.
    pub fn run(&self, program: &Path, args: &[OsString]) -> Result<ExitStatus> {
        let _guard = supervise::TerminalSignals::leave_to_child();
        self.command(program, args)?.status()
    }

    /// The same with stdin, stdout and stderr of the caller's choice. A `program` without a
    /// slash is looked up in the room's `PATH`.
    pub fn command(&self, program: &Path, args: &[OsString]) -> Result<RoomCommand> {
        let program = Os::from(program.to_owned());
        let args = args.iter().cloned().map(Os::from);
        RoomCommand::new(self, std::iter::once(program).chain(args).collect())
    }
}

/// The hidden subcommands that build rooms. `args` is the whole command line, the program's
/// name included; the result is the exit code if it was one of them. To be called first
/// thing in `main`, while the process has one thread.
pub(crate) fn hidden_entry(args: &[OsString]) -> Option<i32> {
    let [_, subcommand, handover @ ..] = args else {
        return None;
    };
    match subcommand.to_str()? {
        stage::SUBCOMMAND => Some(stage::enter(handover)),
        init::SUBCOMMAND => Some(init::init(handover)),
        _ => None,
    }
}
