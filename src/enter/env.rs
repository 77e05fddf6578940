//! The environment of an opened shell, for other tools than a shell. Nothing is evaluated, and Nix is
//! not needed.

use super::{choose, ensure_all_there};
use crate::entry::as_packed::AsPacked;
use crate::entry::exported::Exported;
use crate::error::Result;
use crate::target::Target;

/// The request.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle; by default the one whose project contains the current directory.
    pub name: Option<String>,
    /// The shell; by default the one around the current directory, else the first.
    pub shell: Option<String>,
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
    let chosen = choose::choose(options.name.as_deref(), options.shell.as_deref())?;
    let file = chosen.record.environment_file(&chosen.shell);
    let name = chosen.record.name().to_owned();
    let kept = Exported::kept_in(&file).filter(|_| !options.hook);
    if let Some(exported) = kept {
        return Ok(Environment { name, exported });
    }
    ensure_all_there(&chosen, &Target::here())?;
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
