//! The environment of an opened shell, for other tools than a shell. Nothing is evaluated, and Nix is
//! not needed.

use super::{Which, choose, ensure_all_there};
use crate::entry::as_packed::AsPacked;
use crate::entry::exported::Exported;
use crate::error::{NotEntered, Result};

/// The request.
#[derive(Debug, Clone)]
pub struct Options {
    /// The shell.
    pub which: Which,
    /// Whether to run the `shellHook`, for what it exports.
    pub hook: bool,
}

/// The name of an opened bundle, and the variables of its shell.
#[derive(Debug)]
pub(crate) struct Environment {
    pub name: String,
    pub exported: Exported,
}

/// Finds the variables that the shell exports. Without the hook they are kept once they were found out,
/// when the shell was entered or here.
pub(crate) fn env(options: &Options) -> Result<Environment> {
    let chosen = choose::choose(&options.which)?;
    let target = chosen.record.target()?;
    if let Some(store) = target.as_portable()
        && !target.is_here()
    {
        let store = store.dir().to_owned();
        let name = chosen.record.name().to_owned();
        return Err(NotEntered::OnlyInside { name, store }.into());
    }
    let file = chosen.record.environment_file(&chosen.shell);
    let name = chosen.record.name().to_owned();
    let kept = Exported::kept_in(&file).filter(|_| !options.hook);
    if let Some(exported) = kept {
        return Ok(Environment { name, exported });
    }
    ensure_all_there(&chosen, &target)?;
    let store = &chosen.manifest.closure.store;
    let as_packed = AsPacked::new(&chosen.shell, store, &chosen.project);
    if options.hook {
        let exported = Exported::of(&as_packed)?;
        return Ok(Environment { name, exported });
    }
    let exported = Exported::of(&as_packed.without_hook())?;
    // Others may read the record of a bundle for all users, and not write it.
    let _ = exported.keep_in(&file);
    Ok(Environment { name, exported })
}
