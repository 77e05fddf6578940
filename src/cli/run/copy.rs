//! `shellpack copy`.

use super::several;
use super::written::print_written;
use crate::carry::copy;
use crate::cli::stdout::{json, print};
use crate::cli::{Copy, Global};
use crate::error::Result;
use crate::report::{Event, Report};

/// Copies all bundles, even if one of them cannot be copied.
pub(super) fn run(command: Copy, global: &Global, report: &Report) -> Result<()> {
    let as_json = command.pass.json;
    let all = copy::of_each(command.options())?;
    let mut copies = Vec::new();
    let outcome = several::each(all, report, |options| {
        let written = copy::copy(&options, report)?;
        if as_json {
            report.emit(Event::PhaseDone);
            copies.push(written);
            return Ok(());
        }
        print_written(&written, "copied", false, global, report)
    });
    if as_json {
        print(&json(&copies)?)?;
    }
    outcome
}
