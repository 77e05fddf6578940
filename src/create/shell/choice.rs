//! nix-shell enters one derivation. A file with several, or without the attribute that was asked for,
//! leaves the user a choice.

use std::path::Path;

use crate::error::{Error, NoShell, Result};
use crate::nix::Nix;
use crate::nix::evaluate::{Choices, Evaluation, Request};
use shellpack_format::store::store_path::StorePath;

/// Nix's words for an attribute that is missing, before the path.
const NOT_FOUND: [&str; 2] = ["in selection path '", "by the selection path '"];

/// The derivation that nix-shell would enter.
pub(super) fn one_derivation(derivations: &[StorePath], file: &Path) -> Result<StorePath> {
    match derivations {
        [path] => Ok(path.clone()),
        others => {
            let subject = file.to_string_lossy().into_owned();
            Err(not_one(subject, others.len(), &Choices::default()))
        }
    }
}

/// The result of an evaluation with exactly one derivation. An error of another one says which
/// attributes there are.
pub(super) fn ensure_one(
    request: &Request<'_>,
    nix: &Nix,
    evaluated: Result<Evaluation>,
) -> Result<Evaluation> {
    match evaluated {
        Ok(evaluation) if evaluation.derivations.len() != 1 => Err(not_one(
            subject(request),
            evaluation.derivations.len(),
            &request.choices(nix),
        )),
        Err(Error::NixFailed { words, .. }) if is_about_selection(&words) => {
            Err(Error::from(NoShell::NoAttribute {
                subject: subject(request),
                attribute: request.selection.attribute.clone().unwrap_or_default(),
                words,
                names: shown(&request.choices(nix)),
            }))
        }
        other => other,
    }
}

fn is_about_selection(words: &str) -> bool {
    NOT_FOUND.iter().any(|said| words.contains(said))
}

/// The file, unless shellpack wrote it.
fn subject(request: &Request<'_>) -> String {
    let ours = request.scratch.parent().unwrap_or(request.scratch);
    if request.file().starts_with(ours) {
        "the expression".to_owned()
    } else {
        request.file().to_string_lossy().into_owned()
    }
}

fn not_one(subject: String, count: usize, choices: &Choices) -> Error {
    let no_shell = NoShell::NotOneDerivation {
        subject,
        count,
        is_list: choices.is_list,
        names: shown(choices),
    };
    no_shell.into()
}

fn shown(choices: &Choices) -> Vec<String> {
    choices.names.iter().map(ToString::to_string).collect()
}
