//! `shellpack verify`.

use crate::cli::stdout::{json, print};
use crate::cli::{Global, Verify, hint};
use crate::error::{Error, Result};
use crate::report::{Event, Report};
use crate::verify;

/// Checks all bundles, even if one of them is damaged. The error is that of the last one that is.
pub(super) fn run(command: Verify, global: &Global, report: &Report) -> Result<()> {
    let as_json = command.json;
    let mut outcome = Ok(());
    let mut verdicts = Vec::new();
    for options in command.options() {
        let verified = verify::verify(&options, report).and_then(|verification| {
            if as_json {
                verdicts.push(verification.verdict());
            } else {
                print(&verification.text(global.quiet))?;
            }
            verification.into_result()
        });
        report.ensure_not_interrupted()?;
        if let Err(error) = verified {
            report_all_but_last(outcome, report);
            outcome = Err(error);
        }
    }
    if as_json {
        print(&json(&verdicts)?)?;
    }
    outcome
}

/// Reports an earlier error, since only one can be returned.
fn report_all_but_last(outcome: Result<(), Error>, report: &Report) {
    if let Err(error) = outcome {
        report.emit(Event::Failed {
            error: &error,
            hint: hint::of(&error).as_deref(),
            exit_code: 1,
        });
    }
}
