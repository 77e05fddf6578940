//! `shellpack inventory`.

use std::path::Path;

use crate::cli::stdout::{self, json, print};
use crate::cli::{Global, Inventory};
use crate::error::{BadOutput, Result};
use crate::inventory;
use crate::report::{Event, Report};

pub(super) fn run(command: Inventory, global: &Global, report: &Report) -> Result<()> {
    let (as_text, as_json) = (command.text, command.json);
    let options = command.options();
    if as_text {
        return print(&inventory::typed(&options, report)?);
    }
    let to_stdout = options.output.as_deref() == Some(Path::new("-"));
    if to_stdout && stdout::is_terminal() {
        return Err(BadOutput::IsTerminal.into());
    }
    let written = inventory::write(&options, report)?;
    let text = if as_json {
        json(&written)?
    } else {
        written.text()
    };
    if to_stdout {
        // stdout has the inventory.
        report.emit(Event::Summary(&text));
    } else if as_json || !global.quiet {
        print(&text)?;
    }
    Ok(())
}
