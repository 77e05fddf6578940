//! `shellpack join`.

use super::written::print_written;
use crate::carry::join;
use crate::cli::{Global, Join};
use crate::error::Result;
use crate::report::Report;

pub(super) fn run(command: Join, global: &Global, report: &Report) -> Result<()> {
    let as_json = command.pass.json;
    let written = join::join(&command.options(), report)?;
    print_written(&written, "joined", as_json, global, report)
}
