//! The third stage: the plan. It is the whole manifest, and with it the place of every byte, before
//! a byte is written. Planning never touches the disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::closure::{BashOrigin, Closure, Portion};
use super::shell::{Shell, Shells};
use super::update::Update;
use super::wanted::WantedScript;
use crate::bases::Bases;
use crate::entry::as_packed::attributes;
use crate::error::{Error, NoShell, Result};
use crate::nix::expression::utf8;
use crate::report::Report;
use shellpack_format::bundle::manifest::{
    self, Answers, Manifest, NEEDS_ANSWERS, NEEDS_DELTA, NEEDS_FLAKE, NEEDS_NO_EVAL, NEEDS_REPLAY,
    Pin, ProjectDirectory, Proof, RelativePath, SearchPathEntry,
};
use shellpack_format::bundle::{BadBundle, FORMAT};
use shellpack_format::store::path_info::PathInfo;

mod closure;
mod segments;

use closure::manifest_closure;

/// A whole bundle before a byte of it is written. It is rehearsed first, and then packed.
#[must_use]
#[derive(Debug)]
pub(super) struct Plan {
    manifest: Manifest,
    /// The project's root on this machine.
    project_root: PathBuf,
    /// Also protects the paths from the garbage collector.
    closure: Closure,
    /// Why a shell cannot be entered without evaluation, in the order of the shells.
    obstacles: Vec<Option<String>>,
    /// The parts of an update, if it is one.
    update: Option<Update>,
}

impl Plan {
    /// Plans the bundle of these shells. Its proof says that nothing is proved yet.
    pub(super) fn new(shells: &Shells, closure: Closure) -> Result<Self> {
        let pins = if shells.no_eval {
            Vec::new()
        } else {
            shells.pins.clone()
        };
        let answers = shells.answers.of(&shells.project);
        let answers = answers.filter(|_| !shells.no_eval);
        let (planned, obstacles) = manifest_shells(shells, &closure)?;
        let manifest = Manifest {
            format: FORMAT,
            needs: needs(shells, &pins, answers.as_ref()),
            name: shells.name.clone(),
            writer: concat!("shellpack ", env!("CARGO_PKG_VERSION")).to_owned(),
            proof: Proof::unproved(),
            shells: planned,
            pins,
            answers,
            tools: closure.tools.clone(),
            delta: None,
            project: shells.project.entries.clone(),
            closure: manifest_closure(&closure.paths, &shells.nix.store),
        };
        Ok(Self {
            manifest,
            project_root: shells.project.root.clone(),
            closure,
            obstacles,
            update: None,
        })
    }

    /// The manifest as it will be written, except for the proof.
    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The project's root on this machine.
    pub(super) fn project_root(&self) -> &Path {
        &self.project_root
    }

    /// The store paths to pack, with the information that the store has about them.
    pub(super) fn paths(&self) -> &[PathInfo] {
        &self.closure.paths
    }

    /// The origin of the bash that is carried for each shell.
    pub(super) fn bash_origins(&self) -> impl Iterator<Item = Option<BashOrigin>> {
        let portions = self.closure.portions.iter();
        portions.map(|portion| portion.bash.as_ref().map(|bash| bash.origin))
    }

    /// Why each shell cannot be entered without evaluation; `None` if it can.
    pub(super) fn obstacles(&self) -> impl Iterator<Item = Option<&str>> {
        self.obstacles.iter().map(Option::as_deref)
    }

    /// The plan with these files in the shells' project, which is below `top`.
    pub(super) fn with_files(
        self,
        shells: &mut Shells,
        files: &BTreeSet<PathBuf>,
        top: &Path,
        are_read_by_hook: bool,
    ) -> Result<Self> {
        if files.is_empty() {
            return Ok(self);
        }
        shells.project = shells.project.with_files(files, top, are_read_by_hook)?;
        Self::new(shells, self.closure)
    }

    /// The plan in which the project's directory has this name on the target.
    pub(super) fn with_directory(self, shells: &mut Shells, name: &str) -> Result<Self> {
        shells.project.entries.directory = Some(name.to_owned());
        Self::new(shells, self.closure)
    }

    /// The plan with signatures for its paths.
    pub(super) fn with_path_signatures(mut self, of: impl Fn(&PathInfo) -> Vec<String>) -> Self {
        let planned = &mut self.manifest.closure.paths;
        for (info, planned) in self.closure.paths.iter_mut().zip(planned) {
            info.signatures.extend(of(info));
            info.signatures.sort_unstable();
            planned.signatures.clone_from(&info.signatures);
        }
        self
    }

    /// The plan as an update. The manifest still lists the whole closure.
    pub(super) fn with_update(mut self, update: Update) -> Self {
        let closure = &mut self.manifest.closure;
        closure.segments.clone_from(&update.segments);
        for (path, &presumed) in closure.paths.iter_mut().zip(&update.presumed) {
            (path.presumed, path.segment, path.offset) = (presumed, None, None);
        }
        let layout = self.manifest.layout();
        for (index, path) in self.manifest.closure.paths.iter_mut().enumerate() {
            if !path.presumed {
                let (segment, offset) = layout.place(index);
                path.segment = Some(u32::try_from(segment).unwrap_or(u32::MAX));
                path.offset = Some(offset);
            }
        }
        self.manifest.needs.push(NEEDS_DELTA.to_owned());
        self.manifest.delta = Some(update.delta.clone());
        self.update = Some(update);
        self
    }

    /// The bases of an update, to compress with.
    pub(super) fn bases<'a>(&'a self, report: &'a Report) -> Option<Bases<'a>> {
        let update = self.update.as_ref()?;
        let delta = self.manifest.delta.as_ref()?;
        Some(update.bases((&self.manifest, delta), report))
    }

    /// The plan with this proof.
    pub(super) fn with_proof(mut self, proof: Proof) -> Self {
        self.manifest.proof = proof;
        self
    }
}

fn needs(shells: &Shells, pins: &[Pin], answers: Option<&Answers>) -> Vec<String> {
    let is_replayed = pins.iter().any(|pin| pin.arguments.is_some());
    let is_flake = shells.all.iter().any(|shell| shell.flake.is_some());
    let needs = [
        (shells.no_eval, NEEDS_NO_EVAL),
        (is_replayed, NEEDS_REPLAY),
        (answers.is_some(), NEEDS_ANSWERS),
        (is_flake && !shells.no_eval, NEEDS_FLAKE),
    ];
    let needs = needs.iter().filter(|(is_needed, _)| *is_needed);
    needs.map(|(_, need)| (*need).to_owned()).collect()
}

/// The shells in the form of the manifest, and why each cannot be entered without evaluation.
fn manifest_shells(
    shells: &Shells,
    closure: &Closure,
) -> Result<(Vec<manifest::Shell>, Vec<Option<String>>)> {
    let mut planned = Vec::with_capacity(shells.all.len());
    let mut obstacles = Vec::with_capacity(shells.all.len());
    for (shell, portion) in shells.all.iter().zip(&closure.portions) {
        let (attributes, obstacle) = attributes_of(shells, shell, closure)?;
        let shell = manifest_shell(shells, shell, (closure, portion))?;
        planned.push(manifest::Shell {
            structured_attributes: attributes,
            ..shell
        });
        obstacles.push(obstacle);
    }
    Ok((planned, obstacles))
}

/// The structured attributes of a shell, or the reason why they cannot be made before it is entered. A
/// bundle for entry without evaluation needs them.
fn attributes_of(
    shells: &Shells,
    shell: &Shell,
    closure: &Closure,
) -> Result<(Option<String>, Option<String>)> {
    let nix = &shells.nix;
    match attributes::prepared(&shell.derivation, &closure.paths, &nix.store, &nix.version) {
        Ok(attributes) => Ok((attributes, None)),
        Err(reason) if shells.no_eval => Err(NoShell::NeedsEvaluation {
            path: nix.store.print(&shell.path),
            reason,
        }
        .into()),
        Err(reason) => Ok((None, Some(reason))),
    }
}

fn manifest_shell(
    shells: &Shells,
    shell: &Shell,
    (closure, portion): (&Closure, &Portion),
) -> Result<manifest::Shell> {
    let (nix, root) = (&shells.nix, &shells.project.root);
    let file = relative(&shell.file, root)?;
    let entry = |frozen: &crate::nix::search_path::Frozen| SearchPathEntry {
        name: frozen.name.clone(),
        path: frozen.path.clone(),
    };
    let no_eval = shells.no_eval;
    let surroundings = for_evaluation(&shell.surroundings, no_eval);
    let config = surroundings.nixpkgs_config.as_ref();
    let derivations = closure.derivations.as_ref();
    Ok(manifest::Shell {
        name: shell.name.clone(),
        file,
        directory: directory(shells, shell)?,
        attribute: shell.selection.attribute.clone(),
        arguments: shell.selection.arguments.clone(),
        script: script(shell, root)?,
        derivation: shell.path.clone(),
        system: shell.derivation.system.clone(),
        nix_version: nix.version.clone(),
        minimum_nix_version: portion.required_of_nix.version.clone(),
        required_nix_features: portion.required_of_nix.features.clone(),
        bash: portion.bash.as_ref().map(|bash| bash.program.clone()),
        nix_path: surroundings.search_path.iter().map(entry).collect(),
        nixpkgs_config: config.map(|file| file.path.clone()),
        takes_user_config: surroundings.takes_user_config,
        fetching_files: for_evaluation(&shell.fetching_files, no_eval),
        evaluation_variables: for_evaluation(&shell.evaluation_variables, no_eval),
        evaluation_settings: for_evaluation(&shell.selection.settings, no_eval),
        variables_read: shell.variables_read.iter().cloned().collect(),
        derivations: derivations.map(|path| nix.store.print(path)),
        roots: portion.roots.clone(),
        structured_attributes: None,
        flake: for_evaluation(&shell.flake, no_eval),
        environment: shell.derivation.environment.clone(),
    })
}

/// A value that only evaluation needs: nothing, where nothing is evaluated.
fn for_evaluation<T: Clone + Default>(value: &T, no_eval: bool) -> T {
    if no_eval { T::default() } else { value.clone() }
}

fn script(shell: &Shell, root: &Path) -> Result<Option<manifest::Script>> {
    let Some(WantedScript { file, lines }) = &shell.script else {
        return Ok(None);
    };
    Ok(Some(manifest::Script {
        file: relative(file, root)?,
        interpreter: lines.interpreter.clone(),
        command: lines.command.clone(),
        pure: lines.pure,
        keep: lines.keep.clone(),
    }))
}

fn relative(file: &Path, root: &Path) -> Result<RelativePath> {
    let below = file.strip_prefix(root).unwrap_or(file);
    RelativePath::parse(&below.to_string_lossy())
        .map_err(|reason| Error::Manifest(BadBundle::Manifest(reason)))
}

/// The directory to enter, if it is not that of the shell file.
fn directory(shells: &Shells, shell: &Shell) -> Result<Option<ProjectDirectory>> {
    let entered = shells.project.entered.as_deref();
    let Some(entered) = entered.filter(|dir| Some(*dir) != shell.file.parent()) else {
        return Ok(None);
    };
    let below = entered
        .strip_prefix(&shells.project.root)
        .unwrap_or(entered);
    let text = match utf8(below)? {
        "" => ".",
        text => text,
    };
    let directory = ProjectDirectory::parse(text)
        .map_err(|reason| Error::Manifest(BadBundle::Manifest(reason)))?;
    Ok(Some(directory))
}
