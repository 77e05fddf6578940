//! The shells.

use std::collections::BTreeSet;

use super::pins::is_set;
use super::{Paths, bad, ensure_inside};
use crate::bundle::BadBundle;
use crate::bundle::manifest::{
    FileKind, MOST_SHELLS, Manifest, Project, Shell, is_evaluation_setting, is_evaluation_variable,
};

/// Checks that there is a shell, and that each has a name if there are several, is one of the project,
/// and names no store path that is not carried.
pub(super) fn ensure_shells(manifest: &Manifest, paths: &Paths<'_>) -> Result<(), BadBundle> {
    if manifest.shells.is_empty() {
        return bad("it names no shell");
    }
    if manifest.shells.len() > MOST_SHELLS {
        return bad(format!("it has more than {MOST_SHELLS} shells"));
    }
    ensure_names(&manifest.shells)?;
    for shell in &manifest.shells {
        ensure_words(shell)?;
        ensure_shell(shell, &manifest.project)?;
        ensure_script(shell, &manifest.project)?;
        ensure_environment(shell, manifest.is_no_eval())?;
        ensure_variables(shell)?;
        ensure_settings(shell)?;
        if let Some(missing) = shell.roots.iter().find(|root| !paths.contains(root)) {
            return bad(format!("the root {missing} is not among the store paths"));
        }
        let roots: BTreeSet<_> = shell.roots.iter().collect();
        if roots.len() < shell.roots.len() {
            return bad("a shell has a root twice");
        }
        let inside = shell
            .nix_path
            .iter()
            .map(|entry| &entry.path)
            .chain(&shell.fetching_files)
            .chain(&shell.nixpkgs_config)
            .chain(&shell.derivations)
            .chain(&shell.bash);
        ensure_inside(inside, manifest, paths)?;
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

/// Whether a path is among the project files, which are in order, and is of a kind.
fn is_listed(project: &Project, path: &str, is_kind: impl Fn(&FileKind) -> bool) -> bool {
    let files = &project.files;
    let found = files.binary_search_by(|file| file.path.as_str().cmp(path));
    found.is_ok_and(|index| is_kind(&files[index].kind))
}

fn is_no_directory(kind: &FileKind) -> bool {
    !matches!(kind, FileKind::Directory { .. })
}

/// Ensures that systems and versions are words: messages have them.
fn ensure_words(shell: &Shell) -> Result<(), BadBundle> {
    let words = [&shell.system, &shell.nix_version].into_iter();
    let mut words = words.chain(&shell.minimum_nix_version);
    let is_word = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    if words.all(|word| !word.is_empty() && word.chars().all(is_word)) {
        return Ok(());
    }
    bad("the system of a shell, or a version of Nix, is not a word")
}

fn ensure_shell(shell: &Shell, project: &Project) -> Result<(), BadBundle> {
    if !is_listed(project, shell.file.as_str(), is_no_directory) {
        return bad(format!(
            "the shell file {} is not among the project files",
            shell.file
        ));
    }
    let entered = shell.entered();
    let is_directory = |file: &FileKind| !is_no_directory(file);
    if !entered.is_empty() && !is_listed(project, entered, is_directory) {
        return bad(format!(
            "the directory {entered} is not among the project files"
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

/// Checks the script of a shell.
fn ensure_script(shell: &Shell, project: &Project) -> Result<(), BadBundle> {
    let Some(script) = &shell.script else {
        return Ok(());
    };
    if !is_listed(project, script.file.as_str(), is_no_directory) {
        let file = &script.file;
        return bad(format!("the script {file} is not among the project files"));
    }
    let words = script.interpreter.iter().chain(&script.command);
    let mut words = words.chain(&script.keep);
    if words.any(|word| word.is_empty() || word.contains(char::is_control)) {
        return bad("what runs its script, or its variables, are malformed");
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

/// Checks the settings that evaluation gets: a bundle must not change how Nix builds, or what it runs.
fn ensure_settings(shell: &Shell) -> Result<(), BadBundle> {
    for (name, value) in &shell.evaluation_settings {
        if !is_evaluation_setting(name) {
            return bad(format!("its shell sets the setting {name:?} of Nix"));
        }
        if value.contains(char::is_control) {
            return bad(format!(
                "the value of the setting {name} has a control character"
            ));
        }
    }
    Ok(())
}
