//! `shellpack du`.

use crate::cli::stdout::{json, print};
use crate::cli::{Du, Global};
use crate::error::Result;
use crate::graph;

pub(super) fn run(command: Du, global: &Global) -> Result<()> {
    let as_json = command.json;
    let weights = graph::du(&command.options())?;
    print(&if as_json {
        json(&weights)?
    } else {
        weights.text(global.verbose)
    })
}
