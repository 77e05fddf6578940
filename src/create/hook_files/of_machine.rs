//! Files outside of the project, and environment variables, that one shell names of this machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::machine_files::Place;
use super::named::Texts;
use super::{Visitor, told, variables};
use crate::create::shell::Shell;
use crate::rehearse::PROJECT;
use crate::report::{Event, Report};
use shellpack_format::bundle::manifest::{ShellName, belongs_to_machine};

/// Variables that stdenv sets, which are set here if `create` is typed in a shell of Nix.
const STDENV: [&str; 22] = [
    "AR",
    "AS",
    "CC",
    "CONFIG_SHELL",
    "CXX",
    "DETERMINISTIC_BUILD",
    "HOST_PATH",
    "LD",
    "NM",
    "OBJCOPY",
    "OBJDUMP",
    "PKG_CONFIG",
    "PS1",
    "PYTHONHASHSEED",
    "PYTHONNOUSERSITE",
    "RANLIB",
    "READELF",
    "SIZE",
    "SOURCE_DATE_EPOCH",
    "STRINGS",
    "STRIP",
    "UID",
];

impl Visitor<'_> {
    /// Tells of what the shell, with these hooks, names of this machine.
    pub(super) fn tell_of_machine(&self, texts: &Texts<'_>, hooks: &[String]) {
        let (shell, report) = (self.shell, self.host.report);
        let files = self.files_of_machine(texts, hooks);
        tell_of_files(&files, shell, report);
        tell_of_variables(&self.variables_of_machine(hooks), shell, report);
    }

    fn files_of_machine(&self, texts: &Texts<'_>, hooks: &[String]) -> BTreeSet<PathBuf> {
        let home = std::env::var_os("HOME").unwrap_or_default();
        let place = Place {
            home: Path::new(&home),
            top: self.host.top,
        };
        let mut found: BTreeSet<_> = hooks.iter().flat_map(|hook| place.files(hook)).collect();
        for (name, value) in texts.values() {
            // The phases of a build are not run, and the path of the room is its own.
            let is_script = name.ends_with("Phase") || name == "buildCommand";
            if is_script || name == "PATH" {
                continue;
            }
            // The shell was seen in another home.
            let value = value.replace(&format!("{PROJECT}/"), "~/");
            found.extend(place.files(&value.replace("\\n", "\n")));
        }
        found.retain(|path| !path.starts_with(self.host.store.as_path()));
        found
    }

    /// The variables that the hooks use, and that the user has set.
    fn variables_of_machine(&self, hooks: &[String]) -> BTreeSet<String> {
        let mut used = variables::used(hooks);
        used.retain(|name| {
            let is_usual = belongs_to_machine(name) && !name.starts_with("AWS_");
            !is_usual
                && !STDENV.contains(&name.as_str())
                && !self.shell.derivation.environment.contains_key(name)
                && std::env::var_os(name).is_some_and(|value| !value.is_empty())
        });
        used
    }
}

/// Files of this machine that the shell names.
fn tell_of_files(files: &BTreeSet<PathBuf>, shell: &Shell, report: &Report) {
    if files.is_empty() {
        return;
    }
    report.emit(Event::Note(&format!(
        "{}the shell names {} of this machine, which the target may not have:{}",
        ShellName::before_words(shell.name.as_ref()),
        told::counted(files),
        told::list(files, Path::new("")),
    )));
}

/// Environment variables of this machine that the hook uses.
fn tell_of_variables(names: &BTreeSet<String>, shell: &Shell, report: &Report) {
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let (is, all) = match names.as_slice() {
        [] => return,
        [one] => ("is", (*one).to_owned()),
        [most @ .., last] => ("are", format!("{} and {last}", most.join(", "))),
    };
    report.emit(Event::Note(&format!(
        "{}the shellHook uses {all}, which {is} set here: the target has its own",
        ShellName::before_words(shell.name.as_ref()),
    )));
}
