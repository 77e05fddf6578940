//! Whether a bundle fits this machine. Nothing is changed here; what this stage returns is
//! the only thing that the import takes.

use std::collections::HashSet;
use std::path::Path;

use super::Options;
use super::project::Target;
use crate::error::{Result, Unfit};
use crate::media::source::Bundle;
use crate::media::space;
use crate::nix::Nix;
use crate::nix::daemon::Connection;
use shellpack_format::bundle::manifest::{Manifest, Shell};
use shellpack_format::store::version::is_older;

/// A bundle that can be imported here.
#[must_use]
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) bundle: Bundle,
    pub(super) nix: Nix,
    /// To the store.
    pub(super) connection: Connection,
    /// Where the project files will be.
    pub(super) target: Target,
}

/// Checks everything that can be known before a byte of content is read. `shell` is the one that
/// is meant; whether another one fits is asked when it is entered.
pub(super) fn accept(bundle: Bundle, shell: &Shell, options: &Options) -> Result<Accepted> {
    let nix = Nix::find()?;
    let manifest = bundle.reader.manifest();
    ensure_fits(shell, &nix, &bundle.file)?;
    if !options.enters_as_packed(manifest) {
        ensure_can_evaluate(shell, &nix, &bundle.file)?;
    }
    ensure_same_store(manifest, &nix, &bundle.file)?;
    let target = Target::choose(manifest, options.dir.as_deref())?;
    target.ensure_nothing_differs(manifest)?;
    let mut connection = nix.connect()?;
    let missing = missing_bytes(manifest, &mut connection)?;
    space::ensure_free(nix.store.as_path(), space::unpacked(missing))?;
    if missing > 0 {
        bundle.ensure_whole()?;
    }
    Ok(Accepted {
        bundle,
        nix,
        connection,
        target,
    })
}

fn ensure_fits(shell: &Shell, nix: &Nix, file: &Path) -> Result<(), Unfit> {
    if shell.system != nix.system {
        let (bundle, here) = (shell.system.clone(), nix.system.clone());
        return Err(Unfit::WrongSystem {
            file: file.to_owned(),
            bundle,
            here,
        });
    }
    Ok(())
}

fn ensure_can_evaluate(shell: &Shell, nix: &Nix, file: &Path) -> Result<(), Unfit> {
    match &shell.minimum_nix_version {
        Some(needed) if is_older(&nix.version, needed) => Err(Unfit::NixTooOld {
            file: file.to_owned(),
            needed: needed.clone(),
            here: nix.version.clone(),
        }),
        _ => Ok(()),
    }
}

fn ensure_same_store(manifest: &Manifest, nix: &Nix, file: &Path) -> Result<(), Unfit> {
    let store = &manifest.closure.store;
    if *store == nix.store {
        return Ok(());
    }
    Err(Unfit::WrongStore {
        file: file.to_owned(),
        bundle: store.to_string(),
        here: nix.store.to_string(),
    })
}

/// How much is to be imported. A full disk in the middle of that can damage Nix's database, so
/// this is asked first.
fn missing_bytes(manifest: &Manifest, connection: &mut Connection) -> Result<u64> {
    let paths: Vec<_> = manifest
        .closure
        .paths
        .iter()
        .map(|path| path.path.clone())
        .collect();
    let valid: HashSet<_> = connection.valid_paths(&paths)?.into_iter().collect();
    let missing = manifest
        .closure
        .paths
        .iter()
        .filter(|path| !valid.contains(&path.path));
    Ok(missing.map(|path| path.nar_size).sum())
}
