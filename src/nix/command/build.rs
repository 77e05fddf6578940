//! Builds of derivation outputs, with what Nix says on the way.

use std::path::Path;

use super::NixCommand;
use crate::error::Result;
use crate::nix::Nix;
use crate::report::{Event, Log, Report};

/// Builds or fetches derivation outputs (`…drv!out,dev`) and paths, each with an indirect root at
/// `root`.
pub(crate) fn realise(nix: &Nix, wanted: &[String], root: &Path, report: &Report) -> Result<()> {
    realise_by(nix.command("nix-store"), wanted, root, report)
}

/// Like [`realise`], but fetches nothing and uses no remote builder.
pub(crate) fn build_offline(wanted: &[String], root: &Path, report: &Report) -> Result<()> {
    let command = NixCommand::new("nix-store").args([
        "--option",
        "builders",
        "",
        "--option",
        "substitute",
        "false",
    ]);
    realise_by(command, wanted, root, report)
}

fn realise_by(command: NixCommand, wanted: &[String], root: &Path, report: &Report) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let command = command
        .arg("--realise")
        .args(wanted)
        .arg("--add-root")
        .arg(root)
        .arg("--indirect");
    match report.log_of_builds() {
        Log::Shown => command.stdout_text_with_log_shown().map(drop),
        Log::OnFailure => command.stdout_text().map(drop),
        Log::Emitted => command.run_with_log(|line| report.emit(Event::Log(line))),
    }
}
