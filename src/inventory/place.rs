//! The store that is listed: the one that bundles go into.

use std::path::Path;

use crate::error::{Result, Unfit};
use crate::nix::places;
use crate::opened::Scope;
use crate::portable::{self, Portable};
use crate::target::Target;
use shellpack_format::store::store_path::StoreDir;

/// Nix's own names for its store.
const NIXS: [&str; 2] = ["auto", "daemon"];

/// The store in this directory; else Nix's, or where there is no Nix, the one of ours that is there.
pub(super) fn target(dir: Option<&Path>) -> Result<Target> {
    match dir {
        Some(dir) if !NIXS.iter().any(|name| dir == Path::new(name)) => return at(dir),
        Some(_) => return Ok(Target::here()),
        None if places::is_installed() => return Ok(Target::here()),
        None => {}
    }
    let root = Portable::at_root();
    if root.is_this_users() && root.exists() {
        return Ok(Target::portable(root));
    }
    for scope in [Scope::User, Scope::AllUsers] {
        let own = scope.own_store().and_then(|dir| Portable::at(&dir));
        if let Some(own) = own.ok().filter(Portable::exists) {
            return Ok(Target::portable(own));
        }
    }
    if root.exists() {
        // Nix's own, whose commands are not on PATH. It is only read.
        return Ok(Target::portable(root));
    }
    // Its error says that there is no Nix.
    Ok(Target::here())
}

/// The store in this directory. A name that was mistyped must not become an empty inventory.
fn at(dir: &Path) -> Result<Target> {
    let target = Target::at(dir)?;
    match target.as_portable().filter(|store| !store.exists()) {
        None => Ok(target),
        Some(store) => Err(Unfit::NoStoreThere {
            dir: store.dir().to_owned(),
            why: "there is none".to_owned(),
        }
        .into()),
    }
}

/// Store directory, system, and the version of Nix if there is one.
pub(super) fn described(target: &Target) -> Result<(StoreDir, String, Option<String>)> {
    if target.as_portable().is_some() {
        return Ok((portable::store_dir(), target.system(), None));
    }
    let nix = target.nix()?;
    let version = Some(nix.version.clone());
    Ok((nix.store.clone(), nix.system.clone(), version))
}
