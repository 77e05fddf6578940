//! Rooms: private namespaces in which `/nix` and the home are directories of ours.
//!
//! A room is a mount, pid, ipc and uts namespace (also a user namespace if needed, and a network
//! namespace if sealed) whose root is a new tmpfs. The host's top-level entries are bound on it,
//! then the caller's overlays. Everything dies with the namespaces: nothing stays mounted on the
//! host, however the process ends.
//!
//! ```text
//! caller ── RoomCommand::spawn
//!    └─ shellpack room-enter      stage 1 (stage.rs): makes the namespaces, maps the ids
//!         └─ shellpack room-init  stage 2 (init.rs): pid 1; builds the tree (tree.rs), reaps
//!              └─ the program     with the caller's stdin, stdout and stderr; in a guarded room,
//!                                 shellpack room-guard becomes it (guard.rs)
//! ```
//!
//! [`HostRoom`] is the simpler kind of room: the host as it is, with another `/nix` (host.rs).
//!
//! The executable starts itself again because only a process with one thread can join namespaces,
//! only children can join a pid namespace, and forking without `exec` is not safe Rust. A room
//! guards against accidents: a program in it has the rights to undo a read-only mount, unless the room
//! is [`guarded`](Room::guarded).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use serde::{Deserialize, Serialize};

use crate::error::Result;

mod command;
mod filter;
mod guard;
mod handover;
pub(crate) mod host;
mod init;
mod kernel;
mod layers;
mod links;
mod loopback;
mod mountinfo;
mod namespaces;
mod process;
mod read_only;
mod refused;
mod report;
mod spec;
mod stage;
mod supervise;
mod tree;

pub use command::RoomCommand;
pub use host::HostRoom;
pub use spec::Access;

use spec::{Host, Network, OWN_EXECUTABLE, Os, Overlay};

/// The description of a room: pure data, built by the methods that take and return it.
///
/// Overlays ([`private`](Self::private), [`bind`](Self::bind), [`layered`](Self::layered),
/// [`nix`](Self::nix), [`store_paths`](Self::store_paths)) are applied from the outermost to the innermost directory,
/// in any order of the calls. Of two in one place, the later one is on top.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    network: Network,
    host: Host,
    guarded: bool,
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

    /// A room with the host's files, network and environment.
    pub fn new() -> Self {
        Self {
            network: Network::Host,
            host: Host::Files,
            guarded: false,
            overlays: Vec::new(),
            home: None,
            current_dir: None,
            env_clear: false,
            env: Vec::new(),
            executable: None,
        }
    }

    /// The tree of a [`HostRoom`]: the host's, with its processes, devices and memory, and with what is
    /// mounted there later, but for `/nix`.
    fn as_host(nix: &Path, access: Access) -> Self {
        let room = Self {
            host: Host::Whole,
            ..Self::new()
        };
        room.bind(nix, "/nix", access)
    }

    /// No network: only a loopback interface, which is down.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.network = Network::Sealed;
        self
    }

    /// A network of its own with only a loopback interface, which is up.
    #[must_use]
    pub fn own_network(mut self) -> Self {
        self.network = Network::Loopback;
        self
    }

    /// The host's files cannot be written, including other file systems mounted on it.
    #[must_use]
    pub fn read_only_host(mut self) -> Self {
        self.host = Host::ReadOnlyFiles;
        self
    }

    /// The program cannot undo what the room is made of, even if it is root: it has no capability over
    /// the host, devices of no use to a shell are not there, nor are keyrings and vsock.
    #[must_use]
    pub fn guarded(mut self) -> Self {
        self.guarded = true;
        self
    }

    /// An empty, writable directory that disappears with the room. A place that does not exist on
    /// the host is created if the room owns the directory above, and ignored otherwise.
    #[must_use]
    pub fn private(mut self, dir: impl Into<PathBuf>) -> Self {
        self.overlays.push(Overlay::Private {
            at: dir.into().into(),
        });
        self
    }

    /// A file or directory of the host at a place in the room. The place must exist on the host or
    /// be where the room may write: in the root, a private directory, `/nix`, or another writable
    /// bind.
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

    /// A directory of the host, without the file systems mounted in it. The room may change it, and the
    /// host's stays as it is: what the room writes goes to the empty directory `writes`, or into memory
    /// if that cannot take it. Needs Linux 5.11, or root.
    #[must_use]
    pub fn layered(
        mut self,
        source: impl Into<PathBuf>,
        writes: impl Into<PathBuf>,
        target: impl Into<PathBuf>,
    ) -> Self {
        self.overlays.push(Overlay::Layered {
            source: source.into().into(),
            writes: writes.into().into(),
            at: target.into().into(),
        });
        self
    }

    /// This directory of the host is the room's `/nix`, writable. The host's own `/nix` is not
    /// visible.
    #[must_use]
    pub fn nix(self, dir: impl Into<PathBuf>) -> Self {
        self.bind(dir, "/nix", Access::Writable)
    }

    /// Shows these paths of the host, read-only, under the same names in `store_dir`. A symlink is
    /// recreated, since it cannot be mounted. Mount points and symlinks are made in the room's
    /// `store_dir`: below the directory given to [`nix`](Self::nix) they stay, empty, when the room
    /// is gone.
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

    /// Makes the shellpack executable available at [`SELF_PATH`](Self::SELF_PATH), even if the room
    /// hides its place on the host.
    #[must_use]
    pub fn bind_self(self) -> Self {
        self.bind(OWN_EXECUTABLE, Self::SELF_PATH, Access::ReadOnly)
    }

    /// Sets `HOME` to a directory in the room, and creates it if the room may write there.
    #[must_use]
    pub fn home(mut self, dir_inside: impl Into<PathBuf>) -> Self {
        self.home = Some(dir_inside.into().into());
        self
    }

    /// The program's working directory. By default it is the caller's if that exists in the room,
    /// else `/`.
    #[must_use]
    pub fn current_dir(mut self, dir_inside: impl Into<PathBuf>) -> Self {
        self.current_dir = Some(dir_inside.into().into());
        self
    }

    /// The program sees only the variables that this room sets, and none of the caller's.
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

    /// The shellpack executable that builds the room, for callers that are another program: tests.
    #[must_use]
    pub fn executable(mut self, shellpack: impl Into<PathBuf>) -> Self {
        self.executable = Some(shellpack.into().into());
        self
    }

    /// Fails if no rooms can be made here. Takes some milliseconds; call it before long work.
    pub fn ensure_possible() -> Result<()> {
        Self::new().sealed().ensure_buildable()
    }

    /// Builds the room without running anything in it.
    pub fn ensure_buildable(&self) -> Result<()> {
        RoomCommand::new(self, Vec::new())?.status().map(drop)
    }

    /// Runs a program in the room with the caller's stdin, stdout and stderr, and waits. The status
    /// is the program's, or 128 plus the number of the signal that killed it. Meanwhile Ctrl-C is
    /// for the program and does not end the caller.
    pub fn run(&self, program: &Path, args: &[OsString]) -> Result<ExitStatus> {
        let _guard = supervise::TerminalSignals::leave_to_child();
        self.command(program, args)?.status()
    }

    /// Like [`Self::run`], with stdin, stdout and stderr of the caller's choice. A `program` without
    /// a slash is looked up in the room's `PATH`.
    pub fn command(&self, program: &Path, args: &[OsString]) -> Result<RoomCommand> {
        let program = Os::from(program.to_owned());
        let args = args.iter().cloned().map(Os::from);
        RoomCommand::new(self, std::iter::once(program).chain(args).collect())
    }
}

/// The hidden subcommands that build rooms. `args` is the whole command line with the program's
/// name. Returns the exit code if this is one of them. Call it first in `main`, while the process
/// has one thread.
pub(crate) fn hidden_entry(args: &[OsString]) -> Option<i32> {
    let [_, subcommand, handover @ ..] = args else {
        return None;
    };
    match subcommand.to_str()? {
        stage::SUBCOMMAND => Some(stage::enter(handover)),
        init::SUBCOMMAND => Some(init::init(handover)),
        guard::SUBCOMMAND => Some(guard::guard(handover)),
        _ => None,
    }
}
