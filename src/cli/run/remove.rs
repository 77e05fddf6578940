//! `shellpack remove`.

use crate::cli::stdout::{json, print};
use crate::cli::{Global, Remove};
use crate::error::Result;
use crate::opened::remove;
use crate::report::Report;

pub(super) fn run(command: Remove, global: &Global, report: &Report) -> Result<()> {
    let as_json = command.json;
    let removed = remove::remove(&command.options(), report)?;
    if as_json {
        return print(&json(&removed)?);
    }
    if global.quiet {
        return Ok(());
    }
    print(&removed.text())
}
