//! `shellpack verify`, and what it prints.

use std::path::Path;
use std::process::ExitCode;

use super::print;
use crate::cli::{Global, Verify};
use crate::error::{Error, Result};
use crate::input::Bundle;
use crate::report::{Event, Phase, Report, count, printable_line};
use crate::verify::{self, Cover, Findings};

pub(super) fn verify(command: &Verify, global: &Global, report: &Report) -> Result<ExitCode> {
    report.emit(Event::Phase(Phase::Verify));
    let dirs = &command.volumes.dirs;
    let bundle = Bundle::open_among(&command.bundle, dirs, report.prompt());
    let mut findings = verify::findings(bundle, command.jobs(), report)?;
    if findings.manifest.is_none()
        && let Some(fault) = findings.faults.pop_if(|fault| !fault.is_damage())
    {
        report.emit(Event::PhaseDone);
        return Err(Error::Bundle {
            file: command.bundle.clone(),
            source: fault,
        });
    }
    let cover = if command.bundle == Path::new("-") {
        None
    } else {
        verify::cover(&command.bundle, dirs, &findings, report)?
    };
    report.emit(Event::PhaseDone);
    for fault in &findings.faults {
        line("fault", &fault.to_string());
    }
    let name = command.bundle.display();
    if let (Some(sound), false) = (in_words(&findings), global.quiet) {
        print(&format!("{name}: sound ({sound})\n"));
    }
    let parity_faults = cover.as_ref().map_or(0, |cover| tell(cover, global));
    let count = findings.faults.len() + parity_faults;
    if count == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Error::Faults {
        file: command.bundle.clone(),
        count,
        is_covered: matches!(cover, Some(Cover::Damage(damage)) if damage.is_covered),
    })
}

/// What is in a sound bundle.
fn in_words(findings: &Findings) -> Option<String> {
    let manifest = findings.manifest.as_ref();
    let manifest = manifest.filter(|_| findings.faults.is_empty())?;
    let paths = count(manifest.closure.paths.len(), "store path");
    let files = count(manifest.project.file_count(), "project file");
    Some(format!("{paths}, {files}"))
}

/// Tells of a parity file; how many faults it has.
fn tell(cover: &Cover, global: &Global) -> usize {
    match cover {
        Cover::Sound(_) if global.quiet => {}
        Cover::Sound(parity) => print(&format!("{}: sound\n", parity.display())),
        Cover::Fault(parity, fault) => {
            line("fault", &format!("{}: {fault}", parity.display()));
            return 1;
        }
        Cover::Damage(damage) => {
            damage
                .places
                .iter()
                .for_each(|place| line("damaged", place));
            if damage.more > 0 {
                line("damaged", &format!("{} more", count(damage.more, "place")));
            }
            let not = if damage.is_covered { "" } else { "not " };
            let parity = damage.parity.display();
            line("parity", &format!("all of it is {not}covered by {parity}"));
        }
        Cover::Useless(error) => line("parity", &error.to_string()),
    }
    0
}

fn line(label: &str, text: &str) {
    print(&format!("{label}: {}\n", printable_line(text)));
}
