//! `shellpack verify`.

use crate::cli::stdout::print;
use crate::cli::{Global, Verify};
use crate::error::Result;
use crate::report::Report;
use crate::verify;

pub(super) fn run(command: Verify, global: &Global, report: &Report) -> Result<()> {
    let verification = verify::verify(&command.options(), report)?;
    print(&verification.text(global.quiet))?;
    verification.into_result()
}
