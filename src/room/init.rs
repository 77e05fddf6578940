//! Stage 2, pid 1 of the room: builds the room, starts the program, reaps children, passes the
//! status on.

use std::ffi::OsString;
use std::process::{Child, Command};

use rustix::process::Pid;

use super::report::{StageFailure, StageReport};
use super::spec::{Network, OWN_EXECUTABLE, Spec};
use super::supervise::Supervisor;
use super::{guard, loopback, process, tree};

/// The hidden subcommand.
pub(super) const SUBCOMMAND: &str = "room-init";

/// Runs stage 2 and returns its exit code.
pub(super) fn init(args: &[OsString]) -> i32 {
    process::run(args, |spec, handover| {
        process::die_with_parent(args)?;
        let null = process::open_null()?;
        if spec.room.network == Network::Loopback {
            loopback::raise()?;
        }
        tree::build(&spec.room)?;
        enter_current_dir(&spec)?;
        let supervisor = Supervisor::new().map_err(StageFailure::during("catching signals"))?;
        let child = start(&spec, &handover.args())?;
        StageReport::Started
            .write(&mut handover.report)
            .map_err(StageFailure::during("reporting the start"))?;
        let Some(child) = child else { return Ok(0) };
        process::release_stdio(&null);
        supervisor
            .wait_for(Pid::from_child(&child))
            .map_err(StageFailure::during("waiting"))
    })
}

fn enter_current_dir(spec: &Spec) -> Result<(), StageFailure> {
    if let Some(dir) = &spec.room.current_dir {
        return std::env::set_current_dir(dir.path())
            .map_err(StageFailure::at("changing directory to", dir.path()));
    }
    if let Some(dir) = &spec.caller_dir {
        // It is hidden or missing in the room: the program starts in the root.
        let _ = std::env::set_current_dir(dir.path());
    }
    Ok(())
}

fn start(spec: &Spec, handover: &[OsString]) -> Result<Option<Child>, StageFailure> {
    let Some((program, args)) = spec.command.split_first() else {
        return Ok(None);
    };
    let mut command = if spec.room.guarded {
        Command::new(OWN_EXECUTABLE)
    } else {
        Command::new(program)
    };
    if spec.room.env_clear {
        command.env_clear();
    }
    if let Some(home) = &spec.room.home {
        command.env("HOME", home);
    }
    command.envs(spec.room.env.iter().map(|(name, value)| (name, value)));
    if spec.room.guarded {
        return guard::start(command, handover).map(Some);
    }
    command
        .args(args)
        .spawn()
        .map(Some)
        .map_err(StageFailure::at("running", program.path()))
}
