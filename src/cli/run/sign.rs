//! `shellpack sign`.

use crate::carry::sign;
use crate::cli::Sign;
use crate::cli::stdout::{json, print};
use crate::error::Result;
use crate::report::Report;

pub(super) fn run(command: Sign, report: &Report) -> Result<()> {
    let as_json = command.json;
    let signed = sign::sign(&command.options(), report)?;
    print(&if as_json {
        json(&signed)?
    } else {
        signed.text()
    })
}
