//! `shellpack enter`.

use std::convert::Infallible;

use crate::cli::Enter;
use crate::enter;
use crate::error::Result;
use crate::report::Report;

/// Returns only on failure; otherwise the process becomes the shell.
pub(super) fn run(command: Enter, report: &Report) -> Result<Infallible> {
    enter::enter(&command.options(), report)
}
