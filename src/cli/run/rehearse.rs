//! `shellpack rehearse`.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus};

use super::OWN_FAILURE;
use crate::cli::{Global, Rehearse};
use crate::error::Result;
use crate::rehearse;
use crate::report::{Event, Report};

pub(super) fn run(command: Rehearse, global: &Global, report: &Report) -> Result<ExitCode> {
    let status = rehearse::rehearse(&command.options(global), report)?;
    if status.success() {
        report.emit(Event::Note(
            "the rehearsal passed: the bundle was opened with no network, in a store that had nothing else",
        ));
    }
    Ok(ExitCode::from(code_of(status)))
}

/// Passes the status on as shells do: signals count from 128.
fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(OWN_FAILURE)
}
