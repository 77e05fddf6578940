//! The caller's side of a room: start it, wait for it, and learn why it could not start.

use std::fs::{self, File};
use std::io::{self, Seek as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Component, Path, PathBuf};
use std::process::{
    Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio,
};

use super::handover::Handover;
use super::report::StageReport;
use super::spec::{OWN_EXECUTABLE, Os, Overlay, Spec};
use super::{Room, stage};
use crate::error::{Error, Purpose, Result};
use crate::launch::Named;
use crate::text::shown;

/// A program about to run in a room; for a single use.
#[derive(Debug)]
#[must_use]
pub struct RoomCommand {
    command: Command,
    handover: Handover,
    own: Option<Named>,
}

impl RoomCommand {
    /// Resolves the room's sources on the host. Stage 2 has another root and could not follow the
    /// host's symlinks.
    pub(super) fn new(room: &Room, command: Vec<Os>) -> Result<Self> {
        let mut room = room.clone();
        let (executable, own) = match room.executable.take() {
            Some(executable) => (executable, None),
            None => (PathBuf::from(OWN_EXECUTABLE).into(), own_file(&room)?),
        };
        let bound = own.as_ref().map_or(executable.path(), |own| &own.path);
        resolve_sources(&mut room.overlays, bound)?;
        ensure_places_are_absolute(&room)?;
        let caller_dir = std::env::current_dir().ok().map(Os::from);
        let handover = Handover::new(&Spec {
            room,
            command,
            caller_dir,
        })
        .map_err(Error::io("hand over the room in", "/proc/self/fd"))?;
        let mut command = Command::new(&executable);
        command
            .arg0("shellpack")
            .arg(stage::SUBCOMMAND)
            .args(handover.args());
        Ok(Self {
            command,
            handover,
            own,
        })
    }

    /// The program's stdin; the caller's own unless set.
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.command.stdin(stdin);
        self
    }

    /// The program's stdout; the caller's own unless set.
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.command.stdout(stdout);
        self
    }

    /// The program's stderr; the caller's own unless set.
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Self {
        self.command.stderr(stderr);
        self
    }

    /// Starts the program and returns. The room dies with the calling thread, since the kernel
    /// watches a parent by thread.
    pub fn spawn(mut self) -> Result<RoomChild> {
        let mut child = self
            .command
            .spawn()
            .map_err(Error::io("run", self.command.get_program()))?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Ok(RoomChild {
            stdin,
            stdout,
            stderr,
            child,
            handover: self.handover,
            own: self.own,
        })
    }

    /// Runs the program and waits for it.
    pub fn status(self) -> Result<ExitStatus> {
        self.spawn()?.wait()
    }

    /// Runs the program with no input and collects what it prints.
    pub fn output(self) -> Result<Output> {
        let piped = self
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        piped.spawn()?.wait_with_output()
    }
}

/// A program that runs in a room. Dropping this does not end it.
#[derive(Debug)]
pub struct RoomChild {
    /// The writing end of the program's stdin, if it was piped.
    pub stdin: Option<ChildStdin>,
    /// The reading end of the program's stdout, if it was piped.
    pub stdout: Option<ChildStdout>,
    /// The reading end of the program's stderr, if it was piped.
    pub stderr: Option<ChildStderr>,
    child: Child,
    /// Kept open until the end: stage 1 opens it through this process.
    handover: Handover,
    /// Kept until the end: it may be what the room binds.
    #[expect(dead_code, reason = "it is dropped, and its directory with it")]
    own: Option<Named>,
}

impl RoomChild {
    /// Waits for the program, closing its stdin first. Fails if it was never started.
    pub fn wait(mut self) -> Result<ExitStatus> {
        drop(self.stdin.take());
        let status = self
            .child
            .wait()
            .map_err(Error::io("wait for", "the room"))?;
        ensure_started(self.handover.report, status).map(|()| status)
    }

    /// Waits for the program and collects what it prints. Fails if it was never started.
    pub fn wait_with_output(mut self) -> Result<Output> {
        self.child.stdin = self.stdin.take();
        self.child.stdout = self.stdout.take();
        self.child.stderr = self.stderr.take();
        let output = self
            .child
            .wait_with_output()
            .map_err(Error::io("wait for", "the room"))?;
        ensure_started(self.handover.report, output.status).map(|()| output)
    }

    /// Ends the room at once, with everything that runs in it.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().map_err(Error::io("end", "the room"))
    }

    /// The room's process on the host. It passes SIGTERM on to the program.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

fn ensure_started(report: File, status: ExitStatus) -> Result<()> {
    let what = match read_report(report) {
        Ok(StageReport::Started) => return Ok(()),
        Ok(StageReport::Failed(failure)) => return Err(failure.into_error(Purpose::Rehearsal)),
        // It was killed before it could report.
        Err(_) => match status.signal() {
            Some(signal) => format!("it was killed by signal {signal} before its program started"),
            None => "it ended before its program started".to_owned(),
        },
    };
    Err(Error::Room { what })
}

fn read_report(mut report: File) -> io::Result<StageReport> {
    report.rewind()?;
    Ok(serde_json::from_reader(report)?)
}

/// This program's file, for a room that binds it: by a name, since what has none cannot be bound.
fn own_file(room: &Room) -> Result<Option<Named>> {
    let is_own = |overlay: &Overlay| matches!(overlay, Overlay::Bind { source, .. } if source.path() == Path::new(OWN_EXECUTABLE));
    let is_bound = room.overlays.iter().any(is_own);
    is_bound
        .then(Named::find)
        .transpose()
        .map_err(Error::io("find", OWN_EXECUTABLE))
}

fn resolve_sources(overlays: &mut [Overlay], executable: &Path) -> Result<()> {
    // Store paths share one directory, and there may be thousands.
    let mut last_parent = (PathBuf::new(), PathBuf::new());
    for overlay in overlays {
        let is_store_path = matches!(overlay, Overlay::StorePath { .. });
        for source in overlay.sources_mut() {
            let path = if source.path() == Path::new(OWN_EXECUTABLE) {
                executable
            } else {
                source.path()
            };
            let (Some(parent), Some(name), true) = (path.parent(), path.file_name(), is_store_path)
            else {
                let real = fs::canonicalize(path).map_err(Error::io("find", path))?;
                *source = real.into();
                continue;
            };
            if last_parent.0 != parent {
                let real = fs::canonicalize(parent).map_err(Error::io("find", parent))?;
                last_parent = (parent.to_owned(), real);
            }
            let real = last_parent.1.join(name);
            *source = real.into();
        }
    }
    Ok(())
}

/// A place in the room is an absolute path without detours, so that the innermost of two can be
/// found from the text alone.
fn ensure_places_are_absolute(room: &Room) -> Result<()> {
    let places = room.overlays.iter().map(Overlay::at);
    let dirs = room.home.iter().chain(&room.current_dir).map(Os::path);
    for place in places.chain(dirs) {
        let is_plain = place.components().all(|part| part != Component::ParentDir);
        if !(place.is_absolute() && is_plain) {
            let what = format!("{} is not an absolute path without `..`", shown(place));
            return Err(Error::Room { what });
        }
    }
    Ok(())
}
