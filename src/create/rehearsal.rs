//! The third stage: what would be carried is tried, before anything is written.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Options;
use super::closure::{self, Closure};
use super::plan;
use super::shell::Shell;
use crate::bundle::manifest::Proof;
use crate::error::Result;
use crate::invocation::Recipe;
use crate::nix::evaluate;
use crate::nix::store_path::StorePath;
use crate::rehearse::{self, Outcome, Task};
use crate::report::{Event, Phase, Report};
use crate::room::Room;

/// Before minutes of building, not after.
pub(super) fn ensure_possible(options: &Options) -> Result<()> {
    if options.rehearsal {
        Room::ensure_possible()
    } else {
        Ok(())
    }
}

/// Collects what must be carried and rehearses it, unless the user does not want to. What the
/// rehearsal finds to be missing is added, until nothing is.
pub(super) fn prove(
    options: &Options,
    shell: &mut Shell,
    report: &Report,
) -> Result<(Closure, Proof)> {
    loop {
        let closure = closure::collect(shell, report)?;
        if !options.rehearsal {
            return Ok((closure, Proof::unproved()));
        }
        match rehearse(shell, &closure, report)? {
            Outcome::Proved(proof) => return Ok((closure, proof)),
            Outcome::Builds(derivation) => carry_outputs(shell, derivation, report)?,
        }
    }
}

/// Import from derivation that the recorder did not see.
fn carry_outputs(shell: &mut Shell, derivation: StorePath, report: &Report) -> Result<()> {
    let known = evaluate::read_derivation(&shell.nix, &derivation);
    let Ok(parsed) = known else {
        return Err(rehearse::builds_all_the_same(&derivation));
    };
    let outputs: BTreeSet<_> = parsed.outputs.into_keys().collect();
    let is_new = shell.read_while_evaluating.get(&derivation) != Some(&outputs);
    if !is_new {
        return Err(rehearse::builds_all_the_same(&derivation));
    }
    let name = derivation.name().trim_end_matches(".drv");
    report.emit(Event::Note(&format!(
        "evaluation builds {name} and reads it: what was built is carried, and the rehearsal begins again"
    )));
    shell.read_while_evaluating.insert(derivation, outputs);
    Ok(())
}

fn rehearse(shell: &Shell, closure: &Closure, report: &Report) -> Result<Outcome> {
    report.emit(Event::Phase(Phase::Rehearse));
    let task = Task {
        store: shell.nix.store.clone(),
        paths: closure.paths.clone(),
        copied_sources: copied_sources(shell, closure),
        recipe: Recipe::new(
            plan::manifest_shell(shell, closure)?,
            if shell.frozen { &[] } else { &shell.pins },
            &shell.project.entries,
            &shell.nix.store,
        ),
        project: PathBuf::new(),
        frozen: shell.frozen,
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
