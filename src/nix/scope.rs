//! The Nix files that evaluate a shell with other builtins: `scope.nix` and its users.

use std::fs;
use std::path::{Path, PathBuf};

use super::expression::{quote, utf8};
use crate::error::{Error, Result};
use crate::replace;
use shellpack_format::bundle::manifest::selection::Selection;

/// Writes `scope.nix`, a user of it and the call into a directory, and returns the file to use in
/// place of the shell's with nix-shell and nix-instantiate. Without a user, that file is the call
/// itself. Another evaluation may be reading these files, so they are replaced.
pub(super) fn write(dir: &Path, user: Option<(&str, &str)>, call: &str) -> Result<PathBuf> {
    fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
    let shell = match user {
        Some(_) => "(import ./evaluation.nix).result\n",
        None => call,
    };
    let ours = [
        ("scope.nix", include_str!("scope.nix")),
        ("flake.nix", include_str!("flake.nix")),
        ("held.nix", include_str!("held.nix")),
        ("source.nix", include_str!("source.nix")),
        ("evaluation.nix", call),
        ("shell.nix", shell),
    ];
    for (name, text) in ours.into_iter().chain(user) {
        replace::file(&dir.join(name), text.as_bytes())?;
    }
    Ok(dir.join("shell.nix"))
}

/// This selection for a file in place of the shell's. The expressions of its arguments also see
/// the other builtins, and relative paths in them keep their meaning.
pub(crate) fn selection(selection: &Selection, wrapper: &Path) -> Result<Selection> {
    let dir = wrapper.parent().unwrap_or(wrapper);
    let evaluation = quote(utf8(&dir.join("evaluation.nix"))?);
    let mut scoped = selection.clone();
    for argument in scoped.arguments.iter_mut().filter(|one| !one.string) {
        // It may end in a comment.
        let end = if argument.value.contains('#') {
            "\n"
        } else {
            ""
        };
        argument.value = format!(
            "({{ builtins, import, scopedImport, fetchTarball, fetchGit, fetchMercurial, fetchTree, __findFile }}: \
             {}{end}) (import (/. + {evaluation})).arguments",
            argument.value
        );
    }
    Ok(scoped)
}
