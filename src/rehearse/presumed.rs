//! The paths that an update presumes, for a rehearsal of it: the room has them, and nothing else.

use std::path::{Path, PathBuf};

use crate::bases;
use crate::error::{Error, Result, Unfit};
use crate::media::source::Bundle;
use crate::nix::Nix;
use shellpack_format::bundle::manifest::Manifest;
use shellpack_format::store::path_info::PathInfo;

/// The store of the room before the bundle is opened.
#[derive(Debug, Default)]
pub(super) struct Presumed {
    /// Store paths of this machine.
    pub(super) paths: Vec<PathInfo>,
    /// Bundles to open first.
    pub(super) bundles: Vec<Bundle>,
}

impl Presumed {
    /// For a bundle: the bundles that the user names, else the paths themselves, if they are here.
    pub(super) fn of(bundle: &Bundle, named: &[PathBuf], nix: &Nix) -> Result<Self> {
        let open = |file: &PathBuf| {
            if file == Path::new("-") {
                return Err(Error::NotFromStdin("rehearse with"));
            }
            let bundle = Bundle::open_among(file, &[], None)?;
            bundle.ensure_whole()?;
            Ok(bundle)
        };
        let bundles = named.iter().map(open).collect::<Result<Vec<_>>>()?;
        let bundles = bases::in_order(bundles, |bundle| {
            (
                bundle.reader().manifest(),
                bundle.reader().manifest_digest(),
            )
        });
        let manifest = bundle.reader().manifest();
        let paths = if bundles.is_empty() {
            paths(manifest, &bundle.file, nix)?
        } else {
            Vec::new()
        };
        Ok(Self { paths, bundles })
    }
}

/// The paths that an update presumes and is compressed with, and all that they refer to.
fn paths(manifest: &Manifest, file: &Path, nix: &Nix) -> Result<Vec<PathInfo>> {
    let Some(delta) = &manifest.delta else {
        return Ok(Vec::new());
    };
    let presumed = manifest.closure.paths.iter().filter(|path| path.presumed);
    let wanted = presumed.map(|path| (&path.path, path.nar_hash));
    let bases = delta.bases.iter().map(|base| (&base.path, base.nar_hash));
    let mut connection = nix.connect()?;
    let (mut there, mut missing) = (Vec::new(), Vec::new());
    for (path, nar_hash) in wanted.chain(bases) {
        let info = connection.path_info(path)?;
        match info.filter(|info| info.nar_hash == nar_hash) {
            Some(_) => there.push(path.clone()),
            None => missing.push(nix.store.print(path)),
        }
    }
    if missing.is_empty() {
        let closure = connection.closure(there, || Ok(()))?;
        return Ok(closure.into_values().collect());
    }
    let from = delta.from.iter();
    Err(Unfit::LacksPresumed {
        file: file.to_owned(),
        missing,
        from: from
            .map(|origin| (origin.name.to_string(), origin.digest.to_string()))
            .collect(),
    }
    .into())
}
