//! Files of Nix code that evaluate a shell with other builtins: `scope.nix`, and what uses it.

use std::fs;
use std::path::{Path, PathBuf};

use super::expression::{quote, utf8};
use crate::error::{Error, Result};
use shellpack_format::bundle::manifest::selection::Selection;

/// Writes a user of `scope.nix` and how it is called into a directory, and beside it a file that
/// stands for the shell's: nix-shell and nix-instantiate take it as they would take that one. Without
/// a user, that file is what was to be called.
pub(super) fn write(dir: &Path, user: Option<(&str, &str)>, call: &str) -> Result<PathBuf> {
    fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
    let shell = match user {
        Some(_) => "(import ./evaluation.nix).result\n",
        None => call,
    };
    let ours = [
        ("scope.nix", include_str!("scope.nix")),
        ("flake.nix", include_str!("flake.nix")),
        ("source.nix", include_str!("source.nix")),
        ("evaluation.nix", call),
        ("shell.nix", shell),
    ];
    for (name, text) in ours.into_iter().chain(user) {
        let file = dir.join(name);
        fs::write(&file, text).map_err(Error::io("write", &file))?;
    }
    Ok(dir.join("shell.nix"))
}

/// The same selection for a file that stands for the shell's: the expressions of its arguments see the
/// other builtins, too, and relative paths in them lead where they always do.
pub(crate) fn selection(selection: &Selection, wrapper: &Path) -> Result<Selection> {
    let dir = wrapper.parent().unwrap_or(wrapper);
    let evaluation = quote(utf8(&dir.join("evaluation.nix"))?);
    let mut scoped = selection.clone();
    for argument in scoped.arguments.iter_mut().filter(|one| !one.string) {
        // A comment may be the end of it.
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
