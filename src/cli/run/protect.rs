//! `shellpack protect`.

use crate::carry::protect;
use crate::cli::stdout::{json, print};
use crate::cli::{Global, Protect};
use crate::error::Result;
use crate::report::{Event, Labelled, Report, human};

pub(super) fn run(command: Protect, global: &Global, report: &Report) -> Result<()> {
    let as_json = command.pass.json;
    let parity = protect::protect(&command.options(), report)?;
    report.emit(Event::PhaseDone);
    if as_json {
        return print(&json(&parity)?);
    }
    if global.quiet {
        return Ok(());
    }
    let mut text = Labelled::default();
    text.line("parity", &parity.path.to_string_lossy());
    text.line("size", &human(parity.size));
    text.line("sha256", &parity.digest.hex());
    print(&text.finish())
}
