//! The summary that commands print about a bundle that they wrote.

use crate::cli::Global;
use crate::cli::stdout::{json, print};
use crate::error::Result;
use crate::output::Written;
use crate::report::{Event, Labelled, Report};

/// Prints the summary; `done` is the label of its first line.
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
        text.line(done, &path.to_string_lossy());
    }
    written.describe(&mut text, "");
    print(&text.finish())
}
