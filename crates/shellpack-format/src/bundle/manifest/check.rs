//! The rules for a manifest beyond the types of its fields (`bundle-format.md`,
//! section 4.3).

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{
    Closure, FileKind, FlakePin, Manifest, NEEDS_ANSWERS, NEEDS_FLAKE, NEEDS_NO_EVAL, NEEDS_REPLAY,
    Pin, Project, RelativePath, Shell, is_evaluation_variable,
};
use crate::bundle::segment::MAX_RAW;
use crate::bundle::{BadBundle, FORMAT};

/// The needs that this crate knows.
const KNOWN_NEEDS: [&str; 4] = [NEEDS_REPLAY, NEEDS_ANSWERS, NEEDS_NO_EVAL, NEEDS_FLAKE];

/// The builtins that can be answered.
const FETCHERS: [&str; 6] = [
    "fetchTarball",
    "fetchurl",
    "fetchGit",
    "fetchMercurial",
    "fetchTree",
    "getFlake",
];

/// The largest sum of the project files' sizes. Headers and padding are added to it, and must not
/// overflow either.
const MAX_PROJECT: u64 = i64::MAX.unsigned_abs();

/// Linux's `PATH_MAX` without the final zero.
const MAX_TARGET: usize = 4095;

#[derive(Deserialize)]
struct Head {
    format: u64,
    #[serde(default)]
    needs: Vec<String>,
}

/// Refuses newer formats, and unknown needs by name. This comes first, since the rest of a newer
/// manifest may look different.
pub(super) fn ensure_readable(text: &str) -> Result<(), BadBundle> {
    let head: Head =
        toml::from_str(text).map_err(|error| BadBundle::Manifest(error.message().to_owned()))?;
    if head.format == 0 {
        return bad("there is no format 0");
    }
    if head.format > u64::from(FORMAT) {
        return Err(BadBundle::NewerFormat { found: head.format });
    }
    match head
        .needs
        .into_iter()
        .find(|need| !KNOWN_NEEDS.contains(&need.as_str()))
    {
        Some(need) => Err(BadBundle::UnknownNeed(need)),
        None => Ok(()),
    }
}

/// Checks every rule that later code relies on.
pub(super) fn ensure_consistent(manifest: &Manifest) -> Result<(), BadBundle> {
    ensure_paths(&manifest.closure)?;
    ensure_segments(manifest)?;
    ensure_project(&manifest.project)?;
    if manifest.shells.is_empty() {
        return bad("it names no shell");
    }
    ensure_names(&manifest.shells)?;
    let paths: BTreeSet<_> = manifest
        .closure
        .paths
        .iter()
        .map(|path| &path.path)
        .collect();
    for shell in &manifest.shells {
        ensure_shell(shell, &manifest.project)?;
        ensure_environment(shell, manifest.is_no_eval())?;
        ensure_variables(shell)?;
        if let Some(missing) = shell.roots.iter().find(|root| !paths.contains(root)) {
            return bad(format!("the root {missing} is not among the store paths"));
        }
        let inside = shell
            .nix_path
            .iter()
            .map(|entry| &entry.path)
            .chain(&shell.fetching_files)
            .chain(&shell.nixpkgs_config)
            .chain(&shell.derivations)
            .chain(&shell.bash);
        for file in inside {
            let inside = manifest.closure.store.containing(file);
            if !inside.is_some_and(|(path, rest)| paths.contains(&path) && is_plain_rest(rest)) {
                return bad(format!("{file} is not in a store path of the bundle"));
            }
        }
    }
    for pin in &manifest.pins {
        if !paths.contains(&pin.store_path) {
            return bad(format!(
                "the pin {} is not among the store paths",
                pin.store_path
            ));
        }
        ensure_pin(pin)?;
    }
    let is_replayed = manifest.pins.iter().any(|pin| pin.arguments.is_some());
    if is_replayed != manifest.needs.iter().any(|need| need == NEEDS_REPLAY) {
        return bad("its pins and its needs contradict each other");
    }
    let is_answered = manifest.answers.is_some();
    if is_answered != manifest.needs.iter().any(|need| need == NEEDS_ANSWERS) {
        return bad("its answers and its needs contradict each other");
    }
    let answers = manifest.answers.as_ref();
    if let Some(fault) = answers.and_then(|answers| answers.fault(&manifest.project)) {
        return bad(fault);
    }
    let is_flake = manifest.shells.iter().any(|shell| shell.flake.is_some());
    if is_flake != manifest.needs.iter().any(|need| need == NEEDS_FLAKE) {
        return bad("its shells and its needs contradict each other");
    }
    if manifest.is_no_eval() && (is_answered || !manifest.pins.is_empty()) {
        return bad("it has pins or answers although its shells are not evaluated");
    }
    Ok(())
}

/// The answer to a fetcher consists of plain values: strings, numbers, booleans.
fn ensure_pin(pin: &Pin) -> Result<(), BadBundle> {
    use serde_json::Value;
    let parse = |text: &String| serde_json::from_str::<Value>(text);
    let attributes = pin.attributes.as_ref().map(parse).transpose();
    let is_flake = match &pin.flake {
        Some(flake) => pin.fetcher == "getFlake" && is_sound(flake),
        None => pin.fetcher != "getFlake",
    };
    let is_fetcher = is_flake && FETCHERS.contains(&pin.fetcher.as_str());
    match (&pin.arguments, attributes) {
        (Some(_), Ok(attributes)) if is_fetcher && attributes.as_ref().is_none_or(is_set) => Ok(()),
        (None, Ok(None)) if is_flake => Ok(()),
        _ => bad(format!("the pin {} is malformed", pin.store_path)),
    }
}

/// Plain values by name, among them no path.
fn is_set(attributes: &serde_json::Value) -> bool {
    let is_plain =
        |value: &serde_json::Value| value.is_string() || value.is_i64() || value.is_boolean();
    let fields = attributes.as_object();
    fields.is_some_and(|fields| !fields.contains_key("outPath") && fields.values().all(is_plain))
}

/// Whether a flake is inside its tree, and its lock is a lock file.
fn is_sound(flake: &FlakePin) -> bool {
    let is_lock = |text: &String| {
        serde_json::from_str::<serde_json::Value>(text).is_ok_and(|lock| lock["nodes"].is_object())
    };
    let directory = &flake.directory;
    let is_inside = directory.is_empty() || RelativePath::parse(directory).is_ok();
    is_inside && flake.lock.as_ref().is_none_or(is_lock)
}

/// Whether the text behind a store path is empty, or a path that stays below it.
fn is_plain_rest(rest: &str) -> bool {
    let below = rest.strip_prefix('/');
    let plain = |below| RelativePath::parse(below).is_ok() && !rest.contains(char::is_control);
    rest.is_empty() || below.is_some_and(plain)
}

fn ensure_paths(closure: &Closure) -> Result<(), BadBundle> {
    let mut seen = BTreeSet::new();
    for (index, path) in closure.paths.iter().enumerate() {
        if !seen.insert(&path.path) {
            return bad(format!("{} is listed twice", path.path));
        }
        let ascending = path.references.windows(2).all(|pair| pair[0] < pair[1]);
        let backwards = path
            .references
            .last()
            .is_none_or(|&last| last as usize <= index);
        if !(ascending && backwards) {
            return bad(format!("the references of {} are not in order", path.path));
        }
        let printable = |text: &String| !text.contains(|c: char| c.is_control() || c == ' ');
        if !path.signatures.iter().chain(&path.ca).all(printable) {
            return bad(format!(
                "the signatures or ca of {} are malformed",
                path.path
            ));
        }
    }
    Ok(())
}

fn ensure_segments(manifest: &Manifest) -> Result<(), BadBundle> {
    let closure = &manifest.closure;
    if closure
        .segments
        .iter()
        .any(|&size| size == 0 || size > MAX_RAW)
    {
        return bad(format!("a segment is empty or larger than {MAX_RAW} bytes"));
    }
    let mut stream: u64 = crate::store::export::END.len() as u64;
    for index in 0..closure.paths.len() {
        let framed = closure.framed_size(index).total();
        stream = match framed.and_then(|framed| stream.checked_add(framed)) {
            Some(sum) => sum,
            None => return bad("its sizes are too large"),
        };
    }
    // A segment is at most 2^27 bytes, so this sum overflows only with 2^37 segments.
    if closure.segments.iter().sum::<u64>() != stream {
        return bad("the segments' sizes do not add up to the store paths'");
    }
    let layout = manifest.layout();
    for (index, path) in closure.paths.iter().enumerate() {
        if layout.place(index) != (path.segment as usize, path.offset) {
            return bad(format!(
                "{} does not start where the manifest says",
                path.path
            ));
        }
    }
    Ok(())
}

fn ensure_project(project: &Project) -> Result<(), BadBundle> {
    if let Some(name) = &project.directory
        && (RelativePath::parse(name).is_err() || name.contains('/'))
    {
        return bad("the project directory's name is not a name");
    }
    let sizes = project.files.iter().filter_map(|file| match file.kind {
        FileKind::File { size, .. } => Some(size),
        _ => None,
    });
    let sum = sizes.fold(0, u64::saturating_add);
    if sum > MAX_PROJECT {
        return bad("its sizes are too large");
    }
    let mut directories = BTreeSet::from([""]);
    let mut last: Option<&RelativePath> = None;
    for file in &project.files {
        if last.is_some_and(|last| last >= &file.path) {
            return bad(format!("the project file {} is not in order", file.path));
        }
        if !directories.contains(file.path.parent()) {
            return bad(format!(
                "the directory of the project file {} is not listed",
                file.path
            ));
        }
        match &file.kind {
            FileKind::Directory { mode } | FileKind::File { mode, .. } if *mode > 0o777 => {
                return bad(format!(
                    "the mode of the project file {} is not valid",
                    file.path
                ));
            }
            FileKind::Symlink { target }
                if target.is_empty() || target.len() > MAX_TARGET || target.contains('\0') =>
            {
                return bad(format!(
                    "the target of the symlink {} is not valid",
                    file.path
                ));
            }
            FileKind::Directory { .. } => drop(directories.insert(file.path.as_str())),
            _ => {}
        }
        last = Some(&file.path);
    }
    Ok(())
}

/// Ensures that each of several shells has a name of its own.
fn ensure_names(shells: &[Shell]) -> Result<(), BadBundle> {
    let mut names = BTreeSet::new();
    for shell in shells {
        match &shell.name {
            None if shells.len() > 1 => {
                return bad(format!("one of its shells, {}, has no name", shell.file));
            }
            Some(name) if !names.insert(name) => {
                return bad(format!("two of its shells are called {name}"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn ensure_shell(shell: &Shell, project: &Project) -> Result<(), BadBundle> {
    let is_file = |file: &super::ProjectFile| {
        file.path == shell.file && !matches!(file.kind, FileKind::Directory { .. })
    };
    if !project.files.iter().any(is_file) {
        return bad(format!(
            "the shell file {} is not among the project files",
            shell.file
        ));
    }
    if let Some(flake) = &shell.flake {
        let attributes = serde_json::from_str(&flake.attributes);
        let is_file = shell.file.as_str().rsplit('/').next() == Some("flake.nix");
        let is_selected = shell.attribute.is_some() && shell.arguments.is_empty();
        if !(is_file && is_selected && attributes.is_ok_and(|attributes| is_set(&attributes))) {
            return bad("the flake source of the project is malformed");
        }
    }
    let option_like = |text: &str| text.starts_with('-') || text.is_empty();
    if shell.attribute.as_deref().is_some_and(option_like)
        || shell
            .arguments
            .iter()
            .any(|argument| option_like(&argument.name))
    {
        return bad("the shell's attribute or arguments are malformed");
    }
    if shell
        .nix_path
        .iter()
        .any(|entry| entry.name.contains([':', '=']) || entry.path.contains(':'))
    {
        return bad("the shell's search path is malformed");
    }
    Ok(())
}

/// Checks the environment of the shell's process, where nothing is evaluated.
fn ensure_environment(shell: &Shell, is_no_eval: bool) -> Result<(), BadBundle> {
    let environment = &shell.environment;
    let mut texts = environment.iter().flat_map(|(name, value)| [name, value]);
    if texts.any(|text| text.contains('\0')) {
        return bad("a variable of the shell has a zero byte");
    }
    let attributes = shell.structured_attributes.as_ref();
    let is_set = |text: &String| serde_json::from_str::<serde_json::Map<_, _>>(text).is_ok();
    let is_missing = is_no_eval && environment.contains_key("__json") && attributes.is_none();
    if is_missing || !attributes.is_none_or(is_set) {
        return bad("the shell's structured attributes are missing or malformed");
    }
    Ok(())
}

/// Checks the variables that evaluation gets: a bundle must not change how programs run here.
fn ensure_variables(shell: &Shell) -> Result<(), BadBundle> {
    for (name, value) in &shell.evaluation_variables {
        if !is_evaluation_variable(name) {
            return bad(format!(
                "its shell sets the variable {name:?} for evaluation"
            ));
        }
        if value.contains('\0') {
            return bad(format!("the value of the variable {name} has a zero byte"));
        }
    }
    Ok(())
}

fn bad<T>(what: impl Into<String>) -> Result<T, BadBundle> {
    Err(BadBundle::Manifest(what.into()))
}
