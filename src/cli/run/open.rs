//! `shellpack open`.

use crate::cli::Open;
use crate::cli::stdout::{json, print};
use crate::entry::ByHand;
use crate::error::Result;
use crate::open::{self, Outside};
use crate::report::{Event, Report};

/// Returns only with --no-shell; otherwise the process becomes the shell.
pub(super) fn run(command: Open, report: &Report) -> Result<()> {
    let as_json = command.json;
    let outside = open::open(&command.options(), report)?;
    if as_json {
        return print(&json(&outside)?);
    }
    say_how_to_enter(&outside, report);
    Ok(())
}

fn say_how_to_enter(outside: &Outside, report: &Report) {
    for ByHand { shell, line } in &outside.shells {
        let which = shell.iter().map(|name| format!("{name} "));
        let which: String = which.collect();
        report.emit(Event::Note(&format!("to enter {which}by hand: {line}")));
    }
}
