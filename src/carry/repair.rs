//! Restores a damaged bundle, in new files.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::carry::rewrite::{Rewrite, rewrite};
use crate::error::{BadParity, Error, Result};
use crate::media::source::{Bundle, Found};
use crate::media::volumes::{VolumeSize, parent};
use crate::output::{OutputFiles, ReadBack, Replaces, Written, files_of};
use crate::parity::{Repairable, Restored, Survey};
use crate::report::{Event, Phase, Report};
use crate::trust::Signer;

/// The user's options.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle.
    pub bundle: PathBuf,
    /// Further directories that may hold volumes of it.
    pub dirs: Vec<PathBuf>,
    /// The parity file; by default the one beside the bundle.
    pub parity: Option<PathBuf>,
    /// The path of the repaired bundle: a file, or a directory.
    pub output: Option<PathBuf>,
    /// The size of volumes, if wanted.
    pub volume_size: Option<VolumeSize>,
    /// Whether there is always a checksum file.
    pub checksum: bool,
    /// Whether existing files are replaced.
    pub force: bool,
    /// Whether the files are read back.
    pub read_back: ReadBack,
    /// Number of threads that check segments.
    pub threads: usize,
}

/// The outcome of a repair.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one, and it is looked at once"
)]
pub enum RepairOutcome {
    /// The bundle is not damaged, and nothing was written.
    Sound {
        /// Its parity file.
        parity: PathBuf,
        /// Whether the parity file is undamaged as well.
        parity_is_sound: bool,
    },
    /// The restored bundle was written.
    Repaired(Written),
}

/// Restores a bundle from its remains, which are not changed.
pub fn repair(options: &Options, report: &Report) -> Result<RepairOutcome> {
    if options.bundle == Path::new("-") {
        return Err(Error::NotFromStdin("repair"));
    }
    report.emit(Event::Phase(Phase::Check));
    let (file, dirs) = (&options.bundle, &options.dirs);
    let located = Repairable::find(file, dirs, options.parity.as_deref(), report)?;
    let output = output(options, &located.name);
    // The remains may be the only copy.
    let mut files = files_of(file, dirs);
    files.extend([located.name.clone(), located.parity.path.clone()]);
    output.ensure_apart(&files)?;
    output.ensure_unoccupied()?;
    report.emit(Event::Phase(Phase::Locate));
    let Repairable {
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
    // Computed blocks are in the same directory until they are used.
    output.ensure_space(remains.size().saturating_add(survey.damaged_bytes()))?;
    let before = signers(Bundle::open_among(file, dirs, None));
    report.emit(Event::Phase(Phase::Repair));
    let size = remains.size();
    let dir = parent(&output.path);
    let restored = Restored::new(remains, &parity, &survey, dir, report)?;
    let how = Rewrite {
        output: &output,
        threads: options.threads,
        phase: Phase::Copy,
        expected: Some(parity.identity.bundle),
        parity: None,
        opener: None,
    };
    let written = rewrite(Found::stream(&name, size, restored), &how, report);
    if written.is_ok() {
        warn_of_lost(&before, &output.path, report);
    }
    written
        .map(RepairOutcome::Repaired)
        .map_err(|error| match error {
            // Some damage was in blocks without a known digest.
            Error::Bundle { .. } => BadParity::Beyond {
                parity: parity.path,
            }
            .into(),
            other => other,
        })
}

/// Says which signatures the damaged bundle has, and the repaired one lacks.
fn warn_of_lost(before: &[Signer], repaired: &Path, report: &Report) {
    if before.is_empty() {
        return;
    }
    let after = signers(Bundle::open(repaired));
    for lost in before.iter().filter(|signer| !after.contains(signer)) {
        report.emit(Event::Warning(&format!(
            "the parity is older than the signature by {}, so the repaired bundle does not have it",
            lost.shown()
        )));
    }
}

/// Who signed a bundle, if its beginning is undamaged.
fn signers(bundle: Result<Bundle>) -> Vec<Signer> {
    let Ok(bundle) = bundle else {
        return Vec::new();
    };
    bundle
        .reader()
        .signatures()
        .iter()
        .map(Signer::of)
        .collect()
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
