//! `shellpack list`.

use crate::cli::stdout::{columns, json, print};
use crate::cli::{Global, List};
use crate::error::Result;
use crate::opened::list;
use crate::report::{Event, Report};

pub(super) fn run(command: &List, global: &Global, report: &Report) -> Result<()> {
    let listing = list::list(command.store.dir().as_deref())?;
    if command.json {
        return print(&json(&listing.bundles)?);
    }
    if listing.bundles.is_empty() {
        report.emit(Event::Note("no bundle was opened here yet"));
        return Ok(());
    }
    print(&listing.text(columns(), global.verbose))
}
