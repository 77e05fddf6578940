//! Ctrl-C and other signals that end the process.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::Command;
use crate::report::{Event, Report};

/// The first signal sets `interrupted`, so that the engine can clean up; the second ends the process.
pub(super) fn catch(command: &Command, interrupted: &Arc<AtomicBool>, report: &Report) {
    // When a file becomes too large, the write shall fail, not the process.
    let _ = signal_hook::flag::register(Signal::XFSZ.as_raw(), Arc::default());
    // In a rehearsal every Ctrl-C is for the command inside.
    let ends_at_second = !matches!(command, Command::Rehearse(_));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // `nohup` means what it starts as well. Ctrl-C is ignored by whatever a script starts in the
        // background, where it is not meant.
        if signal == SIGHUP && is_ignored(signal) {
            continue;
        }
        if let Err(error) = arm(signal, interrupted, ends_at_second) {
            let text = format!("Ctrl-C may leave files behind: {error}");
            report.emit(Event::Warning(&text));
        }
    }
}

/// Whether whoever started this process wants it to ignore a signal.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    ignored.is_some_and(|bits| bits >> (signal - 1) & 1 == 1)
}

fn arm(signal: i32, interrupted: &Arc<AtomicBool>, ends_at_second: bool) -> io::Result<()> {
    if ends_at_second {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(interrupted))?;
    }
    signal_hook::flag::register(signal, Arc::clone(interrupted)).map(drop)
}
