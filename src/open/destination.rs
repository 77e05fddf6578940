//! The store that a bundle goes into: the one that the user names, else Nix's, else one of ours.

use std::path::{Path, PathBuf};

use super::{Options, behind};
use crate::error::{Error, Result, Unfit, WayToImport};
use crate::nix::places;
use crate::opened::{Scope, is_at_home};
use crate::portable::Portable;
use crate::target::Target;
use crate::text::shown;

/// The store that a user asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Store {
    /// Nix's, or one of ours if there is no Nix, or if it does not take the bundle from this user.
    #[default]
    Any,
    /// Nix's, and no other.
    OfNix,
    /// One of ours, in this directory.
    Own(PathBuf),
}

impl Store {
    /// From the value of an option: a directory, or Nix's own names for its store.
    pub(crate) fn typed(text: Option<PathBuf>) -> Self {
        match text {
            None => Self::Any,
            Some(text)
                if ["auto", "daemon"]
                    .iter()
                    .any(|name| text == Path::new(name)) =>
            {
                Self::OfNix
            }
            Some(dir) => Self::Own(dir),
        }
    }
}

/// The first store to try. `is_complete` tells whether a store has all that the bundle has; `scope` is
/// for whom it is opened.
pub(super) fn first(
    options: &Options,
    scope: &Scope,
    is_complete: impl Fn(&Target) -> bool,
) -> Result<Target> {
    let here = Target::here();
    let behind = behind::store();
    match (&options.store, behind) {
        (Store::OfNix, _) => return Ok(here),
        (Store::Own(dir), Some(behind)) if behind == Portable::at(dir)? => {
            return Ok(Target::portable(behind));
        }
        (Store::Own(dir), _) => return Target::at(dir),
        (Store::Any, Some(behind)) => return Ok(Target::portable(behind)),
        // A rehearsal's record is not looked for.
        (Store::Any, None) if options.is_rehearsal => {}
        (Store::Any, None) => behind::ensure_no_room()?,
    }
    if places::is_installed() || places::of_user_behind_sudo().is_some() {
        return Ok(here);
    }
    let root = Portable::at_root();
    if root.is_this_users() && root.ensure_usable().is_ok() {
        return Ok(Target::portable(root));
    }
    if is_complete(&here) {
        return Ok(here);
    }
    own(scope)
}

/// The store to try after Nix's has failed with this error, and what to tell if it takes the bundle. `None`
/// if there is no other.
pub(super) fn second(
    error: &Error,
    options: &Options,
    scope: &Scope,
) -> Result<Option<(Target, String)>> {
    if options.store != Store::Any || !is_about_nixs_store(error) {
        return Ok(None);
    }
    let target = own(scope)?;
    let dir = target.as_portable().map(Portable::dir);
    let dir = shown(dir.unwrap_or(Path::new("/"))).to_string();
    let (reason, details) = reason(error);
    let mut said =
        format!("Nix's own store cannot take it ({reason}), so it goes into {dir}{details}");
    if let Some(hint) = (options.hint)(error) {
        said.push_str(&format!("\nfor Nix's store: {hint}"));
    }
    Ok(Some((target, said)))
}

/// Why Nix's store does not take a bundle, and more lines about it.
fn reason(error: &Error) -> (String, String) {
    if let Error::Unfit(Unfit::UntrustedPaths(paths)) = error {
        let reason = format!("its daemon would refuse {}", paths.share());
        return (reason, paths.lines());
    }
    let reason = match error {
        Error::Unfit(unfit) => unfit.reason(),
        error => error.to_string(),
    };
    (reason, String::new())
}

/// Whether it is an error of Nix's store as a whole: it would be for any bundle, or for any user who is
/// not trusted.
fn is_about_nixs_store(error: &Error) -> bool {
    match error {
        // A forged signature is no question of trust.
        Error::Unfit(Unfit::UntrustedPaths(paths)) => !matches!(paths.way, WayToImport::Beware),
        Error::Unfit(unfit) => unfit.is_about_nixs_store(),
        _ => false,
    }
}

/// The usual store of ours.
fn own(scope: &Scope) -> Result<Target> {
    Ok(Target::portable(Portable::at(&scope.own_store()?)?))
}

/// Whether a store is for others, too: one that a user named, outside of the home. A user who may not change
/// it opens for no others.
pub(super) fn is_shared(options: &Options) -> Result<Option<PathBuf>> {
    let Store::Own(dir) = &options.store else {
        return Ok(None);
    };
    let store = Portable::at(dir)?;
    let is_own = is_at_home(store.dir()) || store == Portable::at_root();
    let is_shared = options.entry.is_none() && !is_own && store.may_change();
    Ok(is_shared.then(|| store.dir().to_owned()))
}
