//! `shellpack run`.

use std::convert::Infallible;

use crate::cli::Run;
use crate::enter;
use crate::error::Result;
use crate::report::Report;

/// Returns only on failure; otherwise the process becomes the shell.
pub(super) fn run(command: Run, report: &Report) -> Result<Infallible> {
    enter::enter(&command.options(), report)
}
