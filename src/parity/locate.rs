//! Finds the remains of a bundle, and its parity file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::{ParityFile, Remains, parity_name};
use crate::error::{BadParity, Error, Result};
use crate::media::volumes::Set;
use crate::report::Report;

/// A bundle may be this many times larger than its remains, whatever its parity: perhaps only one
/// volume of many is left.
const LARGEST_FACTOR: u64 = 1024;

/// A bundle that may be damaged, and the means to repair it.
#[derive(Debug)]
pub(crate) struct Repairable {
    /// The bundle's name in one file.
    pub(crate) name: PathBuf,
    pub(crate) remains: Remains,
    pub(crate) parity: ParityFile,
}

impl Repairable {
    /// Finds a bundle by its name or by that of one of its volumes. Volumes may also be in other
    /// directories, and so may the parity file if none is named.
    pub(crate) fn find(
        file: &Path,
        dirs: &[PathBuf],
        parity: Option<&Path>,
        report: &Report,
    ) -> Result<Self> {
        for dir in dirs {
            fs::read_dir(dir).map_err(Error::io("look for volumes in", dir))?;
        }
        let set = Set::named(file, dirs);
        let name = set.as_ref().map_or_else(|| file.to_owned(), Set::bundle);
        let path = match parity {
            Some(path) => path.to_owned(),
            None => parity_of(&name, dirs).ok_or_else(|| BadParity::Absent {
                bundle: name.clone(),
                parity: parity_name(&name),
            })?,
        };
        let parity = ParityFile::open(&path, report)?;
        let size = parity.bundle_size();
        // The parity may hold everything.
        if set.is_none() && parity.covered_bytes() < size {
            File::open(file).map_err(Error::io("open", file))?;
        }
        let remains = match set {
            Some(set) => {
                Remains::of_some(&set, size).ok_or_else(|| BadParity::NoVolumes(name.clone()))?
            }
            None => Remains::of_file(file, size),
        };
        if is_hopeless(&parity, remains.there()) {
            return Err(BadParity::Beyond { parity: path }.into());
        }
        Ok(Self {
            name,
            remains,
            parity: parity.read(report)?,
        })
    }
}

/// Whether so little of a bundle is left that it cannot be repaired, known without reading
/// anything. A parity file may state any size, and may itself be a huge file of holes: reading it,
/// and the bundle that it claims to belong to, would take hours.
fn is_hopeless(parity: &ParityFile, there: u64) -> bool {
    let size = parity.bundle_size();
    let is_absurd = size / LARGEST_FACTOR > there.max(1 << 20);
    let is_little = size / 8 > there && size - there > parity.covered_bytes();
    is_absurd || is_little
}

/// The parity file of a bundle, if there is one beside it or in one of these directories.
pub(crate) fn parity_of(bundle: &Path, dirs: &[PathBuf]) -> Option<PathBuf> {
    let beside = parity_name(bundle);
    let name = beside.file_name()?.to_owned();
    let elsewhere = dirs.iter().map(|dir| dir.join(&name));
    let mut places = std::iter::once(beside).chain(elsewhere);
    places.find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::super::{Geometry, Identity, head};
    use super::*;
    use shellpack_format::store::hash::Digest;

    /// Looks for a bundle of this size, beside the beginning of a parity file that states another
    /// size.
    fn found(there: usize, size: u64, share: &str) -> Result<Repairable> {
        let dir = tempfile::tempdir().unwrap();
        let (bundle, parity) = (dir.path().join("x"), dir.path().join("x.parity"));
        fs::write(&bundle, vec![1; there]).unwrap();
        let geometry = Geometry::of_bundle(size, share.parse().unwrap());
        let identity = Identity {
            bundle: Digest::of(b""),
            manifest: Digest::of(b""),
        };
        let head = head::Fixed::new(&geometry, identity, geometry.section(0), b"");
        fs::write(parity, head.to_bytes()).unwrap();
        Repairable::find(&bundle, &[], None, &Report::silent())
    }

    #[test]
    fn a_size_that_is_absurd_beside_what_is_there_is_refused_at_once() {
        for (there, size, share) in [
            (2 << 20, (1 << 46) - 1, "5%"),
            (2 << 20, (1 << 46) - 1, "100%"),
            (2 << 20, 3 << 30, "100%"),
            (2 << 20, 20 << 20, "5%"),
            (0, 1 << 40, "100%"),
        ] {
            let refused = found(there, size, share);
            let is_refused = matches!(refused, Err(Error::Parity(BadParity::Beyond { .. })));
            assert!(is_refused, "{there} {size} {share} {refused:?}");
        }
    }

    /// One volume of many may be enough, and too few are still looked at.
    #[test]
    fn whatever_may_be_repaired_is_not_refused() {
        for (there, size, share) in [
            (2 << 20, 4 << 20, "1%"),
            (2 << 20, 15 << 20, "5%"),
            (2 << 20, 20 << 20, "90%"),
            (2 << 20, 2 << 30, "100%"),
            (1, 1000, "5%"),
        ] {
            let found = found(there, size, share);
            assert!(found.is_ok(), "{there} {size} {share} {found:?}");
        }
    }
}
