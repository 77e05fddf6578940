//! What every command that writes a bundle prints about it.

use crate::cli::Global;
use crate::cli::stdout::{json, print};
use crate::error::Result;
use crate::output::Written;
use crate::report::{Event, Labelled, Report};

/// Prints what was written; `done` is what was done, as a label.
pub(super) fn print_written(
    written: &Written,
    done: &str,
    as_json: bool,
    global: &Global,
    report: &Report,
) -> Result<()> {
    report.emit(Event::PhaseDone);
    if as_json {
        return print(&json(written)?);
    }
    if global.quiet {
        return Ok(());
    }
    let mut text = Labelled::default();
    if let Some(path) = &written.path {
        text.line(done, &path.display().to_string());
    }
    written.describe(&mut text, "");
    print(&text.finish())
}
