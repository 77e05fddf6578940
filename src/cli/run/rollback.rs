//! `shellpack rollback`.

use crate::cli::stdout::{json, print};
use crate::cli::{Global, Rollback};
use crate::error::Result;
use crate::report::Report;
use crate::rollback;

pub(super) fn run(command: Rollback, global: &Global, report: &Report) -> Result<()> {
    let as_json = command.json;
    let outcome = rollback::rollback(&command.options(), report)?;
    if as_json {
        return print(&json(&outcome)?);
    }
    if global.quiet {
        return Ok(());
    }
    print(&outcome.text())
}
