//! `shellpack why`.

use crate::cli::stdout::{json, print};
use crate::cli::{Global, Why};
use crate::error::Result;
use crate::graph;

pub(super) fn run(command: Why, global: &Global) -> Result<()> {
    let as_json = command.json;
    let (options, path) = command.options();
    let chains = graph::why(&options, &path)?;
    print(&if as_json {
        json(&chains)?
    } else {
        chains.text(global.verbose)
    })
}
