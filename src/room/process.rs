//! Process handling of both stages: run a task, die with the parent, release the terminal.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::UnshareFlags;

use super::handover::Handover;
use super::report::{StageFailure, StageReport};
use super::spec::Spec;

/// The exit code of a stage that failed. Callers look at the report, not at this.
pub(super) const FAILED: i32 = 125;

/// The frame of both stages: read the task, do it, report a failure.
pub(super) fn run(
    args: &[OsString],
    stage: impl FnOnce(Spec, &mut Handover) -> Result<i32, StageFailure>,
) -> i32 {
    let mut handover = match Handover::open(args) {
        Ok(handover) => handover,
        Err(error) => {
            // Nothing else can be told.
            eprintln!("error: could not read the room's description\ncaused by: {error}");
            return FAILED;
        }
    };
    let done = handover
        .read_spec()
        .map_err(StageFailure::during("reading the room's description"))
        .and_then(|spec| stage(spec, &mut handover));
    done.unwrap_or_else(|failure| {
        // If this fails, the caller sees a room that ended without a report, and says so.
        let _ = StageReport::Failed(failure).write(&mut handover.report);
        FAILED
    })
}

/// Asks the kernel to kill this process when its parent dies, and checks that this has not happened
/// already. `args` name the parent's `/proc` directory.
pub(super) fn die_with_parent(args: &[OsString]) -> Result<(), StageFailure> {
    let step = "tying the room to its parent process";
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(StageFailure::during(step))?;
    let status = fs::read_to_string("/proc/self/status").map_err(StageFailure::during(step))?;
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
        Err(StageFailure::during(step)(io::Error::other("it is gone")))
    }
}

/// Releases stdin, stdout and stderr once the program has them, so that the other end of a pipe is
/// closed when the program closes its own. Open `null` before a child is started: stage 2 also
/// changes the root of stage 1.
pub(super) fn release_stdio(null: &File) {
    // Keeping them open is a nuisance, not a reason to stop.
    let _ = rustix::stdio::dup2_stdin(null);
    let _ = rustix::stdio::dup2_stdout(null);
    let _ = rustix::stdio::dup2_stderr(null);
}

/// The file that [`release_stdio`] puts in their place.
pub(super) fn open_null() -> Result<File, StageFailure> {
    let null = Path::new("/dev/null");
    let opened = File::options().read(true).write(true).open(null);
    opened.map_err(StageFailure::at("opening", null))
}

/// Leaves namespaces for new ones.
#[expect(
    deprecated,
    reason = "deprecated for what FILES does to other threads; we never pass it, and have none"
)]
pub(super) fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    rustix::thread::unshare(flags)
}
