//! Manifests without their bundles: in files, as `inspect --manifest` prints them, and those that
//! `create` kept of what it wrote.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::media::source::Bundle;
use shellpack_format::bundle::manifest::{MAX_SIZE, Manifest};
use shellpack_format::bundle::{MANIFEST, executable, inventory};
use shellpack_format::store::hash::Digest;

mod compressed;
mod kept;

/// The beginning of every manifest's first line.
const BEGINNING_OF_MANIFEST: &[u8] = b"# A shellpack ";

pub(crate) use compressed::{Checks, Compressed};
use kept::Kept;
pub(crate) use kept::{compression, keep};

/// A list of store paths.
#[derive(Debug)]
pub(crate) enum Listed {
    /// A bundle, which also has them.
    Bundle(Box<Bundle>),
    /// A manifest, and its digest.
    Manifest(Box<Manifest>, Digest),
    /// An inventory, which was not read yet.
    Inventory,
}

impl Listed {
    /// The list that an argument names: a file, volumes, or `NAME@DIGEST` of a bundle that was packed here. A file
    /// goes before a name. Volumes may also be in these directories.
    pub(crate) fn find(argument: &Path, dirs: &[PathBuf]) -> Result<Self> {
        if let Some(found) = in_file(argument)? {
            return Ok(found);
        }
        let error = match Bundle::open_among(argument, dirs, None) {
            Ok(bundle) => return Ok(Self::Bundle(Box::new(bundle))),
            Err(error) => error,
        };
        // A directory of that name is the project itself.
        let is_directory = argument.is_dir();
        if !is_directory && !is_absent(&error) {
            return Err(error);
        }
        match Kept::named(argument, is_directory)? {
            Some(kept) => kept.listed(),
            None => Err(error),
        }
    }
}

impl Kept {
    fn listed(&self) -> Result<Listed> {
        let (manifest, digest) = self.read()?;
        Ok(Listed::Manifest(Box::new(manifest), digest))
    }
}

/// Whether there is no file of that name, nor a volume.
fn is_absent(error: &Error) -> bool {
    matches!(error, Error::Io { action: "open", source, .. } if source.kind() == ErrorKind::NotFound)
}

/// The list in a file that has nothing else. `None` if it is something else, or no file.
fn in_file(file: &Path) -> Result<Option<Listed>> {
    match kind_of(file) {
        Some(Kind::Inventory) => return Ok(Some(Listed::Inventory)),
        Some(Kind::Manifest) => {}
        _ => return Ok(None),
    }
    let failed = || Error::io("read", file);
    let found = File::open(file).map_err(failed())?;
    let mut bytes = Vec::new();
    let read = found.take(MAX_SIZE + 1).read_to_end(&mut bytes);
    read.map_err(failed())?;
    let manifest = Manifest::parse(&bytes).map_err(|source| Error::Bundle {
        file: file.to_owned(),
        source,
    })?;
    let digest = Digest::of(&bytes);
    Ok(Some(Listed::Manifest(Box::new(manifest), digest)))
}

/// The kind of list that a file begins like. `None` if it begins like something else, or is no file.
pub(crate) fn kind_of(file: &Path) -> Option<Kind> {
    if !fs::metadata(file).is_ok_and(|it| it.is_file()) {
        return None;
    }
    let mut start = Vec::new();
    let found = File::open(file).ok()?;
    found.take(64).read_to_end(&mut start).ok()?;
    if inventory::is_one(&start) {
        Some(Kind::Inventory)
    } else if start.starts_with(MANIFEST.as_bytes()) || executable::is_beginning(&start) {
        Some(Kind::Bundle)
    } else if start.starts_with(BEGINNING_OF_MANIFEST) {
        Some(Kind::Manifest)
    } else {
        None
    }
}
