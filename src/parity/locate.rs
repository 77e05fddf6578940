//! Finds what is left of a bundle, and its parity file.

use std::path::{Path, PathBuf};

use super::{ParityFile, Remains, parity_name};
use crate::error::{BadParity, Result};
use crate::report::Report;
use crate::volumes::Set;

/// A bundle that may be damaged, and what is there to repair it.
#[derive(Debug)]
pub(crate) struct Located {
    /// What the bundle is called in one file.
    pub(crate) name: PathBuf,
    pub(crate) remains: Remains,
    pub(crate) parity: ParityFile,
}

impl Located {
    /// Finds a bundle by its name or by that of one of its volumes, which may lie in other
    /// directories, too, like its parity file if none is named.
    pub(crate) fn find(
        file: &Path,
        dirs: &[PathBuf],
        parity: Option<&Path>,
        report: &Report,
    ) -> Result<Self> {
        let set = Set::named(file, dirs);
        let name = set.as_ref().map_or_else(|| file.to_owned(), Set::bundle);
        let path = match parity {
            Some(path) => path.to_owned(),
            None => parity_of(&name, dirs).ok_or_else(|| BadParity::Absent {
                bundle: name.clone(),
                parity: parity_name(&name),
            })?,
        };
        let parity = ParityFile::read(&path, report)?;
        let size = parity.bundle_size();
        let remains = match set {
            Some(set) => {
                Remains::of_some(&set, size).ok_or_else(|| BadParity::NoVolumes(name.clone()))?
            }
            None => Remains::of_file(file, size),
        };
        Ok(Self {
            name,
            remains,
            parity,
        })
    }
}

/// The parity file of a bundle, if there is one beside it or in one of these directories.
pub(crate) fn parity_of(bundle: &Path, dirs: &[PathBuf]) -> Option<PathBuf> {
    let beside = parity_name(bundle);
    let name = beside.file_name()?.to_owned();
    let elsewhere = dirs.iter().map(|dir| dir.join(&name));
    let mut places = std::iter::once(beside).chain(elsewhere);
    places.find(|path| path.is_file())
}
