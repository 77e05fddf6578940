//! The second stage: builds the inputs of the shells, and lists their closure.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::shell::{Reads, Shell, Shells};
use crate::error::{Error, Result};
use crate::nix::command;
use crate::nix::daemon::Connection;
use crate::nix::required::Required;
use crate::nix::{Nix, evaluate};
use crate::report::{Event, Phase, Report};
use shellpack_format::bundle::derivations;
use shellpack_format::bundle::manifest::Tools;
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::StorePath;

mod bash;
mod named;
mod order;
mod package_set;
mod reserved;
mod tools;
mod unseen;

use bash::BashFinder;
use order::ordered;
use package_set::required_of_nix;
pub(super) use unseen::Unseen;

/// The name of the store path that holds the text of the derivations.
const DERIVATIONS: &str = "shell-derivations";

/// The paths that must be carried, and a connection that protects it from the garbage collector.
#[must_use]
#[derive(Debug)]
pub(super) struct Closure {
    /// All store paths, references before referrers.
    pub(super) paths: Vec<PathInfo>,
    /// The part of each shell, in the order of the shells.
    pub(super) portions: Vec<Portion>,
    /// The text of all shells' derivations, unless the bundle is for entry without evaluation.
    pub(super) derivations: Option<StorePath>,
    /// Programs for machines that lack them.
    pub(super) tools: Tools,
    /// Holds every path by a temporary root while it is packed.
    _temporary_roots: Connection,
}

/// The part of the closure that a shell needs.
#[derive(Debug)]
pub(super) struct Portion {
    /// The paths that entry needs directly: the inputs of the shell, the pins, the bash.
    pub(super) roots: Vec<StorePath>,
    /// The interactive bash, if one is carried.
    pub(super) bash: Option<Bash>,
    /// The requirements of the carried nixpkgs on Nix.
    pub(super) required_of_nix: Required,
}

/// The bash that nix-shell will start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bash {
    /// The executable.
    pub(super) program: String,
    /// Its origin.
    pub(super) origin: BashOrigin,
}

/// The origin of the carried bash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BashOrigin {
    /// `bashInteractive` of the pinned nixpkgs, which nix-shell itself would choose.
    Nixpkgs,
    /// The derivation's own shell, which may lack line editing.
    Derivation,
}

/// Builds the inputs of the shells and lists their closure.
pub(super) fn build(shells: &Shells, report: &Report) -> Result<Closure> {
    build_with(shells, &Unseen::default(), report)
}

/// Builds the inputs that the shells name, and lists the closure.
///
/// nix-shell builds these inputs before it enters, and `inputDerivation` refers to them if a shell
/// has one. So one way serves all shells, old and bare ones, too.
pub(super) fn build_with(shells: &Shells, unseen: &Unseen, report: &Report) -> Result<Closure> {
    report.emit(Event::Phase(Phase::Build));
    let nix = &shells.nix;
    let outputs: Vec<_> = shells
        .all
        .iter()
        .map(|shell| input_outputs(shell, nix))
        .collect::<Result<_>>()?;
    let reads: Vec<_> = unseen.reads_of_all(shells).collect();
    let wanted = paths_to_build(shells, &reads);
    command::realise(nix, &wanted, &shells.scratch.path().join("input"), report)?;
    report.ensure_not_interrupted()?;
    let mut finder = BashFinder::new(nix, report);
    let both = shells.all.iter().zip(&outputs);
    let bashes: Vec<_> = both
        .map(|(shell, outputs)| finder.find(shell, outputs))
        .collect::<Result<_>>()?;
    let mut connection = nix.connect()?;
    let tools = tools::carry(shells, &mut connection, report)?;

    report.emit(Event::Phase(Phase::Query));
    let derivations = if shells.no_eval {
        None
    } else {
        Some(derivations(shells, &mut connection)?)
    };
    let linked = linked(shells, &mut connection)?;
    let mut portions = Vec::with_capacity(shells.all.len());
    for (index, (mut roots, bash)) in outputs.into_iter().zip(bashes).enumerate() {
        let shell = &shells.all[index];
        roots.extend(derivations.clone());
        roots.extend(linked.iter().cloned());
        roots.extend(tools::roots(&tools, shells));
        roots.extend(evaluation_paths(shell, &reads[index], shells)?);
        named::add(&mut roots, shell, nix, &mut connection, report)?;
        portions.push(portion(shell, shells, roots, bash));
    }
    let roots: BTreeSet<_> = portions.iter().flat_map(|portion| &portion.roots).collect();
    let infos = connection.closure(roots.into_iter().cloned(), || {
        report.emit(Event::PathDone);
        report.ensure_not_interrupted()
    })?;
    reserved::ensure_none(infos.values(), &shells.nix.store)?;
    Ok(Closure {
        paths: ordered(infos),
        portions,
        derivations,
        tools,
        _temporary_roots: connection,
    })
}

/// The store paths that carried links of the project lead to, as far as they are valid.
fn linked(shells: &Shells, connection: &mut Connection) -> Result<Vec<StorePath>> {
    let links = shells.project.linked_in_store.iter();
    let paths: BTreeSet<_> = links
        .filter_map(|place| Some(shells.nix.store.containing(place.to_str()?)?.0))
        .collect();
    connection.valid_paths(&paths.into_iter().collect::<Vec<_>>())
}

/// `roots` already contains the outputs of the shell's inputs and the paths that evaluation needs.
fn portion(
    shell: &Shell,
    shells: &Shells,
    mut roots: BTreeSet<StorePath>,
    bash: Option<Bash>,
) -> Portion {
    let nix = &shells.nix;
    roots.extend(shell.derivation.input_sources.iter().cloned());
    let program = bash.as_ref().map(|bash| bash.program.as_str());
    roots.extend(program.and_then(|program| Some(nix.store.containing(program)?.0)));
    let required_of_nix = if shells.no_eval {
        Required::default()
    } else {
        required_of_nix(shell, nix)
    };
    Portion {
        roots: roots.into_iter().collect(),
        bash,
        required_of_nix,
    }
}

/// The paths that nix-shell builds, in the form that `nix-store --realise` accepts: outputs of
/// input derivations, and sources.
fn paths_to_build(shells: &Shells, reads: &[Reads]) -> Vec<String> {
    let store = &shells.nix.store;
    let mut wanted = Vec::new();
    for (shell, reads) in shells.all.iter().zip(reads) {
        let inputs = shell.derivation.input_derivations.iter();
        wanted.extend(inputs.map(|(path, outputs)| command::outputs_of(store, path, outputs)));
        let sources = shell.derivation.input_sources.iter();
        wanted.extend(sources.map(|source| store.print(source)));
        wanted.extend(shell.pins.iter().map(|pin| store.print(&pin.store_path)));
        wanted.extend(reads.iter().map(|(path, outputs)| {
            if outputs.is_empty() {
                return store.print(path);
            }
            let outputs: Vec<_> = outputs.iter().cloned().collect();
            command::outputs_of(store, path, &outputs)
        }));
    }
    let mut known = BTreeSet::new();
    wanted.retain(|one| known.insert(one.clone()));
    wanted
}

fn input_outputs(shell: &Shell, nix: &Nix) -> Result<BTreeSet<StorePath>> {
    let mut paths = BTreeSet::new();
    for (input, names) in &shell.derivation.input_derivations {
        paths.extend(outputs(nix, input, names)?);
    }
    Ok(paths)
}

/// The paths that evaluation needs.
fn evaluation_paths(shell: &Shell, reads: &Reads, shells: &Shells) -> Result<BTreeSet<StorePath>> {
    if shells.no_eval {
        return Ok(BTreeSet::new());
    }
    let mut paths = read_while_evaluating(reads, &shells.nix)?;
    paths.extend(shell.pins.iter().map(|pin| pin.store_path.clone()));
    Ok(paths)
}

/// The paths that evaluation reads besides pins: built for it, or named by it.
fn read_while_evaluating(reads: &Reads, nix: &Nix) -> Result<BTreeSet<StorePath>> {
    let mut paths = BTreeSet::new();
    for (path, names) in reads {
        if names.is_empty() {
            paths.insert(path.clone());
        } else {
            paths.extend(outputs(nix, path, names)?);
        }
    }
    Ok(paths)
}

fn outputs<'a>(
    nix: &Nix,
    derivation: &StorePath,
    names: impl IntoIterator<Item = &'a String>,
) -> Result<Vec<StorePath>> {
    let parsed = evaluate::read_derivation(nix, derivation)?;
    let path = |name: &String| {
        let path = parsed.outputs.get(name).cloned().flatten();
        path.ok_or_else(|| Error::Unsupported {
            path: nix.store.print(derivation),
            reason: format!("the path of its output '{name}' is known only after a build (content-addressed derivations)"),
        })
    };
    names.into_iter().map(path).collect()
}

/// Adds the text of all derivations that the shells consist of to the store, held by the
/// connection. It is one path, because shells share most of their derivations.
fn derivations(shells: &Shells, connection: &mut Connection) -> Result<StorePath> {
    let mut texts: BTreeMap<StorePath, Vec<u8>> = BTreeMap::new();
    let nix = &shells.nix;
    let mut new: Vec<_> = shells.all.iter().map(|shell| shell.path.clone()).collect();
    while let Some(path) = new.pop() {
        if texts.contains_key(&path) {
            continue;
        }
        let file = nix.store.join(&path);
        let term = fs::read(&file).map_err(Error::io("read", &file))?;
        let derivation = evaluate::parse_derivation(nix, &path, &term)?;
        new.extend(derivation.input_derivations.into_keys());
        texts.insert(path, term);
    }
    let texts = texts.iter().map(|(path, term)| (path, term.as_slice()));
    let file = shells.scratch.path().join(DERIVATIONS);
    fs::write(&file, derivations::text(texts)).map_err(Error::io("write", &file))?;
    added(nix, &file, connection)
}

/// Adds a file to the store, held by the connection.
fn added(nix: &Nix, file: &Path, connection: &mut Connection) -> Result<StorePath> {
    loop {
        let path = nix.add_file(file)?;
        connection.add_temp_root(&path)?;
        // The path may have been collected before it was held; from now on it cannot be.
        if connection.path_info(&path)?.is_some() {
            return Ok(path);
        }
    }
}
