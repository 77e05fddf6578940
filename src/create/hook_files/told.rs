//! The messages about the files that a hook reads.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::carried::Choice;
use crate::create::project::links::Way;
use crate::create::shell::Shell;
use crate::report::{Event, Report, count};
use crate::text::shown;
use shellpack_format::bundle::manifest::{ShellName, shell_typed_path};

/// The most files that are listed.
const LISTED: usize = 10;

/// Which files are carried, and which are not.
pub(super) fn choice(choice: &Choice, top: &Path, report: &Report) {
    let carried = without_parents(&choice.carried);
    if !carried.is_empty() {
        report.emit(Event::Note(&format!(
            "the shellHook reads {} of the project when it runs, which {} carried, too:{}",
            counted(&carried),
            if carried.len() == 1 { "is" } else { "are" },
            list(&carried, top)
        )));
    }
    if !choice.left.is_empty() {
        let is_one = choice.left.len() == 1;
        let to_type = if choice.can_be_included {
            format!("add: {}", options(&choice.left, top, "--include "))
        } else {
            git_add(choice, top)
        };
        report.emit(Event::Warning(&format!(
            "the shellHook reads {} of the project when it runs that {} not carried, because only \
             {} are carried unasked:{}\nto carry {}, {to_type}",
            counted(&choice.left),
            if is_one { "is" } else { "are" },
            choice.rule,
            list(&choice.left, top),
            if is_one { "it" } else { "them" },
        )));
    }
}

/// Which of the files that a shell names are carried, and which are not. Each has the name of what names
/// it.
pub(super) fn named(
    choice: &Choice,
    named: &BTreeMap<PathBuf, String>,
    top: &Path,
    shell: &Shell,
    report: &Report,
) {
    let name = ShellName::before_words(shell.name.as_ref());
    let is_carried = |path: &Path| choice.carried.iter().any(|file| file.starts_with(path));
    let carried = named.keys().filter(|path| !choice.left.contains(*path));
    let carried: BTreeSet<_> = carried.filter(|path| is_carried(path)).cloned().collect();
    if !carried.is_empty() {
        report.emit(Event::Note(&format!(
            "{name}the shell names {} of the project, carried, too:{}",
            counted(&carried),
            list_with_names(&carried, named, top)
        )));
    }
    if choice.left.is_empty() {
        return;
    }
    let them = if choice.left.len() == 1 { "it" } else { "them" };
    let to_type = if !choice.can_be_included {
        git_add(choice, top)
    } else if choice.left.contains(top) {
        "add --include FILE for each file that is needed".to_owned()
    } else {
        format!("add: {}", options(&choice.left, top, "--include "))
    };
    let text = format!(
        "{name}the shell names {} of the project that {} not carried, because only {} are carried \
         unasked:{}\nto carry {them}, {to_type}",
        counted(&choice.left),
        if choice.left.len() == 1 { "is" } else { "are" },
        choice.rule,
        list_with_names(&choice.left, named, top),
    );
    // A directory that nothing tracks is mostly one that the user's programs fill.
    if choice.left.iter().any(|path| path.is_file()) {
        report.emit(Event::Warning(&text));
    } else {
        report.emit(Event::Note(&text));
    }
}

/// Files that are left out of directories that are carried.
pub(super) fn untracked(choice: &Choice, top: &Path, shell: &Shell, report: &Report) {
    if choice.left.is_empty() {
        return;
    }
    let is_one = choice.left.len() == 1;
    let to_type = if choice.can_be_included {
        format!("add: {}", options(&choice.left, top, "--include "))
    } else {
        git_add(choice, top)
    };
    let text = format!(
        "{}directories that the shell names are carried without {}, because only {} are carried \
         unasked:{}\nto carry {}, {to_type}",
        ShellName::before_words(shell.name.as_ref()),
        counted(&choice.left),
        choice.rule,
        list(&choice.left, top),
        if is_one { "it" } else { "them" },
    );
    // A directory that nothing tracks is mostly one that the user's programs fill.
    if choice.left.iter().any(|path| path.is_file()) {
        report.emit(Event::Warning(&text));
    } else {
        report.emit(Event::Note(&text));
    }
}

/// The number of these files, and that of directories among them.
pub(super) fn counted(paths: &BTreeSet<PathBuf>) -> String {
    let is_directory = |path: &&PathBuf| path.is_dir() && !path.is_symlink();
    let directories = paths.iter().filter(is_directory).count();
    let in_words = match directories {
        1 => "1 directory".to_owned(),
        _ => format!("{directories} directories"),
    };
    match (paths.len() - directories, directories) {
        (files, 0) => count(files, "file"),
        (0, _) => in_words,
        (files, _) => format!("{} and {in_words}", count(files, "file")),
    }
}

/// Without the directories of others among them.
fn without_parents(paths: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let is_parent = |path: &Path| {
        let mut from = paths.range::<Path, _>((Bound::Excluded(path), Bound::Unbounded));
        from.next().is_some_and(|next| next.starts_with(path))
    };
    let rest = paths.iter().filter(|path| !is_parent(path));
    rest.cloned().collect()
}

/// How the files that are left get into a flake.
fn git_add(choice: &Choice, top: &Path) -> String {
    let force = if choice.is_ignored { "-f " } else { "" };
    let files = options(&choice.left, top, "");
    format!("type: git add {force}{files}")
}

fn list_with_names(
    files: &BTreeSet<PathBuf>,
    named: &BTreeMap<PathBuf, String>,
    top: &Path,
) -> String {
    let lines = files.iter().take(LISTED).map(|at| {
        let below = at.strip_prefix(top).unwrap_or(at);
        let file = if below == Path::new("") { top } else { below };
        let by = named.get(at).map(|name| format!(" ({name})"));
        format!("\n  {}{}", shown(file), by.unwrap_or_default())
    });
    lines.chain(more(files)).collect()
}

/// The likely cause of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The hook asks git.
    Git,
    /// It depends on the times of files.
    Times,
    /// It looks for a file.
    File,
}

/// The difference that a hook makes with only the carried files.
pub(super) fn differences(found: &[String], cause: Cause, shell: &Shell, report: &Report) {
    let name = ShellName::before_words(shell.name.as_ref());
    let lines: String = found.iter().map(|line| format!("\n  {line}")).collect();
    let cause = match cause {
        Cause::Git => "\nit asks git, whose .git is never carried",
        Cause::Times => "\nit depends on the times of files, and on the target all have the same",
        Cause::File => "\nto carry a file that it looks for, add: --include FILE",
    };
    report.emit(Event::Warning(&format!(
        "{name}with only the carried files of the project, the shellHook does something \
         else:{lines}{cause}"
    )));
}

/// The files, one a line, below the top.
pub(super) fn list(files: &BTreeSet<PathBuf>, top: &Path) -> String {
    let listed = files.iter().take(LISTED);
    let listed =
        listed.map(|file| format!("\n  {}", shown(file.strip_prefix(top).unwrap_or(file))));
    listed.chain(more(files)).collect()
}

fn more(files: &BTreeSet<PathBuf>) -> Option<String> {
    let more = files.len().saturating_sub(LISTED);
    (more > 0).then(|| format!("\n  and {more} more"))
}

/// Links that lead out of the project, and not into the store.
pub(super) fn links_out(ways: &[Way], top: &Path, shell: &Shell, report: &Report) {
    let out = ways.iter().filter(|way| way.place_in_store().is_none());
    let out = out.filter_map(|way| way.out.as_ref());
    let out: BTreeSet<_> = out.filter(|(_, target)| target.exists()).collect();
    if out.is_empty() {
        return;
    }
    let lines = out.iter().map(|(link, target)| {
        let link = link.strip_prefix(top).unwrap_or(link);
        format!("\n  {} → {}", shown(link), shown(target))
    });
    report.emit(Event::Warning(&format!(
        "{}the shell names {} through a symlink that leads out of the project, and nothing there is \
         carried:{}\nto carry a file, put it into the project in place of the link",
        ShellName::before_words(shell.name.as_ref()),
        count(out.len(), "file"),
        lines.collect::<String>()
    )));
}

/// Files outside of the project that the hook mentions.
pub(super) fn outside(files: &BTreeSet<PathBuf>, top: &Path, shell: &Shell, report: &Report) {
    if files.is_empty() {
        return;
    }
    let name = ShellName::before_words(shell.name.as_ref());
    let has_one_place = |file: &PathBuf| file.components().nth(1) == top.components().nth(1);
    let or = if !top.join(".git").exists() && files.iter().all(has_one_place) {
        ", or make that a git repository that contains it"
    } else {
        ""
    };
    report.emit(Event::Warning(&format!(
        "{name}the shellHook mentions {} outside of the project, {}, and nothing there is carried:{}\n\
         to carry a file, copy it into the project{or}",
        count(files.len(), "file"),
        shown(top),
        list(files, top)
    )));
}

/// How a file of the current directory can be carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToCarry<'a> {
    /// By `--include`.
    Include,
    /// If the flake has it.
    InFlake,
    /// If the shell, which is an expression, is in a file.
    AsFile,
    /// If this shell is packed without the others.
    Alone(&'a Path),
}

/// Files that the hook finds in the current directory, where the target does not enter the shell.
pub(super) fn here(
    files: &BTreeSet<PathBuf>,
    here: &Path,
    to_carry: ToCarry<'_>,
    shell: &Shell,
    report: &Report,
) {
    if files.is_empty() {
        return;
    }
    let name = ShellName::before_words(shell.name.as_ref());
    let them = if files.len() == 1 { "it" } else { "them" };
    let to_type = match to_carry {
        ToCarry::Include => format!("add: {}", options(files, here, "--include ")),
        ToCarry::InFlake => format!("copy {them} into the flake"),
        ToCarry::AsFile => {
            "write the expression to a shell.nix beside, and type: shellpack create".to_owned()
        }
        ToCarry::Alone(file) => {
            let file = file.strip_prefix(here).unwrap_or(file);
            let file = shell_typed_path(file);
            format!("pack the shell by itself: shellpack create {file}")
        }
    };
    report.emit(Event::Warning(&format!(
        "{name}the shellHook mentions {} of the current directory, and the target runs it elsewhere, in the \
         directory of the shell file:{}\nto carry {them}, {to_type}",
        count(files.len(), "file"),
        list(files, here),
    )));
}

/// The words to type here: a file each, or the directories that they are in if there are many.
fn options(files: &BTreeSet<PathBuf>, top: &Path, before: &str) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let mut named: BTreeSet<&Path> = files.iter().map(PathBuf::as_path).collect();
    if named.len() > LISTED {
        let directory = |file: &&Path| file.parent().is_some_and(|parent| parent != top);
        let (inner, outer): (Vec<_>, Vec<_>) = named.into_iter().partition(directory);
        named = inner.iter().filter_map(|file| file.parent()).collect();
        named.extend(outer);
    }
    let all = named.clone();
    let is_in = |file: &Path, dir: &&Path| file != *dir && file.starts_with(dir);
    named.retain(|file| !all.iter().any(|dir| is_in(file, dir)));
    let option = |file: &&Path| {
        let shown = file.strip_prefix(&here).unwrap_or(file);
        format!("{before}{}", shell_typed_path(shown))
    };
    let options: Vec<_> = named.iter().map(option).collect();
    options.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_files_are_named_by_their_directories() {
        let few = ["/p/a/1", "/p/b"].map(PathBuf::from).into();
        let top = Path::new("/p");
        assert_eq!(
            options(&few, top, "--include "),
            "--include /p/a/1 --include /p/b"
        );
        let nested = ["/p/.venv", "/p/.venv/bin/activate"].map(PathBuf::from);
        assert_eq!(
            options(&nested.into(), top, "--include "),
            "--include /p/.venv"
        );
        let many = (0..20).map(|n| PathBuf::from(format!("/p/a/{n}/x")));
        let more = ["/p/a", "/p/b", "/p/c/1"].map(PathBuf::from);
        let many = many.chain(more).collect();
        assert_eq!(options(&many, top, ""), "/p/a /p/b /p/c");
    }
}
