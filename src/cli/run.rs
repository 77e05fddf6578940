//! Runs a command, reports its failure, and chooses the exit code.

use std::io;
use std::process::ExitCode;

use super::{Cli, Command, Global, When, environment, hint, signals};
use crate::error::{Error, Result};
use crate::interrupt;
use crate::report::{Event, Progress, Report};
use crate::room::host::Untold;

mod completions;
mod config;
mod copy;
mod create;
mod diff;
mod du;
mod enter;
mod env;
mod inspect;
mod inventory;
mod join;
mod keygen;
mod list;
mod man;
mod open;
mod protect;
mod rehearse;
mod remove;
mod repair;
mod rollback;
#[expect(
    clippy::module_inception,
    reason = "a file per command, and this command is `run`"
)]
mod run;
mod several;
mod sign;
mod split;
mod verify;
mod why;
mod written;

/// The exit code of `open`, `enter` and `rehearse` if shellpack itself fails, to tell that from a
/// failure of the command that they run.
const OWN_FAILURE: u8 = 125;

/// Runs the command and reports its end.
pub(super) fn run(cli: Cli) -> ExitCode {
    set_colour(cli.global.color);
    let interrupted = interrupt::flag();
    let mut report = Report::new(cli.global.progress(), cli.global.quiet, interrupt::flag())
        .verbose(cli.global.verbose);
    if matches!(cli.command, Command::Run(_)) {
        report = report.of_a_command();
    }
    if uses_the_machine(&cli.command) {
        environment::mend(&report);
    }
    signals::catch(&cli.command, &interrupted, &report);
    let runs_a_command = matches!(
        cli.command,
        Command::Open(_) | Command::Enter(_) | Command::Run(_) | Command::Rehearse(_)
    );
    let error = match dispatch(cli.command, &cli.global, &report) {
        Ok(code) => {
            report.emit(Event::Done);
            return code;
        }
        // After a signal, that is the reason for any failure.
        Err(error) => report.ensure_not_interrupted().err().unwrap_or(error),
    };
    fail(&error, code_of_failure(&error, runs_a_command), &report)
}

/// Reports the failure of a process that was to become a shell.
pub(super) fn tell(untold: &Untold) -> ExitCode {
    let progress = if untold.is_json {
        Progress::Json
    } else {
        Progress::Auto
    };
    let report = Report::new(progress, false, interrupt::flag());
    fail(&untold.error, code_of_failure(&untold.error, true), &report)
}

fn fail(error: &Error, exit_code: u8, report: &Report) -> ExitCode {
    report.emit(Event::Failed {
        error,
        hint: hint::of(error).as_deref(),
        exit_code,
    });
    ExitCode::from(exit_code)
}

/// Whether a command starts Nix or needs scratch space.
fn uses_the_machine(command: &Command) -> bool {
    matches!(
        command,
        Command::Create(_)
            | Command::Open(_)
            | Command::Enter(_)
            | Command::Run(_)
            | Command::Env(_)
            | Command::Remove(_)
            | Command::Rehearse(_)
            | Command::Inventory(_)
    )
}

fn dispatch(command: Command, global: &Global, report: &Report) -> Result<ExitCode> {
    match command {
        Command::Create(command) => create::run(*command, global, report)?,
        Command::Open(command) => open::run(command, report)?,
        Command::Enter(command) => match enter::run(command, report)? {},
        Command::Run(command) => match run::run(command, report)? {},
        Command::List(command) => list::run(&command, global, report)?,
        Command::Env(command) => env::run(command)?,
        Command::Remove(command) => remove::run(command, global, report)?,
        Command::Rollback(command) => rollback::run(command, global, report)?,
        Command::Inspect(command) => inspect::run(command, global)?,
        Command::Verify(command) => verify::run(command, global, report)?,
        Command::Rehearse(command) => return rehearse::run(command, global, report),
        Command::Inventory(command) => inventory::run(command, global, report)?,
        Command::Diff(command) => diff::run(command, report)?,
        Command::Du(command) => du::run(command, global)?,
        Command::Why(command) => why::run(command, global)?,
        Command::Split(command) => split::run(command, global, report)?,
        Command::Join(command) => join::run(command, global, report)?,
        Command::Copy(command) => copy::run(command, global, report)?,
        Command::Protect(command) => protect::run(command, global, report)?,
        Command::Repair(command) => repair::run(command, global, report)?,
        Command::Keygen(command) => keygen::run(command, report)?,
        Command::Sign(command) => sign::run(command, report)?,
        Command::Config(command) => config::run(&command)?,
        Command::Completions(command) => completions::run(&command)?,
        Command::Man(command) => man::run(&command, report)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn code_of_failure(error: &Error, runs_a_command: bool) -> u8 {
    match error {
        Error::Interrupted => error.exit_code(),
        Error::CannotEnter { source, .. } if source.kind() == io::ErrorKind::NotFound => 127,
        Error::CannotEnter { .. } => 126,
        _ if runs_a_command => OWN_FAILURE,
        error => error.exit_code(),
    }
}

fn set_colour(when: When) {
    let choice = match when {
        When::Auto => anstream::ColorChoice::Auto,
        When::Always => anstream::ColorChoice::Always,
        When::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}
