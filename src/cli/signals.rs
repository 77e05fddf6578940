//! Ctrl-C and other signals that end a process: the first lets the engine clean up.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::Command;
use crate::report::{Event, Report};

/// Sets `interrupted` at the first signal, and ends the process at the second.
pub(super) fn catch(command: &Command, interrupted: &Arc<AtomicBool>, report: &Report) {
    // A file that becomes too large is an error of the write, not the end of the process.
    let _ = signal_hook::flag::register(Signal::XFSZ.as_raw(), Arc::default());
    // In a rehearsal Ctrl-C is the business of the command inside, however often.
    let ends_at_second = !matches!(command, Command::Rehearse(_));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        if let Err(error) = arm(signal, interrupted, ends_at_second) {
            let text = format!("Ctrl-C may leave something behind: {error}");
            report.emit(Event::Warning(&text));
        }
    }
}

fn arm(signal: i32, interrupted: &Arc<AtomicBool>, ends_at_second: bool) -> io::Result<()> {
    if ends_at_second {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(interrupted))?;
    }
    signal_hook::flag::register(signal, Arc::clone(interrupted)).map(drop)
}
