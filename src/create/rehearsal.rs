//! The third stage: what would be carried is tried, before anything is written.

use std::path::PathBuf;

use super::Options;
use super::closure::Closure;
use super::plan;
use super::shell::Shell;
use crate::bundle::manifest::Proof;
use crate::error::Result;
use crate::invocation::Recipe;
use crate::nix::store_path::StorePath;
use crate::rehearse::{self, Task};
use crate::report::Report;
use crate::room::Room;

/// Before minutes of building, not after.
pub(super) fn ensure_possible(options: &Options) -> Result<()> {
    if options.rehearsal {
        Room::ensure_possible()
    } else {
        Ok(())
    }
}

/// Rehearses, unless the user does not want to.
pub(super) fn rehearse(
    options: &Options,
    shell: &Shell,
    closure: &Closure,
    report: &Report,
) -> Result<Proof> {
    if !options.rehearsal {
        return Ok(Proof::unproved());
    }
    let task = Task {
        store: shell.nix.store.clone(),
        paths: closure.paths.clone(),
        copied_sources: copied_sources(shell, closure),
        recipe: Recipe::new(
            plan::manifest_shell(shell, closure)?,
            &shell.pins,
            &shell.project.entries,
            &shell.nix.store,
        ),
        project: PathBuf::new(),
    };
    rehearse::carried(
        &shell.nix,
        task,
        &shell.project.entries,
        &shell.project.root,
        report,
    )
}

/// The sources of the derivation that are copies of files. Others are texts, which may say
/// where the project lies and so come out differently elsewhere.
fn copied_sources(shell: &Shell, closure: &Closure) -> Vec<StorePath> {
    let is_copy = |ca: &Option<String>| ca.as_deref().is_some_and(|ca| ca.starts_with("fixed:"));
    let copies = closure
        .paths
        .iter()
        .filter(|info| is_copy(&info.ca))
        .map(|info| &info.path);
    copies
        .filter(|path| shell.derivation.input_sources.contains(path))
        .cloned()
        .collect()
}
