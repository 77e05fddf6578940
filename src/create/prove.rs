//! The fourth stage: rehearses the plan in a room with no network, before anything is written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Options;
use super::closure::{self, BashOrigin, Unseen};
use super::hook_files;
use super::plan::Plan;
use super::shell::{Shell, Shells};
use super::update::Update;
use crate::entry::recipe::Recipe;
use crate::error::{Error, Result};
use crate::nix::evaluate;
use crate::rehearse::{self, Outcome, Task};
use crate::report::{Event, Phase, Report};
use crate::room::Room;
use shellpack_format::bundle::manifest::{self, Manifest, Proof, ShellName};
use shellpack_format::bundle::member::Member;
use shellpack_format::store::hash::Digest;
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::StorePath;

/// A plan with its proof: exactly the bundle that will be written. Without a rehearsal, the proof
/// says so.
#[must_use]
#[derive(Debug)]
pub(super) struct Proved {
    plan: Plan,
    /// The manifest's exact bytes.
    manifest_bytes: Vec<u8>,
}

impl Proved {
    fn new(plan: Plan, proof: Proof) -> Result<Self> {
        Self::of(plan.with_proof(proof))
    }

    fn of(plan: Plan) -> Result<Self> {
        let manifest_bytes = plan.manifest().to_bytes().map_err(Error::Manifest)?;
        // No bundle is written that a reader would refuse.
        Manifest::parse(&manifest_bytes).map_err(Error::Manifest)?;
        Ok(Self {
            plan,
            manifest_bytes,
        })
    }

    /// This with signatures for its paths, which change nothing that was proved.
    pub(super) fn with_path_signatures(
        self,
        of: impl Fn(&PathInfo) -> Vec<String>,
    ) -> Result<Self> {
        Self::of(self.plan.with_path_signatures(of))
    }

    /// This as an update, if it is to be one. That changes nothing that was proved.
    pub(super) fn with_update(self, update: Option<Update>) -> Result<Self> {
        match update {
            Some(update) => Self::of(self.plan.with_update(update)),
            None => Ok(self),
        }
    }

    /// The plan.
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The manifest.
    pub(super) fn manifest(&self) -> &Manifest {
        self.plan.manifest()
    }

    /// Its exact bytes.
    pub(super) fn manifest_bytes(&self) -> &[u8] {
        &self.manifest_bytes
    }

    /// The digest that identifies the bundle.
    pub(super) fn manifest_digest(&self) -> Digest {
        Digest::of(&self.manifest_bytes)
    }

    /// The project's root on this machine.
    pub(super) fn project_root(&self) -> &Path {
        self.plan.project_root()
    }

    /// The origin of the bash that is carried for each shell.
    pub(super) fn bash_origins(&self) -> impl Iterator<Item = Option<BashOrigin>> {
        self.plan.bash_origins()
    }

    /// Why each shell cannot be entered without evaluation; `None` if it can.
    pub(super) fn obstacles(&self) -> impl Iterator<Item = Option<&str>> {
        self.plan.obstacles()
    }

    /// The size of the bundle in bytes, if its closure shrinks by this ratio.
    pub(super) fn size_at(&self, ratio: u64) -> u64 {
        let manifest = self.manifest();
        let files = manifest.project.files.iter();
        let files: u64 = files.map(|file| Member::project(file).extent()).sum();
        let first = Member::manifest(self.manifest_bytes.len() as u64).extent();
        if manifest.delta.is_some() {
            // Nothing can be said of how much it shrinks.
            return first + files;
        }
        first + files + manifest.closure.nar_bytes() / ratio
    }
}

/// Fails if this machine cannot rehearse. Checked first, because building may take minutes.
pub(super) fn ensure_rehearsal_is_possible(options: &Options) -> Result<()> {
    if options.rehearsal {
        Room::ensure_possible()
    } else {
        Ok(())
    }
}

/// Rehearses the plan, unless the user declined. What the hooks read is added first. If the rehearsal
/// finds import from derivation, its outputs are added and the closure is collected and planned again,
/// until nothing is missing.
pub(super) fn prove(
    plan: Plan,
    shells: &mut Shells,
    options: &Options,
    report: &Report,
) -> Result<Proved> {
    if !options.rehearsal {
        return Proved::new(plan, Proof::unproved());
    }
    report.emit(Event::Phase(Phase::Rehearse));
    let mut plan = hook_files::carry(plan, shells, report)?;
    let changed = shells.project.changed_name(&shells.name);
    if let Some(name) = &changed
        && hook_files::depend_on_name(&plan, shells, report)?
    {
        plan = plan.with_directory(shells, name)?;
        tell_of_name(name, report);
    }
    let mut unseen = Unseen::default();
    loop {
        let verdict;
        (plan, verdict) = rehearse_by_name(plan, shells, report)?;
        match verdict {
            Verdict::Passed(proof) => return Proved::new(plan, proof),
            Verdict::Builds { shell, derivation } => {
                add_outputs(&mut unseen, shells, shell, derivation, report)?;
                plan = Plan::new(shells, closure::build_with(shells, &unseen, report)?)?;
                report.emit(Event::Phase(Phase::Rehearse));
            }
        }
    }
}

/// Rehearses all shells. If one is another shell because the project's directory has another name,
/// the directory keeps its own.
fn rehearse_by_name(plan: Plan, shells: &mut Shells, report: &Report) -> Result<(Plan, Verdict)> {
    let failure = match rehearse_all(&plan, shells, report) {
        Ok(verdict) => return Ok((plan, verdict)),
        Err(failure) => failure,
    };
    let is_evaluated = !shells.no_eval && !shells.project.is_flake();
    let changed = shells.project.changed_name(&shells.name);
    let changed =
        changed.filter(|_| is_evaluated && matches!(failure, Error::RehearsalFailed { .. }));
    let Some(name) = changed else {
        return Err(failure);
    };
    let plan = plan.with_directory(shells, &name)?;
    match rehearse_all(&plan, shells, report) {
        Ok(verdict) => {
            tell_of_name(&name, report);
            Ok((plan, verdict))
        }
        Err(Error::Interrupted) => Err(Error::Interrupted),
        Err(_) => Err(failure),
    }
}

fn tell_of_name(name: &str, report: &Report) {
    report.emit(Event::Note(&format!(
        "the shell depends on the name of the project's directory, {name}, which it keeps on the target"
    )));
}

/// The result of rehearsing all shells.
enum Verdict {
    Passed(Proof),
    /// The shell with this index also needs the outputs of this derivation.
    Builds {
        shell: usize,
        derivation: StorePath,
    },
}

/// Adds the outputs of import from derivation that the recording missed.
fn add_outputs(
    unseen: &mut Unseen,
    shells: &Shells,
    shell: usize,
    derivation: StorePath,
    report: &Report,
) -> Result<()> {
    let Ok(parsed) = evaluate::read_derivation(&shells.nix, &derivation) else {
        return Err(rehearse::builds_all_the_same(&derivation));
    };
    let outputs = parsed.outputs.into_keys().collect::<BTreeSet<_>>();
    if !unseen.add(shells, shell, derivation.clone(), outputs) {
        return Err(rehearse::builds_all_the_same(&derivation));
    }
    let name = derivation.name().trim_end_matches(".drv");
    report.emit(Event::Note(&format!(
        "evaluation builds {name} and reads it: its outputs are added, and the rehearsal starts again"
    )));
    Ok(())
}

/// Rehearses every shell by itself, with all paths of the bundle.
fn rehearse_all(plan: &Plan, shells: &Shells, report: &Report) -> Result<Verdict> {
    let manifest = plan.manifest();
    let mut proofs = Vec::with_capacity(shells.all.len());
    for (index, (shell, planned)) in shells.all.iter().zip(&manifest.shells).enumerate() {
        let task = task(plan, shell, planned, shells.no_eval);
        match rehearse::carried(
            &shells.nix,
            task,
            &manifest.name,
            &manifest.project,
            plan.project_root(),
            report,
        )? {
            Outcome::Proved(proof) => proofs.push((shell.name.as_ref(), proof)),
            Outcome::Builds(derivation) => {
                return Ok(Verdict::Builds {
                    shell: index,
                    derivation,
                });
            }
        }
    }
    Ok(Verdict::Passed(combined(&proofs)))
}

fn task(plan: &Plan, shell: &Shell, planned: &manifest::Shell, no_eval: bool) -> Task {
    let manifest = plan.manifest();
    Task {
        store: manifest.closure.store.clone(),
        paths: plan.paths().to_vec(),
        copied_sources: copied_sources(shell, plan),
        recipe: Recipe::of(manifest, planned),
        project: PathBuf::new(),
        project_here: plan.project_root().to_owned(),
        machine_variables: shell.machine_variables.clone(),
        compared_variables: shell.compared_variables.clone(),
        no_eval,
        carried_nix: manifest.tools.nix.clone().filter(|_| !no_eval),
    }
}

/// Combines the proofs of all shells: each check once, with the shells that it is about.
fn combined(proofs: &[(Option<&ShellName>, Proof)]) -> Proof {
    let (_, first) = &proofs[0];
    let all = proofs.iter().map(|(_, proof)| proof.result);
    Proof {
        result: all.max().unwrap_or(first.result),
        checks: lines(proofs, |proof| &proof.checks),
        not_tried: lines(proofs, |proof| &proof.not_tried),
        nix_version: first.nix_version.clone(),
    }
}

fn lines(
    proofs: &[(Option<&ShellName>, Proof)],
    of: impl Fn(&Proof) -> &Vec<String>,
) -> Vec<String> {
    let mut all: Vec<&String> = Vec::new();
    for line in proofs.iter().flat_map(|(_, proof)| of(proof)) {
        if !all.contains(&line) {
            all.push(line);
        }
    }
    let named = |line: &String| {
        let about = proofs.iter().filter(|(_, proof)| of(proof).contains(line));
        let names: Vec<_> = about
            .filter_map(|(name, _)| Some(name.as_ref()?.as_str()))
            .collect();
        match names.len() {
            0 => line.clone(),
            _ => format!("{}: {line}", names.join(", ")),
        }
    };
    all.into_iter().map(named).collect()
}

/// The sources of the derivation that are copies of files. The others are texts, which may contain
/// the location of the project and so differ elsewhere.
fn copied_sources(shell: &Shell, plan: &Plan) -> Vec<StorePath> {
    let is_copy = |ca: &Option<String>| ca.as_deref().is_some_and(|ca| ca.starts_with("fixed:"));
    let copies = plan
        .paths()
        .iter()
        .filter(|info| is_copy(&info.ca))
        .map(|info| &info.path);
    copies
        .filter(|path| shell.derivation.input_sources.contains(path))
        .cloned()
        .collect()
}
