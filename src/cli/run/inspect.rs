//! `shellpack inspect`.

use crate::cli::stdout::{json, print};
use crate::cli::{Global, Inspect};
use crate::describe;
use crate::error::Result;

pub(super) fn run(command: Inspect, global: &Global) -> Result<()> {
    let as_json = command.json;
    let inspection = describe::inspect(&command.options())?;
    if as_json {
        return print(&json(&inspection)?);
    }
    print(&inspection.text(global.verbose))
}
