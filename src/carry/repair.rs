//! A damaged bundle becomes a whole one, in new files.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::carry::rewrite::{Rewrite, rewrite};
use crate::error::{BadParity, Error, Result};
use crate::media::source::Found;
use crate::media::volumes::{VolumeSize, parent};
use crate::output::{OutputFiles, ReadBack, Replaces, Written, files_of};
use crate::parity::{Located, Restored, Survey};
use crate::report::{Event, Phase, Report};

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle.
    pub bundle: PathBuf,
    /// Further directories in which volumes of it may lie.
    pub dirs: Vec<PathBuf>,
    /// The parity file, if not the one beside the bundle.
    pub parity: Option<PathBuf>,
    /// Where the repaired bundle goes: a file, or a directory.
    pub output: Option<PathBuf>,
    /// The size of volumes, if there are to be some.
    pub volume_size: Option<VolumeSize>,
    /// Whether there is a checksum file in any case.
    pub checksum: bool,
    /// Whether files that are there are replaced.
    pub force: bool,
    /// Whether what was written is read again.
    pub read_back: ReadBack,
    /// How many segments are checked at a time.
    pub jobs: usize,
}

/// What became of it.
#[derive(Debug)]
pub enum RepairOutcome {
    /// It is not damaged, and nothing was written.
    Sound {
        /// Its parity file.
        parity: PathBuf,
        /// Whether that is not damaged, either.
        parity_is_sound: bool,
    },
    /// It was written as it had been.
    Repaired(Written),
}

/// Restores a bundle from what is left of it. What is left stays as it is.
pub fn repair(options: &Options, report: &Report) -> Result<RepairOutcome> {
    if options.bundle == Path::new("-") {
        return Err(Error::NotFromStdin("repair"));
    }
    report.emit(Event::Phase(Phase::Check));
    let (file, dirs) = (&options.bundle, &options.dirs);
    let located = Located::find(file, dirs, options.parity.as_deref(), report)?;
    let output = output(options, &located.name);
    // What is left may be the only copy that there is.
    let mut files = files_of(file, dirs);
    files.extend([located.name.clone(), located.parity.path.clone()]);
    output.ensure_apart(&files)?;
    output.ensure_free()?;
    report.emit(Event::Phase(Phase::Locate));
    let Located {
        name,
        remains,
        parity,
    } = located;
    let survey = Survey::of(&remains, &parity, report)?;
    if survey.is_sound() {
        return Ok(RepairOutcome::Sound {
            parity_is_sound: parity.is_whole(),
            parity: parity.path,
        });
    }
    // What is computed lies there as well until it is in its place.
    output.ensure_room(remains.size().saturating_add(survey.damaged_bytes()))?;
    report.emit(Event::Phase(Phase::Repair));
    let size = remains.size();
    let dir = parent(&output.path);
    let restored = Restored::new(remains, &parity, &survey, dir, report)?;
    let how = Rewrite {
        output: &output,
        jobs: options.jobs,
        phase: Phase::Copy,
        expected: Some(parity.identity.bundle),
        parity: None,
    };
    let written = rewrite(Found::stream(&name, size, restored), &how, report);
    written
        .map(RepairOutcome::Repaired)
        .map_err(|error| match error {
            // Of some of the damage nothing was known.
            Error::Bundle { .. } => BadParity::Beyond {
                parity: parity.path,
            }
            .into(),
            other => other,
        })
}

fn output(options: &Options, bundle: &Path) -> OutputFiles {
    let name = bundle.file_name().unwrap_or_default();
    let path = match &options.output {
        Some(dir) if dir.is_dir() => dir.join(name),
        Some(file) => file.clone(),
        None => repaired_name(name),
    };
    OutputFiles {
        path,
        force: options.force,
        volume_size: options.volume_size,
        checksum: options.checksum,
        parity: None,
        keeps_parts: false,
        read_back: options.read_back,
        replaces: Replaces::Repaired,
    }
}

/// `dev-repaired.shellpack`, in the current directory.
fn repaired_name(bundle: &OsStr) -> PathBuf {
    let bundle = Path::new(bundle);
    let mut name = bundle.file_stem().unwrap_or_default().to_owned();
    name.push("-repaired");
    if let Some(ending) = bundle.extension() {
        name.push(".");
        name.push(ending);
    }
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_repaired_has_a_name_of_its_own() {
        for (bundle, name) in [
            ("dev.shellpack", "dev-repaired.shellpack"),
            ("a.b.shellpack", "a.b-repaired.shellpack"),
            ("dev", "dev-repaired"),
        ] {
            assert_eq!(repaired_name(OsStr::new(bundle)), Path::new(name));
        }
    }
}
