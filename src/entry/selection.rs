//! Selects one of a bundle's shells.

use crate::error::{NotThere, Result};
use crate::report::{Event, Report};
use shellpack_format::bundle::manifest::{Manifest, Shell, ShellName};

/// The shell with this name, or the first one without a name.
pub(crate) fn shell_named<'a>(manifest: &'a Manifest, name: Option<&str>) -> Result<&'a Shell> {
    let no_such = || NotThere::NoSuchShell {
        shell: name.unwrap_or_default().to_owned(),
        bundle: manifest.name.to_string(),
        known: names(manifest).map(ToString::to_string).collect(),
    };
    Ok(manifest.shell(name).ok_or_else(no_such)?)
}

/// Notes which other shells there are, if the user named none.
pub(crate) fn note_other_shells(manifest: &Manifest, shell: &Shell, report: &Report) {
    let others: Vec<_> = names(manifest)
        .filter(|name| Some(*name) != shell.name.as_ref())
        .map(ShellName::as_str)
        .collect();
    if let Some(name) = shell.name.as_ref().filter(|_| !others.is_empty()) {
        let others = others.join(", ");
        report.emit(Event::Note(&format!(
            "entering the shell named {name}; use --shell to enter another: {others}"
        )));
    }
}

fn names(manifest: &Manifest) -> impl Iterator<Item = &ShellName> {
    manifest
        .shells
        .iter()
        .filter_map(|shell| shell.name.as_ref())
}
