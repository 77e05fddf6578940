//! Waiting for a child while surviving the signals that are meant for it.
//!
//! Ctrl-C reaches every process in the terminal's foreground group. The program in the room decides
//! what it means, and the processes that wait for it must live to pass its status on.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, wait};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};

/// Signals that are sent to one process only, so they must be forwarded.
const FORWARDED: [(i32, Signal); 2] = [(SIGTERM, Signal::TERM), (SIGHUP, Signal::HUP)];
/// Signals that the terminal also sends to the program in the room.
const SURVIVED: [i32; 2] = [SIGINT, SIGQUIT];

/// Handles the signals of a process that only waits for a child.
///
/// One thread does everything: handlers set a flag and write to a pipe, and the loop reads it. A
/// separate thread for forwarding could signal a process that has just been reaped.
pub(super) struct Supervisor {
    wake: UnixStream,
    forward: Vec<(Arc<AtomicBool>, Signal)>,
}

impl Supervisor {
    /// Call this before the child starts, or its end could go unnoticed.
    pub(super) fn new() -> io::Result<Self> {
        let (wake, waker) = UnixStream::pair()?;
        let mut forward = Vec::new();
        for (number, signal) in FORWARDED {
            let seen = Arc::new(AtomicBool::new(false));
            // The flag first: handlers run in this order, and the loop checks flags once it is
            // woken.
            signal_hook::flag::register(number, Arc::clone(&seen))?;
            signal_hook::low_level::pipe::register(number, waker.try_clone()?)?;
            forward.push((seen, signal));
        }
        for number in SURVIVED {
            // A handler that does nothing, since children would inherit an ignored signal.
            signal_hook::flag::register(number, Arc::new(AtomicBool::new(false)))?;
        }
        signal_hook::low_level::pipe::register(SIGCHLD, waker)?;
        Ok(Self { wake, forward })
    }

    /// Reaps every child until `child` ends. Returns its exit code as a shell counts it: 128 plus
    /// the signal's number if it was killed.
    pub(super) fn wait_for(mut self, child: Pid) -> io::Result<i32> {
        loop {
            for (seen, signal) in &self.forward {
                if seen.swap(false, Ordering::SeqCst) {
                    // It may have ended already, which the loop below notices.
                    let _ = kill_process(child, *signal);
                }
            }
            // Not `waitpid(None)`: that is for our process group, which programs may leave.
            while let Some((pid, status)) = wait(WaitOptions::NOHANG)? {
                if pid == child {
                    return Ok(exit_code(status));
                }
            }
            match self.wake.read(&mut [0; 64]) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
    }
}

fn exit_code(status: WaitStatus) -> i32 {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => code,
        (None, signal) => 128 + signal.unwrap_or(0),
    }
}

/// While this lives, Ctrl-C does not end this process.
///
/// Dispositions belong to the whole process, hence the only static of this module. If the process
/// handles or ignores the signals already, nothing changes.
pub(super) struct TerminalSignals {
    state: &'static State,
}

struct State {
    fatal: Arc<AtomicBool>,
    guards: Mutex<usize>,
}

static STATE: OnceLock<State> = OnceLock::new();

impl TerminalSignals {
    /// From here on, SIGINT and SIGQUIT are for the child.
    pub(super) fn leave_to_child() -> Self {
        let state = STATE.get_or_init(State::install);
        state.count(|guards| guards + 1);
        Self { state }
    }
}

impl Drop for TerminalSignals {
    fn drop(&mut self) {
        self.state.count(|guards| guards - 1);
    }
}

impl State {
    fn install() -> Self {
        let fatal = Arc::new(AtomicBool::new(false));
        for number in SURVIVED {
            if !has_own_disposition(number) {
                // This fails only if the kernel does not know the signal. Then Ctrl-C ends the
                // process and the room with it, which does no harm.
                let _ = signal_hook::flag::register_conditional_default(number, Arc::clone(&fatal));
            }
        }
        Self {
            fatal,
            guards: Mutex::new(0),
        }
    }

    fn count(&self, change: impl FnOnce(usize) -> usize) {
        let mut guards = self.guards.lock().unwrap_or_else(PoisonError::into_inner);
        *guards = change(*guards);
        self.fatal.store(*guards == 0, Ordering::SeqCst);
    }
}

/// Whether this process catches or ignores a signal, from the masks in `/proc/self/status`.
fn has_own_disposition(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .filter_map(|line| {
            line.strip_prefix("SigCgt:")
                .or(line.strip_prefix("SigIgn:"))
        })
        .filter_map(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .any(|mask| mask >> (signal - 1) & 1 == 1)
}
