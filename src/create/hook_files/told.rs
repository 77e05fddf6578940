//! What the user is told about the files that a hook reads.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::carried::Choice;
use crate::create::shell::Shell;
use crate::report::{Event, Report, count};
use shellpack_format::bundle::manifest::{ShellName, shell_quoted};

/// The most files that are listed.
const LISTED: usize = 10;

/// Which files are carried, and which are not.
pub(super) fn choice(choice: &Choice, top: &Path, report: &Report) {
    if !choice.carried.is_empty() {
        report.emit(Event::Note(&format!(
            "the shellHook reads {} of the project when it runs, which {} carried, too:{}",
            count(choice.carried.len(), "file"),
            if choice.carried.len() == 1 {
                "is"
            } else {
                "are"
            },
            list(&choice.carried, top)
        )));
    }
    if !choice.left.is_empty() {
        let is_one = choice.left.len() == 1;
        let to_type = if choice.can_be_included {
            format!("add: {}", options(&choice.left, "--include "))
        } else {
            format!("type: git add {}", options(&choice.left, ""))
        };
        report.emit(Event::Warning(&format!(
            "the shellHook reads {} of the project when it runs that {} not carried, because only \
             {} are carried unasked:{}\nto carry {}, {to_type}",
            count(choice.left.len(), "file"),
            if is_one { "is" } else { "are" },
            choice.rule,
            list(&choice.left, top),
            if is_one { "it" } else { "them" },
        )));
    }
}

/// What the hook does otherwise with only the carried files.
pub(super) fn differences(found: &[String], asks_git: bool, shell: &Shell, report: &Report) {
    let name = ShellName::before_words(shell.name.as_ref());
    let lines: String = found.iter().map(|line| format!("\n  {line}")).collect();
    let cause = if asks_git {
        "\nit asks git, whose .git is never carried"
    } else {
        "\nto carry a file that it looks for, add: --include FILE"
    };
    report.emit(Event::Warning(&format!(
        "{name}with only the carried files of the project, the shellHook does something \
         else:{lines}{cause}"
    )));
}

fn list(files: &BTreeSet<PathBuf>, top: &Path) -> String {
    let shown = files.iter().take(LISTED);
    let shown =
        shown.map(|file| format!("\n  {}", file.strip_prefix(top).unwrap_or(file).display()));
    let more = files.len().saturating_sub(LISTED);
    let rest = (more > 0).then(|| format!("\n  and {more} more"));
    shown.chain(rest).collect()
}

/// The words to type here: a file each, or the directories that they are in if there are many.
fn options(files: &BTreeSet<PathBuf>, before: &str) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let mut named: BTreeSet<&Path> = files.iter().map(PathBuf::as_path).collect();
    if named.len() > LISTED {
        named = named.iter().filter_map(|file| file.parent()).collect();
    }
    let option = |file: &&Path| {
        let shown = file.strip_prefix(&here).unwrap_or(file);
        let shown = if shown.as_os_str().is_empty() {
            Path::new(".")
        } else {
            shown
        };
        format!("{before}{}", shell_quoted(&shown.to_string_lossy()))
    };
    let options: Vec<_> = named.iter().map(option).collect();
    options.join(" ")
}
