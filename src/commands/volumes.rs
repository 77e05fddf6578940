//! The commands that make and join volumes.

use std::process::ExitCode;

use super::{json, print};
use crate::cli::{Global, Join, Split};
use crate::error::Result;
use crate::inspect::Labelled;
use crate::output::Written;
use crate::report::{Event, Report};
use crate::{join, split};

pub(super) fn split(command: Split, global: &Global, report: &Report) -> Result<ExitCode> {
    let as_json = command.json;
    let written = split::split(&command.options(), report)?;
    tell(&written, "split", as_json, global, report)
}

pub(super) fn join(command: Join, global: &Global, report: &Report) -> Result<ExitCode> {
    let as_json = command.json;
    let written = join::join(&command.options(), report)?;
    tell(&written, "joined", as_json, global, report)
}

fn tell(
    written: &Written,
    done: &str,
    as_json: bool,
    global: &Global,
    report: &Report,
) -> Result<ExitCode> {
    report.emit(Event::PhaseDone);
    if as_json {
        print(&json(written)?);
    } else if !global.quiet {
        let mut text = Labelled::default();
        if let Some(path) = &written.path {
            text.line(done, &path.display().to_string());
        }
        written.describe(&mut text, "");
        print(&text.finish());
    }
    Ok(ExitCode::SUCCESS)
}
