//! The store that is listed: the one that bundles go into.

use std::path::Path;

use crate::error::{Error, Result, Unfit};
use crate::nix::places;
use crate::opened::Scope;
use crate::portable::{self, Portable};
use crate::report::{Event, Report};
use crate::target::Target;
use crate::text::shown;
use shellpack_format::store::store_path::StoreDir;

/// Nix's own names for its store.
const NIXS: [&str; 2] = ["auto", "daemon"];

/// The store in this directory; else Nix's, or where there is no Nix, or one that takes nothing from this
/// user, the one of ours that is there. A note says so.
pub(super) fn target(dir: Option<&Path>, report: &Report) -> Result<Target> {
    match dir {
        Some(dir) if !NIXS.iter().any(|name| dir == Path::new(name)) => return at(dir),
        Some(_) => return Ok(Target::here()),
        None if places::is_installed() => return nixs_or_own(report),
        None => {}
    }
    let root = Portable::at_root();
    if root.is_this_users() && root.exists() {
        return Ok(Target::portable(root));
    }
    if let Some(own) = own() {
        return Ok(Target::portable(own));
    }
    if root.exists() {
        // Nix's own, whose commands are not on PATH. It is only read.
        return Ok(Target::portable(root));
    }
    // Its error says that there is no Nix.
    Ok(Target::here())
}

/// Nix's store, or the one that `open` takes in its place.
fn nixs_or_own(report: &Report) -> Result<Target> {
    let here = Target::here();
    let Some(own) = own() else {
        return Ok(here);
    };
    match here.connect() {
        Err(Error::Unfit(unfit)) if unfit.is_about_nixs_store() => {
            let reason = unfit.reason();
            let dir = shown(own.dir());
            let said = format!(
                "Nix's own store cannot take a bundle ({reason}), so this is of {dir}, which open takes then"
            );
            report.emit(Event::Note(&said));
            Ok(Target::portable(own.clone()))
        }
        connected => connected.map(|_| here),
    }
}

/// The usual store of ours, if it is there.
fn own() -> Option<Portable> {
    let stores = [Scope::User, Scope::AllUsers]
        .into_iter()
        .filter_map(|scope| {
            let dir = scope.own_store().ok()?;
            Portable::at(&dir).ok()
        });
    stores.into_iter().find(Portable::exists)
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
