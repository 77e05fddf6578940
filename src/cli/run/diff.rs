//! `shellpack diff`.

use crate::cli::Diff;
use crate::cli::stdout::{json, print};
use crate::diff;
use crate::error::Result;
use crate::report::Report;

pub(super) fn run(command: Diff, report: &Report) -> Result<()> {
    let as_json = command.json;
    let diff = diff::diff(&command.options(), report)?;
    print(&if as_json { json(&diff)? } else { diff.text() })
}
