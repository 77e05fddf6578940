//! `shellpack split`.

use super::written::print_written;
use crate::carry::split;
use crate::cli::{Global, Split};
use crate::error::Result;
use crate::report::Report;

pub(super) fn run(command: Split, global: &Global, report: &Report) -> Result<()> {
    let as_json = command.pass.json;
    let written = split::split(&command.options(), report)?;
    print_written(&written, "split", as_json, global, report)
}
