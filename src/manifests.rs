//! Manifests without their bundles: in files, as `inspect --manifest` prints them, and those that
//! `create` kept of what it wrote.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::error::{BadBase, Error, Result};
use crate::media::source::Bundle;
use shellpack_format::bundle::inventory;
use shellpack_format::bundle::manifest::{MAX_SIZE, Manifest};
use shellpack_format::store::hash::Digest;

mod kept;

use kept::Kept;
pub(crate) use kept::keep;

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
        let has_digest = argument.to_str().is_some_and(|text| text.contains('@'));
        let is_file = argument.exists() && !argument.is_dir();
        if has_digest
            && !is_file
            && let Some(kept) = Kept::named(argument)?
        {
            return kept.listed();
        }
        let error = match Bundle::open_among(argument, dirs, None) {
            Ok(bundle) => return Ok(Self::Bundle(Box::new(bundle))),
            Err(error) => error,
        };
        // There may be a directory of that name: the project itself.
        if is_file || argument == Path::new("-") {
            return Err(error);
        }
        match Kept::named(argument) {
            Ok(Some(kept)) => kept.listed(),
            Err(Error::Base(several @ BadBase::SeveralKept { .. })) => Err(several.into()),
            _ => Err(error),
        }
    }
}

impl Kept {
    fn listed(&self) -> Result<Listed> {
        let (manifest, digest) = self.read()?;
        Ok(Listed::Manifest(Box::new(manifest), digest))
    }
}

/// The list in a file that has nothing else. `None` if it is something else, or no file.
fn in_file(file: &Path) -> Result<Option<Listed>> {
    if !fs::metadata(file).is_ok_and(|it| it.is_file()) {
        return Ok(None);
    }
    let failed = || Error::io("read", file);
    let mut found = File::open(file).map_err(failed())?.take(MAX_SIZE + 1);
    let mut bytes = vec![0; 64];
    let start = found.read(&mut bytes).map_err(failed())?;
    bytes.truncate(start);
    if inventory::is_one(&bytes) {
        return Ok(Some(Listed::Inventory));
    }
    // An executable bundle begins with `#`, too.
    if !bytes.starts_with(b"#") || bytes.starts_with(b"#!") {
        return Ok(None);
    }
    found.read_to_end(&mut bytes).map_err(failed())?;
    let manifest = Manifest::parse(&bytes).map_err(|source| Error::Bundle {
        file: file.to_owned(),
        source,
    })?;
    let digest = Digest::of(&bytes);
    Ok(Some(Listed::Manifest(Box::new(manifest), digest)))
}
