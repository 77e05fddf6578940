//! Commands that take several bundles.

use crate::cli::hint;
use crate::error::{Error, Result};
use crate::report::{Event, Report};

/// Does one thing to all, even if it fails for one of them. The error is that of the last one for which
/// it does; the others are reported.
pub(super) fn each<T>(
    all: impl IntoIterator<Item = T>,
    report: &Report,
    mut one: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let mut outcome = Ok(());
    for item in all {
        let done = one(item);
        report.ensure_not_interrupted()?;
        if let Err(error) = done {
            report_earlier(outcome, report);
            outcome = Err(error);
        }
    }
    outcome
}

/// Reports an earlier error, since only one can be returned.
fn report_earlier(outcome: Result<(), Error>, report: &Report) {
    if let Err(error) = outcome {
        report.emit(Event::Failed {
            error: &error,
            hint: hint::of(&error).as_deref(),
            exit_code: 1,
        });
    }
}
