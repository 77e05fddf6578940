//! `shellpack verify`.

use super::several;
use crate::cli::stdout::{json, print};
use crate::cli::{Global, Verify};
use crate::error::Result;
use crate::report::Report;
use crate::verify;

/// Checks all bundles, even if one of them is damaged.
pub(super) fn run(command: Verify, global: &Global, report: &Report) -> Result<()> {
    let as_json = command.json;
    let mut verdicts = Vec::new();
    let outcome = several::each(command.options(), report, |options| {
        let verification = verify::verify(&options, report)?;
        if as_json {
            verdicts.push(verification.verdict());
        } else {
            print(&verification.text(global.quiet))?;
        }
        verification.into_result()
    });
    if as_json {
        print(&json(&verdicts)?)?;
    }
    outcome
}
