//! Whether the parity beside a bundle is sound, and covers the damage of the bundle.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Findings, Options};
use crate::error::{BadParity, Error, ParityFault, Result};
use crate::media::volumes::Set;
use crate::parity::{ParityFile, Repairable, Survey, parity_of};
use crate::report::{Event, Phase, Report};

/// How many damaged places are listed, since a human reads them.
const LISTED: usize = 50;

/// The parity file of a bundle, and its use.
#[derive(Debug)]
pub(super) enum Cover {
    /// The bundle and the parity file are both sound.
    Sound(PathBuf),
    /// The bundle is sound, and the parity file is not.
    Fault(PathBuf, ParityFault),
    /// The bundle is damaged.
    Damage(DamagedPlaces),
    /// The bundle is damaged, and the parity file is useless.
    Useless(Error),
}

/// The damaged places of a bundle.
#[derive(Debug)]
pub(super) struct DamagedPlaces {
    /// The parity file.
    pub parity: PathBuf,
    /// The first places, in words.
    pub places: Vec<String>,
    /// How many more there are.
    pub more: usize,
    /// Whether all of them can be restored.
    pub is_covered: bool,
}

impl Cover {
    /// Looks at the parity file of a bundle that was checked, if there is one; a bundle that is
    /// damaged is read again to find where.
    pub(super) fn look(
        options: &Options,
        findings: &Findings,
        report: &Report,
    ) -> Result<Option<Self>> {
        let (bundle, dirs) = (&options.bundle, &options.volumes);
        if bundle == Path::new("-") {
            return Ok(None);
        }
        let set = Set::named(bundle, dirs);
        let name = set.as_ref().map_or_else(|| bundle.to_owned(), Set::bundle);
        let Some(path) = parity_of(&name, dirs) else {
            return Ok(None);
        };
        report.emit(Event::Phase(Phase::Locate));
        if findings.faults.is_empty() {
            let size = size_of(bundle, set.as_ref());
            return beside_sound(path, findings, size, report).map(Some);
        }
        match damage(bundle, dirs, path, report) {
            Ok(cover) => Ok(Some(cover)),
            Err(error @ Error::Parity(_)) => Ok(Some(Self::Useless(error))),
            Err(error) => Err(error),
        }
    }
}

/// Reads a bundle with faults again.
fn damage(bundle: &Path, dirs: &[PathBuf], path: PathBuf, report: &Report) -> Result<Cover> {
    let located = Repairable::find(bundle, dirs, Some(&path), report)?;
    let survey = Survey::of(&located.remains, &located.parity, report)?;
    Ok(match (survey.is_sound(), located.parity.is_whole()) {
        // The fault is in a file that is not part of the bundle.
        (true, true) => Cover::Sound(path),
        (true, false) => Cover::Fault(path, ParityFault::Damaged),
        (false, _) => Cover::Damage(DamagedPlaces::new(path, &located, &survey)),
    })
}

/// The size of a sound bundle in bytes, if its files show that.
fn size_of(bundle: &Path, set: Option<&Set>) -> Option<u64> {
    if let Some(set) = set {
        return Some(set.volumes().map(|(_, volume)| volume.size).sum());
    }
    let metadata = bundle.metadata().ok();
    metadata
        .filter(fs::Metadata::is_file)
        .map(|file| file.len())
}

fn beside_sound(
    path: PathBuf,
    findings: &Findings,
    size: Option<u64>,
    report: &Report,
) -> Result<Cover> {
    let read = || {
        let parity = ParityFile::open(&path, report)?;
        let is_its_own = Some(parity.identity.manifest) == findings.manifest_digest
            && size.is_none_or(|size| size == parity.bundle_size());
        // If it is not, there is no point in reading it to its end.
        is_its_own.then(|| parity.read(report)).transpose()
    };
    let fault = match read() {
        Ok(None) => ParityFault::OfAnother,
        Ok(Some(parity)) if !parity.is_whole() => ParityFault::Damaged,
        Ok(Some(_)) => return Ok(Cover::Sound(path)),
        Err(Error::Parity(BadParity::NotParity(_) | BadParity::Unknown(_))) => {
            ParityFault::Unusable
        }
        Err(error) => return Err(error),
    };
    Ok(Cover::Fault(path, fault))
}

impl DamagedPlaces {
    fn new(parity: PathBuf, located: &Repairable, survey: &Survey) -> Self {
        let remains = &located.remains;
        let ranges = survey.ranges().iter().cloned();
        let damaged = ranges.flat_map(|range| remains.places(range));
        let missing = damaged.clone().filter(|place| place.is_missing);
        let said: HashSet<_> = missing.map(|place| place.file).collect();
        let misfits = remains.misfits().map(|(file, found, expected)| {
            format!("{file} has {found} bytes instead of {expected}")
        });
        // A missing file counts as zeros. If it was all zeros, it has no damaged range.
        let missing = remains.missing().filter(|file| !said.contains(file));
        let missing = missing.map(|file| format!("{file} is missing"));
        let places = damaged.map(|place| place.to_string());
        let mut places = places.chain(misfits).chain(missing);
        Self {
            parity,
            places: places.by_ref().take(LISTED).collect(),
            more: places.count(),
            is_covered: survey.is_covered(),
        }
    }
}
