//! Stage 1: makes the namespaces, and outlives the room to pass its status on.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, getegid, geteuid, set_parent_process_death_signal};
use rustix::thread::UnshareFlags;

use super::command::Handover;
use super::report::{Failure, Report};
use super::spec::{Network, Spec};
use super::supervise::Supervisor;
use super::{OWN_EXECUTABLE, init};

/// The hidden subcommand.
pub(super) const SUBCOMMAND: &str = "room-enter";

/// The exit code of a stage that failed. Callers look at the report, not at this.
const FAILED: i32 = 125;

/// Runs stage 1 and returns its exit code.
pub(super) fn enter(args: &[OsString]) -> i32 {
    run(args, |spec, handover| {
        make_namespaces(spec.room.network)?;
        // Only now, because a change of credentials resets it.
        die_with_parent(args)?;
        let supervisor = Supervisor::new().map_err(Failure::during("catching signals"))?;
        let null = open_null()?;
        let child = Command::new(OWN_EXECUTABLE)
            .arg0("shellpack")
            .arg(init::SUBCOMMAND)
            .args(handover.args())
            .spawn()
            .map_err(Failure::at("running", Path::new(OWN_EXECUTABLE)))?;
        release_stdio(&null);
        supervisor
            .wait_for(Pid::from_child(&child))
            .map_err(Failure::during("waiting"))
    })
}

/// What both stages share: read the task, do it, report a failure.
pub(super) fn run(
    args: &[OsString],
    stage: impl FnOnce(Spec, &mut Handover) -> Result<i32, Failure>,
) -> i32 {
    let mut handover = match Handover::open(args) {
        Ok(handover) => handover,
        Err(error) => {
            // There is nobody else to tell.
            eprintln!("error: could not read the room's description\ncaused by: {error}");
            return FAILED;
        }
    };
    let done = handover
        .read_spec()
        .map_err(Failure::during("reading the room's description"))
        .and_then(|spec| stage(spec, &mut handover));
    done.unwrap_or_else(|failure| {
        // If this fails, the caller sees a room that ended without a word, and says so.
        let _ = Report::Failed(failure).write(&mut handover.report);
        FAILED
    })
}

/// Asks the kernel to kill this process when its parent dies, and makes sure that this has
/// not happened before the kernel could know. `args` name the parent's `/proc` directory.
pub(super) fn die_with_parent(args: &[OsString]) -> Result<(), Failure> {
    let step = "tying the room to its parent process";
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(Failure::during(step))?;
    let status = fs::read_to_string("/proc/self/status").map_err(Failure::during(step))?;
    let parent = status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))
        .map(str::trim);
    let expected = args
        .first()
        .and_then(|dir| Path::new(dir).parent()?.file_name()?.to_str());
    if parent == expected {
        Ok(())
    } else {
        Err(Failure::during(step)(io::Error::other("it is gone")))
    }
}

/// Lets go of stdin, stdout and stderr once the program has them, so that whoever is on the
/// other end of a pipe sees it close when the program closes it. `null` is to be opened before
/// a child is started: stage 2 changes the root of stage 1, too.
pub(super) fn release_stdio(null: &File) {
    // Holding on is a nuisance and no reason to stop.
    let _ = rustix::stdio::dup2_stdin(null);
    let _ = rustix::stdio::dup2_stdout(null);
    let _ = rustix::stdio::dup2_stderr(null);
}

/// Where [`release_stdio`] leads to.
pub(super) fn open_null() -> Result<File, Failure> {
    let null = Path::new("/dev/null");
    let opened = File::options().read(true).write(true).open(null);
    opened.map_err(Failure::at("opening", null))
}

fn make_namespaces(network: Network) -> Result<(), Failure> {
    let mut flags =
        UnshareFlags::NEWNS | UnshareFlags::NEWPID | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    if network != Network::Host {
        flags |= UnshareFlags::NEWNET;
    }
    let (uid, gid) = (geteuid(), getegid());
    // Root does without a user namespace: with only its own id mapped it could not read
    // another user's private files. Inside another room root is not always real, but may do this.
    if uid.is_root() && unshare(flags).is_ok() {
        return Ok(());
    }
    unshare(flags | UnshareFlags::NEWUSER)
        .map_err(Failure::forbidden("creating a user namespace"))?;
    let map = |file: &str, line: &str| {
        fs::write(Path::new("/proc/self").join(file), line).map_err(Failure::forbidden(
            "mapping the user inside a user namespace",
        ))
    };
    // Without this the kernel lets nobody map a group; kernels before 3.19 lack the file.
    if Path::new("/proc/self/setgroups").exists() {
        map("setgroups", "deny")?;
    }
    map("uid_map", &format!("0 {} 1\n", uid.as_raw()))?;
    map("gid_map", &format!("0 {} 1\n", gid.as_raw()))
}

#[expect(
    deprecated,
    reason = "deprecated for what FILES does to other threads; we never pass it, and have none"
)]
fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    rustix::thread::unshare(flags)
}

/// Stops a helper program from touching the stdin, stdout and stderr that are the program's.
pub(super) fn quiet(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
