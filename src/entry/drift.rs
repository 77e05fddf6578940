//! Drift: the shell evaluates to another derivation than when it was packed. What differs is
//! told, and where that comes from, as far as it can be seen.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::nix::Nix;
use crate::nix::evaluate;
use shellpack_format::bundle::derivations;
use shellpack_format::bundle::manifest::Shell;
use shellpack_format::store::derivation::Derivation;
use shellpack_format::store::store_path::StorePath;

mod difference;

use difference::{Difference, What};

/// Values shorter than this are in many texts by chance.
const TELLING: usize = 4;

/// Why the shell is another derivation here, in lines for the user. `edited` are the project's
/// files that are not the bundle's.
pub(crate) fn explain(
    shell: &Shell,
    nix: &Nix,
    project: &Path,
    edited: &[String],
    found: &StorePath,
) -> String {
    let difference = find(shell, nix, found);
    let mut text = String::new();
    if let Some(difference) = &difference {
        text.push_str(&describe(difference));
    }
    for cause in causes(shell, nix, project, edited, difference.as_ref()) {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {cause}");
    }
    text
}

fn find(shell: &Shell, nix: &Nix, found: &StorePath) -> Option<Difference> {
    let text = fs::read_to_string(shell.derivations.as_ref()?).ok()?;
    let carried = derivations::terms(&text);
    let old = |path: &StorePath| {
        let term = carried.get(path.base_name())?;
        Derivation::parse(term.as_bytes(), &nix.store).ok()
    };
    let new = |path: &StorePath| evaluate::read_derivation(nix, path).ok();
    difference::first((&shell.derivation, &old), (found, &new))
}

fn describe(difference: &Difference) -> String {
    let Some((own, outer)) = difference.chain.split_last() else {
        return String::new();
    };
    let whose = match outer.last() {
        Some(outer) => format!("{own}, an input of {outer}"),
        None => own.clone(),
    };
    let sides =
        |old: &str, new: &str| format!("\n    in the bundle: {old}\n    here:          {new}");
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "(nothing)".to_owned());
    match &difference.what {
        What::Variable { name, old, new } => {
            let sides = sides(&or_none(old), &or_none(new));
            format!("\n  what differs is `{name}` of {whose}:{sides}")
        }
        What::Input { old, new } => {
            let sides = sides(&or_none(old), &or_none(new));
            format!("\n  what differs is an input of {whose}:{sides}")
        }
        What::Source(name) => format!("\n  what differs is the source {name} of {whose}"),
        What::Build { old, new } => {
            let sides = sides(old, new);
            format!("\n  what differs is how {whose} is built:{sides}")
        }
        What::Unknown => format!("\n  what differs is {whose}"),
    }
}

/// What may be behind it.
fn causes(
    shell: &Shell,
    nix: &Nix,
    project: &Path,
    edited: &[String],
    difference: Option<&Difference>,
) -> Vec<String> {
    let new = match difference.map(|difference| &difference.what) {
        Some(What::Variable { new: Some(new), .. }) => new.as_str(),
        _ => "",
    };
    let mut causes: Vec<_> = edited
        .iter()
        .map(|file| format!("{file} is not the bundle's: it was edited"))
        .collect();
    if new.contains(&*project.to_string_lossy()) {
        causes.push("it names the directory that the project lies in".to_owned());
    }
    for name in &shell.variables_read {
        let value = std::env::var(name).unwrap_or_default();
        if value.len() >= TELLING && new.contains(&value) {
            causes.push(format!(
                "it has the value of the environment variable {name}, which the shell reads"
            ));
        }
    }
    if shell.nix_version != nix.version {
        causes.push(format!(
            "Nix {} evaluated it when it was packed; here is Nix {}",
            shell.nix_version, nix.version
        ));
    }
    if causes.is_empty() && !shell.variables_read.is_empty() {
        causes.push(format!(
            "the shell reads environment variables, which may be others here: {}",
            shell.variables_read.join(", ")
        ));
    }
    causes
}
