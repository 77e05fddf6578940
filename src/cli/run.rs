//! Each command, from its options to what it prints and exits with.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{ExitCode, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::process::Signal;
use serde::Serialize;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::cli::{Cli, Command, Create, Enter, Global, Inspect, List, Open, Rehearse, When, hint};
use crate::create::write::Output;
use crate::create::{self};
use crate::describe::{self, Inspection};
use crate::entry::{self, ByHand, Outside};
use crate::error::{BadOutput, Error, Result};
use crate::media::source::Bundle;
use crate::nix::Nix;
use crate::opened::{list, remove};
use crate::output::ReadBack;
use crate::report::{Event, Phase, Report, printable_json};
use crate::target::Target;
use crate::{enter, open, rehearse};

mod verify;
mod volumes;

/// What `open`, `enter` and `rehearse` exit with when shellpack itself fails, so that it can be told
/// from the command that they run.
const OWN_FAILURE: u8 = 125;

/// Runs the command and reports how it ended.
pub(crate) fn run(cli: Cli) -> ExitCode {
    set_colour(cli.global.color);
    let interrupted = Arc::<AtomicBool>::default();
    let report = Report::new(
        cli.global.progress(),
        cli.global.quiet,
        Arc::clone(&interrupted),
    );
    catch_signals(&cli.command, &interrupted, &report);
    let runs_a_command = matches!(
        cli.command,
        Command::Open(_) | Command::Enter(_) | Command::Rehearse(_)
    );
    let error = match dispatch(cli.command, &cli.global, &report) {
        Ok(code) => {
            report.emit(Event::Done);
            return code;
        }
        // Whatever failed did so because it was told to end.
        Err(error) => report.ensure_not_interrupted().err().unwrap_or(error),
    };
    let exit_code = code_of_failure(&error, runs_a_command);
    report.emit(Event::Failed {
        error: &error,
        hint: hint::of(&error).as_deref(),
        exit_code,
    });
    ExitCode::from(exit_code)
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

fn catch_signals(command: &Command, interrupted: &Arc<AtomicBool>, report: &Report) {
    // A file that becomes too large is an error of the write, not the end of the process.
    let _ = signal_hook::flag::register(Signal::XFSZ.as_raw(), Arc::default());
    // In a rehearsal Ctrl-C is the business of the command inside, however often.
    let ends_at_second = !matches!(command, Command::Rehearse(_));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        if let Err(error) = arm(signal, interrupted, ends_at_second) {
            let text = format!("Ctrl-C may leave something behind: {error}");
            report.emit(Event::Warning(&text));
        }
    }
}

/// The first signal lets the engine clean up; the second ends the process at once.
fn arm(signal: i32, interrupted: &Arc<AtomicBool>, ends_at_second: bool) -> io::Result<()> {
    if ends_at_second {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(interrupted))?;
    }
    signal_hook::flag::register(signal, Arc::clone(interrupted)).map(drop)
}

fn dispatch(command: Command, global: &Global, report: &Report) -> Result<ExitCode> {
    match command {
        Command::Create(command) => create(*command, global, report),
        Command::Open(command) => open(command, report),
        Command::Enter(command) => enter(command, report),
        Command::List(command) => list(&command, global, report),
        Command::Remove(command) => remove(&command.name, global, report),
        Command::Inspect(command) => inspect(&command, global),
        Command::Verify(command) => verify::verify(&command, global, report),
        Command::Rehearse(command) => rehearse(&command, global, report),
        Command::Split(command) => volumes::split(command, global, report),
        Command::Join(command) => volumes::join(command, global, report),
        Command::Copy(command) => volumes::copy(command, global, report),
        Command::Protect(command) => volumes::protect(command, global, report),
        Command::Repair(command) => volumes::repair(command, global, report),
    }
}

fn create(command: Create, global: &Global, report: &Report) -> Result<ExitCode> {
    let as_json = command.json;
    let options = command.options();
    let to_stdout = options.output == Some(Output::Stdout);
    if to_stdout && rustix::termios::isatty(rustix::stdio::stdout()) {
        return Err(BadOutput::IsTerminal.into());
    }
    let form = &options.form;
    let has_more = form.volume_size.is_some() || form.checksum || form.parity.is_some();
    if to_stdout && has_more {
        return Err(BadOutput::HasNoName.into());
    }
    if to_stdout && options.form.read_back == ReadBack::FromMedium {
        return Err(BadOutput::CannotReadBack.into());
    }
    let summary = create::create(&options, report)?;
    report.emit(Event::PhaseDone);
    summary
        .warnings()
        .iter()
        .for_each(|warning| report.emit(Event::Warning(warning)));
    let text = match summary.json().filter(|_| as_json) {
        Some(made) => json(&made)?,
        None => summary.text(global.verbose),
    };
    if to_stdout && !options.dry_run {
        report.emit(Event::Note(text.trim_end()));
    } else if as_json || !global.quiet {
        print(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn open(command: Open, report: &Report) -> Result<ExitCode> {
    let outside = open::open(&command.options(), report)?;
    stay_outside(&outside, report);
    Ok(ExitCode::SUCCESS)
}

fn enter(command: Enter, report: &Report) -> Result<ExitCode> {
    match enter::enter(&command.options(), report)? {}
}

fn stay_outside(outside: &Outside, report: &Report) {
    for ByHand { shell, line } in &outside.by_hand {
        let which = shell.iter().map(|name| format!("{name} "));
        let which: String = which.collect();
        report.emit(Event::Note(&format!("to enter {which}by hand: {line}")));
    }
}

fn list(command: &List, global: &Global, report: &Report) -> Result<ExitCode> {
    let listing = list::list(&Target::here())?;
    if command.json {
        print(&json(&listing.bundles)?)?;
    } else if listing.bundles.is_empty() {
        report.emit(Event::Note("nothing was opened here yet"));
    } else {
        print(&listing.text(columns_of_stdout(), global.verbose))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn remove(name: &str, global: &Global, report: &Report) -> Result<ExitCode> {
    let removed = remove::remove(name, &Target::here(), report)?;
    if !global.quiet {
        print(&removed.text())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn inspect(command: &Inspect, global: &Global) -> Result<ExitCode> {
    let bundle = Bundle::open_among(&command.bundle, &command.volumes.dirs, None)?;
    let reader = bundle.reader();
    let manifest = reader.manifest();
    let inspection = Inspection {
        manifest_digest: reader.manifest_digest(),
        signed_by: reader.signed_by(),
        nar_bytes: manifest.closure.nar_bytes(),
        manifest,
    };
    if command.json {
        print(&json(&inspection)?)?;
    } else {
        print(&describe::describe(&inspection, global.verbose))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn rehearse(command: &Rehearse, global: &Global, report: &Report) -> Result<ExitCode> {
    if command.bundle == Path::new("-") {
        return Err(Error::NotFromStdin("rehearse"));
    }
    report.emit(Event::Phase(Phase::Check));
    let bundle = Bundle::open_among(&command.bundle, &command.volumes.dirs, None)?;
    bundle.ensure_whole()?;
    let nix = Nix::find()?;
    let manifest = bundle.reader().manifest();
    let shells = match &command.shell {
        Some(name) => vec![entry::shell_named(manifest, Some(name))?],
        None => manifest.shells.iter().collect(),
    };
    report.emit(Event::HandedOver);
    let status = rehearse::Whole {
        manifest,
        files: &bundle.files(),
        run: &command.run,
        global: &global.to_args(),
    }
    .rehearse(&nix, &shells, report)?;
    if status.success() {
        report.emit(Event::Note(
            "the rehearsal passed: opened in an empty store with no network",
        ));
    }
    Ok(ExitCode::from(code_of(status)))
}

/// Data for a program, indented for whoever looks at it nevertheless.
fn json(value: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|error| Error::nix_output("serde_json", &error.to_string()))?;
    Ok(printable_json(&(json + "\n")))
}

/// How wide standard output is, if it is a terminal that tells.
fn columns_of_stdout() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

/// Exit statuses are passed through as shells do: a signal counts from 128.
fn code_of(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(OWN_FAILURE)
}

fn set_colour(when: When) {
    let choice = match when {
        When::Auto => anstream::ColorChoice::Auto,
        When::Always => anstream::ColorChoice::Always,
        When::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// Prints data. Whoever reads it may stop reading: that is no failure.
fn print(text: &str) -> Result<()> {
    let printed = anstream::stdout().lock().write_all(text.as_bytes());
    match printed.and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::io("write", "standard output")(error))
        }
        _ => Ok(()),
    }
}
