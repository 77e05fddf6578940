//! Stage 1: makes the namespaces, and stays alive to pass the room's status on.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use rustix::process::Pid;
use rustix::thread::UnshareFlags;

use super::init;
use super::namespaces::{self, AsRoot};
use super::process::{die_with_parent, open_null, release_stdio, run};
use super::report::StageFailure;
use super::spec::{Network, OWN_EXECUTABLE};
use super::supervise::Supervisor;

/// The hidden subcommand.
pub(super) const SUBCOMMAND: &str = "room-enter";

/// Runs stage 1 and returns its exit code.
pub(super) fn enter(args: &[OsString]) -> i32 {
    run(args, |spec, handover| {
        let mut flags = UnshareFlags::NEWPID | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
        if spec.room.network != Network::Host {
            flags |= UnshareFlags::NEWNET;
        }
        namespaces::make(flags, AsRoot::Yes)?;
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
