//! How a program sees a directory of the host as `/nix`: because it is there, in a room, or by proot.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Access, AtFlags, CWD, StatVfsMountFlags, accessat, statvfs};
use rustix::process::geteuid;

use crate::error::{Error, Result, Unfit};
use crate::portable::{NIX, is_nix};
use crate::program::Program;
use crate::report::{Event, Report};
use crate::room::HostRoom;
use crate::target::Target;
use shellpack_format::bundle::manifest::Tools;

/// Where proot puts what it runs itself.
const PROOT_TMP_DIR: &str = "PROOT_TMP_DIR";

/// A directory that is to be `/nix`, with the store in it.
#[derive(Debug, Clone)]
pub struct PortableNix {
    dir: PathBuf,
    proot: Option<PathBuf>,
    room: HostRoom,
}

/// How programs get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WayIn {
    /// It is `/nix`.
    Direct,
    /// In a room.
    Room(HostRoom),
    /// By proot, which stops a program at each of its system calls and changes the names of files.
    Proot {
        /// The program.
        proot: PathBuf,
        /// The directory.
        dir: PathBuf,
        /// The reason why no room can be made.
        why: String,
    },
}

impl PortableNix {
    /// The directory on the host.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let dir = dir.into();
        Self {
            room: HostRoom::new(&dir),
            proot: None,
            dir,
        }
    }

    /// Programs may not write there, since others use it as well.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self {
            room: self.room.read_only(),
            ..self
        }
    }

    /// A static proot, by its place on the host, for machines that allow no rooms.
    #[must_use]
    pub fn with_proot(self, proot: Option<PathBuf>) -> Self {
        Self { proot, ..self }
    }

    /// The shellpack executable that builds rooms, for callers that are another program: tests.
    #[must_use]
    pub fn executable(self, shellpack: impl Into<PathBuf>) -> Self {
        Self {
            room: self.room.executable(shellpack),
            ..self
        }
    }

    /// The first way that works here. This builds a room for a try, which takes some milliseconds.
    pub fn way_in(self, report: &Report) -> Result<WayIn> {
        if is_nix(&self.dir) {
            return Ok(WayIn::Direct);
        }
        let room = self.room.telling_json(report.is_for_program());
        let refused = match room.ensure_possible() {
            Ok(()) => return Ok(WayIn::Room(room)),
            Err(refused) => refused,
        };
        let (Error::NamespacesForbidden { refusal, .. }, Some(proot)) = (&refused, self.proot)
        else {
            return Err(refused);
        };
        ensure_static(&proot)?;
        Ok(WayIn::Proot {
            proot,
            dir: self.dir,
            why: refusal.to_string(),
        })
    }
}

impl WayIn {
    /// The command that becomes the program there, known to it as `name` (its argument 0). The caller
    /// adds arguments, variables, directory and files as to any other, and runs it by
    /// [`exec`](Self::exec), or as a child. By proot, the name is the program's own.
    pub fn command(&self, program: impl AsRef<OsStr>, name: impl AsRef<OsStr>) -> Result<Command> {
        Ok(match self {
            Self::Direct => {
                let mut command = Command::new(program);
                command.arg0(name);
                command
            }
            Self::Room(room) => room.command(program, name)?,
            Self::Proot { proot, dir, .. } => {
                let mut bind = dir.clone().into_os_string();
                bind.push(":");
                bind.push(NIX);
                let mut command = Command::new(proot);
                command.envs(place_for_proot(dir));
                command.arg("-b").arg(bind).arg(program);
                command
            }
        })
    }

    /// Becomes a [`command`](Self::command). Returns only if it fails.
    pub fn exec(&self, mut command: Command) -> io::Error {
        match self {
            Self::Room(_) => HostRoom::exec(command),
            Self::Direct | Self::Proot { .. } => command.exec(),
        }
    }

    /// A warning for the user of a prompt; once is enough.
    pub fn caveat(&self) -> Option<&'static str> {
        match self {
            Self::Room(_) if !geteuid().is_root() => Some(
                "sudo and other set-uid programs do not work in this shell, and files of other users \
                 show as nobody's",
            ),
            Self::Proot { .. } => Some("sudo and other set-uid programs do not work in this shell"),
            Self::Direct | Self::Room(_) => None,
        }
    }

    /// Tells why programs will be slower than elsewhere, if they are.
    fn tell(&self, report: &Report) {
        if let Self::Proot { why, .. } = self {
            let text =
                format!("there are no rooms here ({why}), so it enters by proot, which is slower");
            report.emit(Event::Note(&text));
        }
    }
}

/// The way into a target's store, the first that works here with the tools of a bundle in it.
pub(crate) fn way_into(target: &Target, tools: &Tools, report: &Report) -> Result<WayIn> {
    match target.as_portable() {
        Some(store) => {
            let proot = tools.proot.as_ref();
            let proot = proot.map(|name| store.place_of(Path::new(name)));
            let nix = PortableNix::new(store.nix()).with_proot(proot);
            let way = nix.way_in(report)?;
            way.tell(report);
            Ok(way)
        }
        None => Ok(WayIn::Direct),
    }
}

/// Fails if there will be no way into a store that may not be there yet, once it has the tools.
pub(crate) fn ensure_way_into(target: &Target, tools: &Tools, report: &Report) -> Result<()> {
    let Some(store) = target.as_portable().filter(|_| !target.is_here()) else {
        return Ok(());
    };
    let nix = Some(store.nix()).filter(|nix| nix.is_dir());
    let any = nix.unwrap_or_else(std::env::temp_dir);
    match PortableNix::new(any).way_in(report) {
        Err(Error::NamespacesForbidden { .. }) if tools.proot.is_some() => Ok(()),
        way => way.map(drop),
    }
}

/// A directory in which proot can run the loader that it unpacks, unless the user names one. `/tmp` may be
/// mounted noexec; the store's file system runs programs.
fn place_for_proot(nix: &Path) -> Option<(&'static str, PathBuf)> {
    if std::env::var_os(PROOT_TMP_DIR).is_some() {
        return None;
    }
    let runs_programs = |dir: &PathBuf| {
        let file_system = statvfs(dir);
        let may = accessat(
            CWD,
            dir,
            Access::WRITE_OK | Access::EXEC_OK,
            AtFlags::EACCESS,
        );
        may.is_ok() && file_system.is_ok_and(|it| !it.f_flag.contains(StatVfsMountFlags::NOEXEC))
    };
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let mut places = [
        Some(std::env::temp_dir()),
        runtime,
        Some(nix.join("var/nix")),
        home,
    ]
    .into_iter()
    .flatten();
    places.find(runs_programs).map(|dir| (PROOT_TMP_DIR, dir))
}

/// Fails if a program needs a loader. That of a proot would be in the `/nix` that it is to make.
pub(crate) fn ensure_static(proot: &Path) -> Result<()> {
    let program = Program::of(proot).map_err(Error::io("read", proot))?;
    match program.loader {
        None => Ok(()),
        Some(loader) => Err(Unfit::DynamicProot {
            file: proot.to_owned(),
            loader,
        }
        .into()),
    }
}
