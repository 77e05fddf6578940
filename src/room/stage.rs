//! Stage 1: makes the namespaces, and stays alive to pass the room's status on.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, getegid, geteuid};
use rustix::thread::UnshareFlags;

use super::init;
use super::process::{die_with_parent, open_null, release_stdio, run, unshare};
use super::report::StageFailure;
use super::spec::{Network, OWN_EXECUTABLE};
use super::supervise::Supervisor;

/// The hidden subcommand.
pub(super) const SUBCOMMAND: &str = "room-enter";

/// Runs stage 1 and returns its exit code.
pub(super) fn enter(args: &[OsString]) -> i32 {
    run(args, |spec, handover| {
        make_namespaces(spec.room.network)?;
        // Not earlier, because a change of credentials resets it.
        die_with_parent(args)?;
        let supervisor = Supervisor::new().map_err(StageFailure::during("catching signals"))?;
        let null = open_null()?;
        let child = Command::new(OWN_EXECUTABLE)
            .arg0("shellpack")
            .arg(init::SUBCOMMAND)
            .args(handover.args())
            .spawn()
            .map_err(StageFailure::at("running", Path::new(OWN_EXECUTABLE)))?;
        release_stdio(&null);
        supervisor
            .wait_for(Pid::from_child(&child))
            .map_err(StageFailure::during("waiting"))
    })
}

fn make_namespaces(network: Network) -> Result<(), StageFailure> {
    let mut flags =
        UnshareFlags::NEWNS | UnshareFlags::NEWPID | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    if network != Network::Host {
        flags |= UnshareFlags::NEWNET;
    }
    let (uid, gid) = (geteuid(), getegid());
    // Root needs no user namespace: with only its own id mapped it could not read another user's
    // private files. In another room root may not be real, but is allowed this.
    if uid.is_root() && unshare(flags).is_ok() {
        return Ok(());
    }
    unshare(flags | UnshareFlags::NEWUSER)
        .map_err(StageFailure::forbidden("creating a user namespace"))?;
    let map = |file: &str, line: &str| {
        fs::write(Path::new("/proc/self").join(file), line).map_err(StageFailure::forbidden(
            "mapping the user inside a user namespace",
        ))
    };
    // Otherwise the kernel refuses to map a group. Kernels before 3.19 lack the file.
    if Path::new("/proc/self/setgroups").exists() {
        map("setgroups", "deny")?;
    }
    map("uid_map", &format!("0 {} 1\n", uid.as_raw()))?;
    map("gid_map", &format!("0 {} 1\n", gid.as_raw()))
}
