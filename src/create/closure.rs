//! The second stage: what the shell needs is built, and its closure is listed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fs;
use std::path::Path;

use super::shell::Shell;
use crate::drift;
use crate::error::{Error, Result};
use crate::nix::command::{self, NixCommand};
use crate::nix::daemon::Connection;
use crate::nix::store_path::StorePath;
use crate::nix::{PathInfo, evaluate};
use crate::report::{Event, Phase, Report};

/// What the store path of the derivations' text is called.
const DERIVATIONS: &str = "shell-derivations";

/// Everything that must be carried, and a connection that keeps it from being collected.
#[must_use]
#[derive(Debug)]
pub(super) struct Closure {
    /// All store paths, references before referrers.
    pub(super) paths: Vec<PathInfo>,
    /// What entry needs directly: the inputs of the shell, the pins, the bash.
    pub(super) roots: Vec<StorePath>,
    /// The text of the shell's derivations, where it will be evaluated again.
    pub(super) derivations: Option<StorePath>,
    /// The interactive bash, if one is carried.
    pub(super) bash: Option<Bash>,
    /// The oldest Nix that the carried nixpkgs accepts, if it says.
    pub(super) minimum_nix_version: Option<String>,
    /// Holds every path by a temporary root for as long as it is packed.
    _temporary_roots: Connection,
}

/// The bash that nix-shell will start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bash {
    /// The executable.
    pub(super) program: String,
    /// Where it comes from.
    pub(super) origin: BashOrigin,
}

/// Where the carried bash comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BashOrigin {
    /// `bashInteractive` of the pinned nixpkgs, which nix-shell itself would choose.
    Nixpkgs,
    /// The derivation's own shell, which may lack line editing.
    Derivation,
}

/// Builds what the shell names of its inputs and lists the closure.
///
/// That is what nix-shell itself builds before it enters, and what `inputDerivation` refers
/// to where a shell has one; so one way serves all shells, also old and bare ones.
pub(super) fn collect(shell: &Shell, report: &Report) -> Result<Closure> {
    report.emit(Event::Phase(Phase::Build));
    let outputs = input_outputs(shell)?;
    let wanted: Vec<_> = inputs_as_wanted(shell);
    command::realise(&wanted, &shell.scratch.path().join("input"), report)?;
    report.ensure_not_interrupted()?;
    let bash = find_bash(shell, &outputs, report)?;

    report.emit(Event::Phase(Phase::Query));
    let mut connection = shell.nix.connect()?;
    let derivations = if shell.frozen {
        None
    } else {
        Some(derivations(shell, &mut connection)?)
    };
    let mut roots: BTreeSet<_> = outputs;
    roots.extend(derivations.clone());
    roots.extend(for_evaluation(shell)?);
    roots.extend(shell.derivation.input_sources.iter().cloned());
    roots.extend(
        bash.iter()
            .filter_map(|bash| shell.nix.store.containing(&bash.program))
            .map(|(path, _)| path),
    );
    let infos = connection.closure(roots.iter().cloned(), || {
        report.emit(Event::PathDone);
        report.ensure_not_interrupted()
    })?;
    Ok(Closure {
        paths: ordered(infos),
        roots: roots.into_iter().collect(),
        derivations,
        bash,
        minimum_nix_version: if shell.frozen {
            None
        } else {
            minimum_nix_version(shell)
        },
        _temporary_roots: connection,
    })
}

/// What nix-shell builds: the outputs that the derivation names, and its sources.
fn inputs_as_wanted(shell: &Shell) -> Vec<String> {
    let store = &shell.nix.store;
    let inputs = shell.derivation.input_derivations.iter();
    let mut wanted: Vec<_> = inputs
        .map(|(path, outputs)| command::outputs_of(store, path, outputs))
        .collect();
    wanted.extend(
        shell
            .derivation
            .input_sources
            .iter()
            .map(|source| store.print(source)),
    );
    wanted.extend(shell.pins.iter().map(|pin| store.print(&pin.store_path)));
    let read = shell.read_while_evaluating.iter();
    wanted.extend(read.map(|(path, outputs)| {
        if outputs.is_empty() {
            return store.print(path);
        }
        let outputs: Vec<_> = outputs.iter().cloned().collect();
        command::outputs_of(store, path, &outputs)
    }));
    wanted
}

fn input_outputs(shell: &Shell) -> Result<BTreeSet<StorePath>> {
    let mut paths = BTreeSet::new();
    for (input, names) in &shell.derivation.input_derivations {
        paths.extend(outputs(shell, input, names)?);
    }
    Ok(paths)
}

/// What evaluation takes. Where nobody evaluates, that of it which the shell's variables name
/// as text: `export NIX_PATH=nixpkgs=${toString pkgs.path}` in a `shellHook`.
fn for_evaluation(shell: &Shell) -> Result<BTreeSet<StorePath>> {
    let mut paths = read_while_evaluating(shell)?;
    paths.extend(shell.pins.iter().map(|pin| pin.store_path.clone()));
    if shell.frozen {
        let environment = &shell.derivation.environment;
        let is_named = |path: &StorePath| {
            let name = path.base_name();
            environment.values().any(|value| value.contains(name))
        };
        paths.retain(is_named);
    }
    Ok(paths)
}

/// What evaluation reads from the store besides pins: built for it, or named by it.
fn read_while_evaluating(shell: &Shell) -> Result<BTreeSet<StorePath>> {
    let mut paths = BTreeSet::new();
    for (path, names) in &shell.read_while_evaluating {
        if names.is_empty() {
            paths.insert(path.clone());
        } else {
            paths.extend(outputs(shell, path, names)?);
        }
    }
    Ok(paths)
}

fn outputs<'a>(
    shell: &Shell,
    derivation: &StorePath,
    names: impl IntoIterator<Item = &'a String>,
) -> Result<Vec<StorePath>> {
    let parsed = evaluate::read_derivation(&shell.nix, derivation)?;
    let path = |name: &String| {
        let path = parsed.outputs.get(name).cloned().flatten();
        path.ok_or_else(|| Error::Unsupported {
            path: shell.nix.store.print(derivation),
            reason: format!("where its output '{name}' lies is known only after it was built (content-addressed derivations)"),
        })
    };
    names.into_iter().map(path).collect()
}

/// Brings the text of all derivations that the shell is made of into the store, held by the
/// connection.
fn derivations(shell: &Shell, connection: &mut Connection) -> Result<StorePath> {
    let mut texts: BTreeMap<StorePath, Vec<u8>> = BTreeMap::new();
    let mut new = vec![shell.path.clone()];
    while let Some(path) = new.pop() {
        if texts.contains_key(&path) {
            continue;
        }
        let file = shell.nix.store.join(&path);
        let term = fs::read(&file).map_err(Error::io("read", &file))?;
        let derivation = evaluate::parse_derivation(&shell.nix, &path, &term)?;
        new.extend(derivation.input_derivations.into_keys());
        texts.insert(path, term);
    }
    let texts = texts.iter().map(|(path, term)| (path, term.as_slice()));
    let file = shell.scratch.path().join(DERIVATIONS);
    fs::write(&file, drift::text_of_derivations(texts)).map_err(Error::io("write", &file))?;
    loop {
        let printed = NixCommand::new("nix-store")
            .arg("--add")
            .arg(&file)
            .stdout_text()?;
        let path = shell.nix.store.parse_path(printed.trim());
        let path = path.map_err(|bad| Error::nix_output("nix-store", &bad.to_string()))?;
        connection.add_temp_root(&path)?;
        // Until now a collection may have taken it; from now on none will.
        if connection.path_info(&path)?.is_some() {
            return Ok(path);
        }
    }
}

/// Nix's own choice first; then what the derivation is built with. That none is found is
/// no failure: the target's bash is used then, and the user is told.
fn find_bash(
    shell: &Shell,
    outputs: &BTreeSet<StorePath>,
    report: &Report,
) -> Result<Option<Bash>> {
    for nixpkgs in nixpkgs_candidates(shell) {
        match build_bash_interactive(shell, &nixpkgs, report) {
            Ok(program) => {
                return Ok(Some(Bash {
                    program,
                    origin: BashOrigin::Nixpkgs,
                }));
            }
            Err(error) => {
                report.ensure_not_interrupted()?;
                report.emit(Event::Warning(&format!(
                    "could not build bashInteractive of {nixpkgs}: {error}"
                )));
            }
        }
    }
    Ok(own_bash(shell, outputs))
}

/// The shell that the derivation itself is built with.
fn own_bash(shell: &Shell, outputs: &BTreeSet<StorePath>) -> Option<Bash> {
    let environment = shell.derivation.environment.get("shell");
    let program = environment.unwrap_or(&shell.derivation.builder);
    let (path, _) = shell.nix.store.containing(program)?;
    let is_bash = program.ends_with("/bash") || program.ends_with("/sh");
    let is_carried = outputs.contains(&path) && Path::new(program).is_file();
    (is_bash && is_carried).then(|| Bash {
        program: program.clone(),
        origin: BashOrigin::Derivation,
    })
}

/// `<nixpkgs>` if it was looked up, then every pin that looks like nixpkgs.
fn nixpkgs_candidates(shell: &Shell) -> impl Iterator<Item = String> + '_ {
    let looked_up = shell
        .surroundings
        .search_path
        .iter()
        .filter(|entry| entry.name == "nixpkgs")
        .map(|entry| entry.path.clone());
    let pinned = shell
        .pins
        .iter()
        .map(|pin| shell.nix.store.print(&pin.store_path));
    looked_up
        .chain(pinned)
        .filter(|dir| Path::new(dir).join("lib/minver.nix").is_file())
}

fn build_bash_interactive(shell: &Shell, nixpkgs: &str, report: &Report) -> Result<String> {
    // Nobody's own configuration: whoever packs the shell, it is the same bash.
    let expression = format!(
        "(import (/. + {}) {{ config = {{ }}; overlays = [ ]; }}).bashInteractive",
        evaluate::quote(nixpkgs)
    );
    let scratch = shell.scratch.path();
    let link = NixCommand::new("nix-instantiate")
        .args(["-E", &expression, "--indirect", "--add-root"])
        .arg(scratch.join("bash-derivation"))
        .stdout_text()?;
    let link = link.trim().split('!').next().unwrap_or_default();
    let derivation = fs::read_link(link).map_err(Error::io("read the symlink", link))?;
    let wanted = format!("{}!out", derivation.display());
    command::realise(&[wanted], &scratch.join("bash"), report)?;
    let out = fs::read_link(scratch.join("bash"))
        .map_err(Error::io("read the symlink", scratch.join("bash")))?;
    let program = out.join("bin/bash");
    fs::metadata(&program).map_err(Error::io("find", &program))?;
    Ok(program.to_string_lossy().into_owned())
}

/// What nixpkgs itself checks: its `lib/minver.nix` is a string literal.
fn minimum_nix_version(shell: &Shell) -> Option<String> {
    nixpkgs_candidates(shell).find_map(|dir| {
        let text = fs::read_to_string(Path::new(&dir).join("lib/minver.nix")).ok()?;
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with('"'))?;
        line.split('"').nth(1).map(str::to_owned)
    })
}

/// References before referrers. Among paths that could come next, the order is by name, so
/// that alike paths (versions, outputs of one package) are neighbours and compress better.
fn ordered(mut infos: BTreeMap<StorePath, PathInfo>) -> Vec<PathInfo> {
    let mut waiting: BTreeMap<StorePath, usize> = BTreeMap::new();
    let mut referrers: BTreeMap<StorePath, Vec<StorePath>> = BTreeMap::new();
    let mut ready = BinaryHeap::new();
    let key = |path: &StorePath| Reverse((path.name().to_owned(), path.clone()));
    for (path, info) in &infos {
        let others = info
            .references
            .iter()
            .filter(|reference| *reference != path);
        let count = others
            .map(|reference| {
                referrers
                    .entry(reference.clone())
                    .or_default()
                    .push(path.clone());
            })
            .count();
        waiting.insert(path.clone(), count);
        if count == 0 {
            ready.push(key(path));
        }
    }
    let mut order = Vec::with_capacity(infos.len());
    while let Some(Reverse((_, path))) = ready.pop() {
        for referrer in referrers.remove(&path).unwrap_or_default() {
            if let Some(count) = waiting.get_mut(&referrer) {
                *count -= 1;
                if *count == 0 {
                    ready.push(key(&referrer));
                }
            }
        }
        order.extend(infos.remove(&path));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nix::hash::Digest;

    fn path(hash: char, name: &str) -> StorePath {
        StorePath::from_base_name(&format!("{}-{name}", hash.to_string().repeat(32))).unwrap()
    }

    fn info(path: &StorePath, references: &[&StorePath]) -> (StorePath, PathInfo) {
        let info = PathInfo {
            path: path.clone(),
            nar_hash: Digest::of(b""),
            nar_size: 0,
            references: references.iter().map(|&path| path.clone()).collect(),
            deriver: None,
            ca: None,
            signatures: vec![],
        };
        (path.clone(), info)
    }

    #[test]
    fn references_come_first_and_names_break_ties() {
        let (glibc, gcc, gcc_lib, app) = (
            path('z', "glibc"),
            path('a', "gcc-12"),
            path('y', "gcc-12-lib"),
            path('0', "app"),
        );
        let infos = [
            info(&app, &[&glibc, &app, &gcc_lib]),
            info(&gcc, &[]),
            info(&gcc_lib, &[&glibc]),
            info(&glibc, &[&glibc]),
        ];
        let order: Vec<_> = ordered(infos.into_iter().collect())
            .into_iter()
            .map(|info| info.path)
            .collect();
        assert_eq!(order, [gcc, glibc, gcc_lib, app]);
    }
}
