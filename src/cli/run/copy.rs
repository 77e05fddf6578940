//! `shellpack copy`.

use super::written::print_written;
use crate::carry::copy;
use crate::cli::{Copy, Global};
use crate::error::Result;
use crate::report::Report;

pub(super) fn run(command: Copy, global: &Global, report: &Report) -> Result<()> {
    let as_json = command.pass.json;
    let written = copy::copy(&command.options(), report)?;
    print_written(&written, "copied", as_json, global, report)
}
