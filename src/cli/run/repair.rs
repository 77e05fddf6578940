//! `shellpack repair`.

use std::path::Path;

use super::written::print_written;
use crate::carry::repair::{self, RepairOutcome};
use crate::cli::stdout::{json, print};
use crate::cli::{Global, Repair};
use crate::error::Result;
use crate::output::Written;
use crate::report::{Event, Report};
use crate::text::shown;
use shellpack_format::bundle::manifest::shell_typed_path;

pub(super) fn run(command: Repair, global: &Global, report: &Report) -> Result<()> {
    let as_json = command.pass.json;
    let bundle = command.name();
    let parity = match repair::repair(&command.options(), report)? {
        RepairOutcome::Repaired(written) => {
            return print_written(&written, "repaired", as_json, global, report);
        }
        RepairOutcome::Sound {
            parity,
            parity_is_sound,
        } => (!parity_is_sound).then_some(parity),
    };
    report.emit(Event::PhaseDone);
    report.emit(Event::Note(&nothing_to_repair(&bundle, parity.as_deref())));
    if as_json {
        print(&json(&None::<Written>)?)?;
    }
    Ok(())
}

/// `parity` is the parity file if it is damaged.
fn nothing_to_repair(bundle: &str, parity: Option<&Path>) -> String {
    let sound = format!("{bundle} is not damaged; nothing was written");
    let Some(parity) = parity else { return sound };
    format!(
        "{sound}, but {} is damaged; write it again: shellpack protect --force {}",
        shown(parity),
        shell_typed_path(Path::new(bundle))
    )
}
