//! Store paths that a shell's variables name as mere text. Nix knows only those that a text was made
//! of; a hook may also name what it reads while it evaluates, such as `toString pkgs.path`, a file of
//! a flake's own source, or a program without its context.

use std::collections::BTreeSet;

use crate::create::shell::Shell;
use crate::error::Result;
use crate::nix::Nix;
use crate::nix::daemon::Connection;
use crate::report::{Event, Report};
use shellpack_format::bundle::manifest::ShellName;
use shellpack_format::store::store_path::{StorePath, hash_part};

/// Adds the paths that the shell's variables name and that are valid. Warns of those that are not:
/// they are missing on this machine, too.
pub(super) fn add(
    roots: &mut BTreeSet<StorePath>,
    shell: &Shell,
    nix: &Nix,
    connection: &mut Connection,
    report: &Report,
) -> Result<()> {
    let outputs = shell.derivation.outputs.values().flatten();
    let known = roots.iter().chain(outputs);
    let mut known: BTreeSet<_> = known
        .filter_map(|path| hash_part(path.base_name()))
        .map(str::to_owned)
        .collect();
    for (variable, text) in &shell.derivation.environment {
        for base in nix.store.named_in(text) {
            let Some(hash) = hash_part(base) else {
                continue;
            };
            if !known.insert(hash.to_owned()) {
                continue;
            }
            match connection.path_with_hash_part(hash)? {
                Some(path) if base.starts_with(path.base_name()) => drop(roots.insert(path)),
                _ => report.emit(Event::Warning(&format!(
                    "{}the variable {variable} names {}/{base}, which is not in the store of this \
                     machine: it is not carried",
                    ShellName::before_words(shell.name.as_ref()),
                    nix.store
                ))),
            }
        }
    }
    Ok(())
}
