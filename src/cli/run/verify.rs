//! `shellpack verify`, and what it prints.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::print;
use crate::cli::{Global, Verify};
use crate::error::{BadParity, Error, Remedy, Result};
use crate::media::source::Bundle;
use crate::media::volumes::Set;
use crate::report::{Event, Phase, Report, count, printable_line};
use crate::verify::{self, Cover, Findings};
use shellpack_format::bundle::{BadBundle, BadVolume};

pub(super) fn verify(command: &Verify, global: &Global, report: &Report) -> Result<ExitCode> {
    report.emit(Event::Phase(Phase::Verify));
    let dirs = &command.volumes.dirs;
    let bundle = Bundle::open_among(&command.bundle, dirs, report.prompt());
    let mut findings = verify::findings(bundle, command.jobs(), report)?;
    let file = name(&command.bundle, dirs);
    let cover = if command.bundle == Path::new("-") {
        None
    } else {
        verify::cover(&command.bundle, dirs, &findings, report)?
    };
    report.emit(Event::PhaseDone);
    // If it has parity, and not all of it is as it was, it lost its beginning.
    if findings.manifest.is_none()
        && !matches!(cover, Some(Cover::Damage(_)))
        && let Some(source) = findings.faults.pop_if(|fault| !fault.is_damage())
    {
        return Err(Error::Bundle { file, source });
    }
    for fault in &findings.faults {
        line("fault", &fault.to_string())?;
    }
    if let (Some(sound), false) = (in_words(&findings), global.quiet) {
        print(&format!("{}: sound ({sound})\n", file.display()))?;
    }
    if let Some(cover) = &cover {
        tell(cover, global)?;
    }
    if !findings.faults.is_empty() {
        return Err(Error::Faults {
            file,
            count: findings.faults.len(),
            remedy: remedy(&findings, cover.as_ref()),
        });
    }
    match cover {
        Some(Cover::Fault(parity, fault)) => Err(BadParity::Faulty {
            bundle: command.bundle.clone(),
            dirs: dirs.clone(),
            parity,
            fault,
        }
        .into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// What it is called, whichever of its volumes was named.
fn name(bundle: &Path, dirs: &[PathBuf]) -> PathBuf {
    if bundle == Path::new("-") {
        return "standard input".into();
    }
    Set::named(bundle, dirs).map_or_else(|| bundle.to_owned(), |set| set.bundle())
}

fn remedy(findings: &Findings, cover: Option<&Cover>) -> Remedy {
    let is_surplus = |fault: &BadBundle| {
        let BadBundle::Volume(bad) = fault else {
            return false;
        };
        matches!(bad, BadVolume::Surplus { .. })
    };
    match cover {
        _ if findings.faults.iter().all(is_surplus) => Remedy::RemoveSurplus,
        Some(Cover::Damage(damage)) if damage.is_covered => Remedy::Repair,
        _ => Remedy::CopyAgain,
    }
}

/// What is in a sound bundle.
fn in_words(findings: &Findings) -> Option<String> {
    let manifest = findings.manifest.as_ref();
    let manifest = manifest.filter(|_| findings.faults.is_empty())?;
    let paths = count(manifest.closure.paths.len(), "store path");
    let files = count(manifest.project.file_count(), "project file");
    Some(format!("{paths}, {files}"))
}

/// Tells of a parity file.
fn tell(cover: &Cover, global: &Global) -> Result<()> {
    match cover {
        Cover::Sound(_) if global.quiet => Ok(()),
        Cover::Sound(parity) => print(&format!("{}: sound\n", parity.display())),
        Cover::Fault(parity, fault) => line("fault", &format!("{}: {fault}", parity.display())),
        Cover::Damage(damage) => {
            for place in &damage.places {
                line("damaged", place)?;
            }
            if damage.more > 0 {
                line("damaged", &format!("{} more", count(damage.more, "place")))?;
            }
            let all = if damage.is_covered { "all" } else { "not all" };
            let parity = damage.parity.display();
            line("parity", &format!("{all} of it is covered by {parity}"))
        }
        Cover::Useless(error) => line("parity", &error.to_string()),
    }
}

fn line(label: &str, text: &str) -> Result<()> {
    print(&format!("{label}: {}\n", printable_line(text)))
}
