//! Explains drift: the difference between the two derivations, and its causes, as far as they can
//! be seen.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::difference::{self, Change, Difference, Places};
use crate::nix::Nix;
use crate::nix::evaluate;
use crate::text::printable_line;
use shellpack_format::bundle::derivations;
use shellpack_format::bundle::manifest::Shell;
use shellpack_format::store::derivation::Derivation;
use shellpack_format::store::store_path::StorePath;

/// Values shorter than this occur in many texts by chance.
const TELLING: usize = 4;

/// Explains why the shell is another derivation here, in lines for the user. `edited` are the
/// project files that differ from the bundle's.
pub(super) fn explain(
    shell: &Shell,
    nix: &Nix,
    project: &Path,
    edited: &[String],
    found: &StorePath,
) -> String {
    let difference = find(shell, nix, found, None);
    let mut text = String::new();
    if let Some(difference) = &difference {
        text.push_str(&describe(difference, ["in the bundle:", "here:"]));
    }
    for cause in causes(shell, nix, project, edited, difference.as_ref()) {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {cause}");
    }
    text
}

/// The difference of the shell as it was named and as it is in a rehearsal, where the project is in
/// another place, in lines for the user. `None` if there is no other difference than that.
pub(crate) fn elsewhere(
    shell: &Shell,
    nix: &Nix,
    places: Places<'_>,
    found: &StorePath,
) -> Option<String> {
    let difference = find(shell, nix, found, Some(places))?;
    Some(describe(&difference, ["here:", "elsewhere:"]))
}

fn find(
    shell: &Shell,
    nix: &Nix,
    found: &StorePath,
    places: Option<Places<'_>>,
) -> Option<Difference> {
    let text = fs::read_to_string(shell.derivations.as_ref()?).ok()?;
    let carried = derivations::terms(&text);
    let old = |path: &StorePath| {
        let term = carried.get(path.base_name())?;
        Derivation::parse(term.as_bytes(), &nix.store).ok()
    };
    let new = |path: &StorePath| evaluate::read_derivation(nix, path).ok();
    difference::first((&shell.derivation, &old), (found, &new), places)
}

fn describe(difference: &Difference, [old_side, new_side]: [&str; 2]) -> String {
    let Some((own, outer)) = difference.chain.split_last() else {
        return String::new();
    };
    let whose = match outer.last() {
        Some(outer) => printable_line(&format!("{own}, an input of {outer}")),
        None => printable_line(own),
    };
    let width = old_side.len().max(new_side.len());
    let sides = |old: &str, new: &str| {
        format!("\n    {old_side:width$} {old}\n    {new_side:width$} {new}")
    };
    let or_none = |value: &Option<String>| {
        value
            .as_deref()
            .map_or_else(|| "(nothing)".to_owned(), printable_line)
    };
    match &difference.change {
        Change::Variable { name, old, new } => {
            let sides = sides(&or_none(old), &or_none(new));
            let name = printable_line(name);
            format!("\n  the difference is `{name}` of {whose}:{sides}")
        }
        Change::Input { old, new } => {
            let sides = sides(&or_none(old), &or_none(new));
            format!("\n  the difference is an input of {whose}:{sides}")
        }
        Change::Source(name) => format!(
            "\n  the difference is the source {} of {whose}",
            printable_line(name)
        ),
        Change::Build { old, new } => {
            let sides = sides(&printable_line(old), &printable_line(new));
            format!("\n  the difference is how {whose} is built:{sides}")
        }
        Change::Unknown => format!("\n  the difference is in {whose}"),
    }
}

/// Possible causes of the difference.
fn causes(
    shell: &Shell,
    nix: &Nix,
    project: &Path,
    edited: &[String],
    difference: Option<&Difference>,
) -> Vec<String> {
    let new = match difference.map(|difference| &difference.change) {
        Some(Change::Variable { new: Some(new), .. }) => new.as_str(),
        _ => "",
    };
    let mut causes: Vec<_> = edited
        .iter()
        .map(|file| {
            let file = printable_line(file);
            format!("{file} was edited: it differs from the bundle's")
        })
        .collect();
    if new.contains(&*project.to_string_lossy()) {
        causes.push("it contains the path of the project directory".to_owned());
    }
    for name in &shell.variables_read {
        let value = std::env::var(name).unwrap_or_default();
        if value.len() >= TELLING && new.contains(&value) {
            causes.push(format!(
                "it contains the value of the environment variable {}, which the shell reads",
                printable_line(name)
            ));
        }
    }
    if shell.nix_version != nix.version {
        causes.push(format!(
            "it was packed with Nix {}; this machine has Nix {}",
            shell.nix_version, nix.version
        ));
    }
    if causes.is_empty() && !shell.variables_read.is_empty() {
        causes.push(format!(
            "the shell reads environment variables, which may differ here: {}",
            printable_line(&shell.variables_read.join(", "))
        ));
    }
    causes
}
