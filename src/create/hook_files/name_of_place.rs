//! Hooks that depend on the name of the project's directory: `$(basename $PWD)`.

use super::{Visitor, has_hook};
use crate::create::plan::Plan;
use crate::create::shell::Shells;
use crate::error::{Error, Result};
use crate::report::Report;

/// Whether the hook of a shell does something else in a directory with the bundle's name. A hook that
/// cannot be seen has been told of.
pub(in crate::create) fn depend_on_name(
    plan: &Plan,
    shells: &Shells,
    report: &Report,
) -> Result<bool> {
    let Some(project) = shells.project.at_own_place() else {
        return Ok(false);
    };
    let top = project.whole();
    for index in 0..shells.all.len() {
        let visitor = Visitor::of(plan, shells, (&project, &top), index, report)?;
        if !has_hook(visitor.shell) {
            continue;
        }
        let place = project.root.with_file_name(plan.manifest().name.as_str());
        let entries = &project.entries;
        match visitor.host.differences_at(&place, entries, &project.root) {
            Ok(differences) if differences.is_empty() => {}
            Ok(_) => return Ok(true),
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(_) => {}
        }
    }
    Ok(false)
}
