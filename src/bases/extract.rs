//! Takes store paths out of a bundle, as trees.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Bases;
use crate::error::{Error, Result};
use crate::limits::RaisedFiles;
use crate::media::source::Bundle;
use crate::report::Report;
use crate::tree::restore::{Restore, RestorePart};
use crate::unpack::{self, Destination, NarPart, NarSink, Prefixes, Unknown};
use shellpack_format::bundle::BadBundle;
use shellpack_format::bundle::manifest::{Base, Manifest};
use shellpack_format::bundle::reader::ReadError;
use shellpack_format::store::hash::Digest;
use shellpack_format::store::store_path::StorePath;

/// Takes the paths with these NARs out of a bundle, into a directory that it makes. Returns where they are.
/// Those that an update brings as a difference need bases, at the places that `place` tells.
pub(crate) fn extract(
    file: &Path,
    paths: &BTreeMap<StorePath, Digest>,
    dir: &Path,
    place: impl Fn(&Base) -> Option<PathBuf>,
    report: &Report,
) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
    let mut bundle = Bundle::open_among(file, &[], report.prompt())?;
    let manifest = bundle.reader.manifest().clone();
    let _files = RaisedFiles::raise();
    for project_file in &manifest.project.files {
        report.ensure_not_interrupted()?;
        let read = bundle.reader.project_file(project_file, |_| Ok(()));
        read.map_err(|error| unpack::stop(file, error))?;
    }
    let trees = Trees {
        file,
        manifest: &manifest,
        paths,
        dir,
    };
    let delta = manifest.delta.as_ref();
    let bases = delta.map(|delta| Bases::new((&manifest, delta), place, report));
    let prefixes: &dyn Prefixes = match &bases {
        Some(bases) => bases,
        None => &Unknown,
    };
    unpack::segments(bundle.reader, &trees, prefixes, 1, report)?;
    let places = paths.keys().map(|path| dir.join(path.base_name()));
    Ok(places
        .filter(|place| place.symlink_metadata().is_ok())
        .collect())
}

struct Trees<'a> {
    file: &'a Path,
    manifest: &'a Manifest,
    paths: &'a BTreeMap<StorePath, Digest>,
    dir: &'a Path,
}

impl Destination for Trees<'_> {
    type Sink<'a>
        = Tree
    where
        Self: 'a;

    fn wants(&self, index: usize) -> bool {
        let path = self.manifest.closure.paths.get(index);
        path.is_some_and(|path| {
            !path.presumed && self.paths.get(&path.path) == Some(&path.nar_hash)
        })
    }

    fn begin(&self, index: usize) -> Result<Tree> {
        let path = &self.manifest.closure.paths[index].path;
        Ok(Tree(Restore::new(self.dir.join(path.base_name()))))
    }

    fn fault(&self, fault: BadBundle) -> Result<()> {
        Err(unpack::stop(self.file, fault))
    }

    fn unreadable(&self, error: ReadError) -> Result<()> {
        Err(unpack::stop(self.file, error))
    }
}

struct Tree(Restore);

impl NarSink for Tree {
    type Part = Part;
    const HAS_PARTS: bool = true;

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write(bytes)
    }

    fn split(&mut self, bytes: &[u8]) -> Result<Part> {
        self.0.split(bytes).map(Part)
    }

    fn finish(self) -> Result<()> {
        self.0.finish()
    }
}

struct Part(RestorePart);

impl NarPart for Part {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write(bytes)
    }

    fn finish(self) -> Result<()> {
        self.0.finish()
    }
}
