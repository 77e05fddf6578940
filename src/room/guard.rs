//! The last stage of a guarded room: a process that gives up what the room itself needed, and becomes
//! the program.
//!
//! It enters a user and a mount namespace of its own. The kernel locks what it finds there: a read-only
//! mount of the room cannot be made writable again, nor removed to see what is below, by root neither.
//! Root has its rights over what it makes itself, and none over the host. Where no such namespace can be
//! made, it drops the capabilities instead.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, UnshareFlags, remove_capability_from_bounding_set,
    set_capabilities,
};

use super::filter;
use super::process::{self, unshare};
use super::report::{StageFailure, StageReport};
use super::spec::OWN_EXECUTABLE;

/// The hidden subcommand.
pub(super) const SUBCOMMAND: &str = "room-guard";

/// The rights that root keeps where it has no namespace: rights over files of the room, and over its own processes.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID);

/// Starts the guard, which becomes the program. `command` has the program's environment; `handover` are
/// the arguments for the next stage.
pub(super) fn start(
    mut environment: Command,
    handover: &[OsString],
) -> Result<Child, StageFailure> {
    let step = "starting the room's guard";
    let (failures, told) = pipe_with(PipeFlags::CLOEXEC).map_err(StageFailure::during(step))?;
    let own = fs::canonicalize("/proc/self").map_err(StageFailure::during(step))?;
    let place = own.join(format!("fd/{}", told.as_raw_fd()));
    let child = environment
        .arg0("shellpack")
        .arg(SUBCOMMAND)
        .args(handover)
        .arg(place)
        .spawn()
        .map_err(StageFailure::at("running", Path::new(OWN_EXECUTABLE)))?;
    let pid = Pid::from_child(&child);
    // It stops once it is in its namespaces, of which only we can say whose ids they have.
    let stopped = waitpid(Some(pid), WaitOptions::UNTRACED).map_err(StageFailure::during(step))?;
    let is_waiting = stopped.is_some_and(|(_, status)| status.stopped());
    if is_waiting {
        map_ids(pid).map_err(StageFailure::during("mapping users into the guarded room"))?;
        kill_process(pid, Signal::CONT).map_err(StageFailure::during(step))?;
    }
    drop(told);
    let mut failure = Vec::new();
    File::from(failures)
        .read_to_end(&mut failure)
        .map_err(StageFailure::during(step))?;
    match serde_json::from_slice(&failure) {
        Ok(StageReport::Failed(failure)) => Err(failure),
        _ if is_waiting => Ok(child),
        _ => Err(StageFailure::during(step)(io::Error::other("it ended"))),
    }
}

/// Gives the namespace of a process all ids that this one has.
fn map_ids(pid: Pid) -> io::Result<()> {
    let place = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
    let namespace = |place: &Path| fs::read_link(place.join("ns/user"));
    if namespace(&place)? == namespace(Path::new("/proc/self"))? {
        return Ok(());
    }
    for map in ["uid_map", "gid_map"] {
        let own = fs::read_to_string(Path::new("/proc/self").join(map))?;
        let same = own.lines().filter_map(|line| {
            let mut columns = line.split_whitespace();
            let (first, count) = (columns.next()?, columns.nth(1)?);
            Some(format!("{first} {first} {count}\n"))
        });
        fs::write(place.join(map), same.collect::<String>())?;
    }
    Ok(())
}

/// Runs the stage. It returns only if it fails.
pub(super) fn guard(args: &[OsString]) -> i32 {
    let [handover @ .., told] = args else {
        return process::FAILED;
    };
    // A failure after this has words for the stage before.
    let Ok(mut told) = File::options().write(true).open(told) else {
        return process::FAILED;
    };
    process::run(handover, |spec, _| {
        let failure = become_program(&spec.command).err();
        if let Some(failure) = failure {
            let failed = serde_json::to_writer(&mut told, &StageReport::Failed(failure));
            failed
                .map_err(io::Error::from)
                .map_err(StageFailure::during("reporting"))?;
        }
        Ok(process::FAILED)
    })
}

fn become_program(command: &[super::spec::Os]) -> Result<(), StageFailure> {
    let Some((program, args)) = command.split_first() else {
        return Ok(());
    };
    let is_apart = unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS).is_ok();
    kill_process(getpid(), Signal::STOP).map_err(StageFailure::during("waiting"))?;
    if !is_apart {
        drop_capabilities().map_err(StageFailure::during("dropping capabilities"))?;
    }
    filter::apply()?;
    let error = Command::new(program).args(args).exec();
    Err(StageFailure::at("running", program.path())(error))
}

fn drop_capabilities() -> io::Result<()> {
    for capability in CapabilitySet::all().difference(KEPT).iter() {
        // The kernel may not know all of them.
        let _ = remove_capability_from_bounding_set(capability);
    }
    let kept = rustix::thread::capabilities(None)?.permitted & KEPT;
    set_capabilities(
        None,
        CapabilitySets {
            effective: kept,
            permitted: kept,
            inheritable: CapabilitySet::empty(),
        },
    )?;
    Ok(())
}
