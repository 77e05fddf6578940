//! The commands that make and join volumes.

use std::path::Path;
use std::process::ExitCode;

use super::{json, print};
use crate::carry::repair::Outcome;
use crate::carry::{copy, join, protect, repair, split};
use crate::cli::{Copy, Global, Join, Protect, Repair, Split};
use crate::describe::Labelled;
use crate::error::Result;
use crate::output::Written;
use crate::report::{Event, Report, human};
use shellpack_format::bundle::manifest::shell_quoted_path;

pub(super) fn split(command: Split, global: &Global, report: &Report) -> Result<ExitCode> {
    let as_json = command.pass.json;
    let written = split::split(&command.options(), report)?;
    tell(&written, "split", as_json, global, report)
}

pub(super) fn join(command: Join, global: &Global, report: &Report) -> Result<ExitCode> {
    let as_json = command.pass.json;
    let written = join::join(&command.options(), report)?;
    tell(&written, "joined", as_json, global, report)
}

pub(super) fn copy(command: Copy, global: &Global, report: &Report) -> Result<ExitCode> {
    let as_json = command.pass.json;
    let written = copy::copy(&command.options(), report)?;
    tell(&written, "copied", as_json, global, report)
}

pub(super) fn protect(command: Protect, global: &Global, report: &Report) -> Result<ExitCode> {
    let as_json = command.pass.json;
    let parity = protect::protect(&command.options(), report)?;
    report.emit(Event::PhaseDone);
    if as_json {
        print(&json(&parity)?)?;
    } else if !global.quiet {
        let mut text = Labelled::default();
        text.line("parity", &parity.path.display().to_string());
        text.line("size", &human(parity.size));
        text.line("sha256", &parity.digest.hex());
        print(&text.finish())?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn repair(command: Repair, global: &Global, report: &Report) -> Result<ExitCode> {
    let as_json = command.pass.json;
    let bundle = command.name();
    match repair::repair(&command.options(), report)? {
        Outcome::Repaired(written) => tell(&written, "repaired", as_json, global, report),
        Outcome::Sound {
            parity,
            parity_is_sound,
        } => {
            let mut said = format!("{bundle} is not damaged; nothing was written");
            if !parity_is_sound {
                said += &format!(
                    ", but {} is; write it anew: shellpack protect --force {}",
                    parity.display(),
                    shell_quoted_path(Path::new(&bundle))
                );
            }
            report.emit(Event::PhaseDone);
            report.emit(Event::Note(&said));
            if as_json {
                print(&json(&None::<Written>)?)?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
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
        print(&json(written)?)?;
    } else if !global.quiet {
        let mut text = Labelled::default();
        if let Some(path) = &written.path {
            text.line(done, &path.display().to_string());
        }
        written.describe(&mut text, "");
        print(&text.finish())?;
    }
    Ok(ExitCode::SUCCESS)
}
