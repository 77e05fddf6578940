//! What a bundle's parity file has to say when the bundle is checked.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Findings, Options};
use crate::error::{BadParity, Error, ParityFault, Result};
use crate::media::volumes::Set;
use crate::parity::{Located, ParityFile, Survey, parity_of};
use crate::report::{Event, Phase, Report};

/// How many damaged places are listed: somebody reads them.
const LISTED: usize = 50;

/// What parity is there, and what it is good for.
#[derive(Debug)]
pub(super) enum Cover {
    /// No byte of the bundle is damaged, and the parity file is sound, too.
    Sound(PathBuf),
    /// No byte of the bundle is damaged, but the parity file is.
    Fault(PathBuf, ParityFault),
    /// The bundle is damaged.
    Damage(DamagedPlaces),
    /// The bundle is damaged, and the parity file is of no use.
    Useless(Error),
}

/// Where a bundle is damaged.
#[derive(Debug)]
pub(super) struct DamagedPlaces {
    /// The parity file.
    pub parity: PathBuf,
    /// Places in files, in words; the first of them.
    pub places: Vec<String>,
    /// How many more there are.
    pub more: usize,
    /// Whether all of it can be restored.
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

/// Reads a bundle again that has faults.
fn damage(bundle: &Path, dirs: &[PathBuf], path: PathBuf, report: &Report) -> Result<Cover> {
    let located = Located::find(bundle, dirs, Some(&path), report)?;
    let survey = Survey::of(&located.remains, &located.parity, report)?;
    Ok(match (survey.is_sound(), located.parity.is_whole()) {
        // The fault is that of a file that is none of it.
        (true, true) => Cover::Sound(path),
        (true, false) => Cover::Fault(path, ParityFault::Damaged),
        (false, _) => Cover::Damage(DamagedPlaces::new(path, &located, &survey)),
    })
}

/// How many bytes a sound bundle has, as far as its files tell.
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
        // Whatever that is, it need not be read to its end.
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
    fn new(parity: PathBuf, located: &Located, survey: &Survey) -> Self {
        let remains = &located.remains;
        let ranges = survey.ranges().iter().cloned();
        let damaged = ranges.flat_map(|range| remains.places(range));
        let missing = damaged.clone().filter(|place| place.is_missing);
        let said: HashSet<_> = missing.map(|place| place.file).collect();
        let misfits = remains.misfits().map(|(file, found, expected)| {
            format!("{file} has {found} bytes instead of {expected}")
        });
        // All of it may be zeros.
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
