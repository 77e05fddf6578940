//! Files of Nix code that evaluate a shell with other builtins: `scope.nix`, and what uses it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Writes a user of `scope.nix` into a directory, and beside it a file that stands for the
/// shell's: nix-shell and nix-instantiate take it as they would take that one.
pub(super) fn write(dir: &Path, user: Option<(&str, &str)>, wrapper: &str) -> Result<PathBuf> {
    fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
    let ours = [
        ("scope.nix", include_str!("scope.nix")),
        ("flake.nix", include_str!("flake.nix")),
        ("source.nix", include_str!("source.nix")),
        ("shell.nix", wrapper),
    ];
    for (name, text) in ours.into_iter().chain(user) {
        let file = dir.join(name);
        fs::write(&file, text).map_err(Error::io("write", &file))?;
    }
    Ok(dir.join("shell.nix"))
}
