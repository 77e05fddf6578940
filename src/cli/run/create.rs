//! `shellpack create`.

use crate::cli::stdout::{self, json, print};
use crate::cli::{Create, Global};
use crate::create::destination::Output;
use crate::create::{self, Options, Place};
use crate::error::{BadOutput, Result};
use crate::output::ReadBack;
use crate::report::{Event, Report};

pub(super) fn run(command: Create, global: &Global, report: &Report) -> Result<()> {
    let as_json = command.json;
    let options = command.options();
    let to_stdout = options.output == Some(Output::Stdout);
    if to_stdout {
        ensure_stdout_takes_it(&options)?;
    }
    let summary = create::create(&options, report)?;
    report.emit(Event::PhaseDone);
    for warning in summary.warnings() {
        report.emit(Event::Warning(&warning));
    }
    let text = if as_json {
        json(&summary.json())?
    } else {
        summary.text(global.verbose)
    };
    if to_stdout && !options.dry_run {
        // stdout has the bundle.
        report.emit(Event::Summary(&text));
    } else if as_json || !global.quiet {
        print(&text)?;
    }
    Ok(())
}

/// stdout takes a bundle only in one file, and only if it is not a terminal.
fn ensure_stdout_takes_it(options: &Options) -> Result<(), BadOutput> {
    let form = &options.form;
    if stdout::is_terminal() {
        return Err(BadOutput::IsTerminal);
    }
    let has_opener = options.opener.as_ref();
    let has_opener = has_opener.is_some_and(|opener| opener.place == Place::Beside);
    if form.volume_size.is_some() || form.checksum || form.parity.is_some() || has_opener {
        return Err(BadOutput::HasNoName);
    }
    if form.read_back == ReadBack::FromMedium {
        return Err(BadOutput::CannotReadBack);
    }
    Ok(())
}
