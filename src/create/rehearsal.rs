//! The third stage: what would be carried is tried, before anything is written.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Options;
use super::closure::{self, Closure};
use super::plan;
use super::shell::{Shell, Shells};
use crate::entry::invocation::Recipe;
use crate::error::Result;
use crate::nix::Nix;
use crate::nix::evaluate;
use crate::rehearse::{self, Outcome, Task};
use crate::report::{Event, Phase, Report};
use crate::room::Room;
use shellpack_format::bundle::manifest::{self, Proof, ShellName};
use shellpack_format::store::store_path::StorePath;

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
    shells: &mut Shells,
    report: &Report,
) -> Result<(Closure, Proof)> {
    loop {
        let closure = closure::collect(shells, report)?;
        if !options.rehearsal {
            return Ok((closure, Proof::unproved()));
        }
        match rehearse_all(shells, &closure, report)? {
            Verdict::Proved(proof) => return Ok((closure, proof)),
            Verdict::Builds { shell, derivation } => {
                let Shells { nix, all, .. } = &mut *shells;
                carry_outputs(&mut all[shell], nix, derivation, report)?;
            }
        }
    }
}

/// How the rehearsals of all shells ended.
enum Verdict {
    Proved(Proof),
    /// The outputs of this derivation are missing for the shell with this index.
    Builds {
        shell: usize,
        derivation: StorePath,
    },
}

/// Import from derivation that the recorder did not see.
fn carry_outputs(
    shell: &mut Shell,
    nix: &Nix,
    derivation: StorePath,
    report: &Report,
) -> Result<()> {
    let known = evaluate::read_derivation(nix, &derivation);
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

/// Rehearses every shell by itself, with what is carried for all.
fn rehearse_all(shells: &Shells, closure: &Closure, report: &Report) -> Result<Verdict> {
    report.emit(Event::Phase(Phase::Rehearse));
    let mut proofs = Vec::with_capacity(shells.all.len());
    let manifest_shells = plan::manifest_shells(shells, closure)?;
    for (index, (shell, as_carried)) in shells.all.iter().zip(manifest_shells).enumerate() {
        let task = task(shells, shell, as_carried, closure);
        let project = &shells.project;
        match rehearse::carried(&shells.nix, task, &project.entries, &project.root, report)? {
            Outcome::Proved(proof) => proofs.push((shell.name.as_ref(), proof)),
            Outcome::Builds(derivation) => {
                let shell = index;
                return Ok(Verdict::Builds { shell, derivation });
            }
        }
    }
    Ok(Verdict::Proved(together(&proofs)))
}

fn task(shells: &Shells, shell: &Shell, as_carried: manifest::Shell, closure: &Closure) -> Task {
    let pins: &[_] = if shells.no_eval { &[] } else { &shells.pins };
    let store = &shells.nix.store;
    Task {
        store: store.clone(),
        paths: closure.paths.clone(),
        copied_sources: copied_sources(shell, closure),
        recipe: Recipe::new(as_carried, pins, &shells.project.entries, store),
        project: PathBuf::new(),
        no_eval: shells.no_eval,
    }
}

/// One proof of those of all shells: each check once, with the shells that it was made with.
fn together(proofs: &[(Option<&ShellName>, Proof)]) -> Proof {
    let mut checks: Vec<&String> = Vec::new();
    for check in proofs.iter().flat_map(|(_, proof)| &proof.checks) {
        if !checks.contains(&check) {
            checks.push(check);
        }
    }
    let line = |check: &String| {
        let made = proofs
            .iter()
            .filter(|(_, proof)| proof.checks.contains(check));
        let names: Vec<_> = made
            .filter_map(|(name, _)| Some(name.as_ref()?.as_str()))
            .collect();
        match names.len() {
            0 => check.clone(),
            _ => format!("{}: {check}", names.join(", ")),
        }
    };
    let (_, first) = &proofs[0];
    Proof {
        checks: checks.into_iter().map(line).collect(),
        ..first.clone()
    }
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
