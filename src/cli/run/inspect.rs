//! `shellpack inspect`.

use crate::cli::stdout::{columns, json, print, print_exactly};
use crate::cli::wrap::wrapped;
use crate::cli::{Global, Inspect};
use crate::describe;
use crate::error::Result;
use crate::graph;

pub(super) fn run(command: Inspect, global: &Global) -> Result<()> {
    let as_json = command.json;
    if command.manifest {
        return print_exactly(&describe::manifest_bytes(&command.options())?);
    }
    if command.tree {
        return print(&graph::tree(&command.graph_options())?);
    }
    let inspection = describe::inspect(&command.options())?;
    if as_json {
        return print(&json(&inspection)?);
    }
    print(&wrapped(&inspection.text(global.verbose), columns()))
}
