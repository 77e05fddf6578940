//! Finds the shells to pack: for each, its file and the derivation that is meant.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::Options;
use super::flake::StagedFlake;
use super::subject::{Subject, has_relative_path};
use crate::error::{Error, FlakeProblem, NoShell, Result};
use crate::nix::Nix;
use crate::report::{Event, Report};
use shellpack_format::bundle::manifest::selection::Selection;
use shellpack_format::bundle::manifest::shell_quoted;

/// A shell to pack.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The shell file: absolute. It may be a symlink, in the directory that nix-shell enters.
    pub(super) file: PathBuf,
    /// Attribute and arguments.
    pub(super) selection: Selection,
    /// The flake that the shell belongs to, if any.
    pub(super) flake: Option<Rc<StagedFlake>>,
}

/// Every shell that the user asks for, in order and without duplicates.
pub(super) fn locate_all(
    options: &Options,
    nix: &Nix,
    scratch: &Path,
    report: &Report,
) -> Result<Vec<Wanted>> {
    if options.subjects.iter().any(Subject::is_flake) {
        return of_flake(options, nix, scratch, report);
    }
    let mut all: Vec<Wanted> = Vec::new();
    for subject in &options.subjects {
        let file = subject.locate(scratch, nix)?;
        if !has_options(options) {
            subject.ensure_no_options_in_it()?;
        }
        if let Some(beside) = options.extra_files.first()
            && !subject.is_in_project()
        {
            let expression = fs::read_to_string(&file).map_err(Error::io("read", &file))?;
            return Err(Error::NothingBeside {
                file: beside.clone(),
                expression: expression.trim_end().to_owned(),
            });
        }
        if let Some(other) = subject.passed_over(&file) {
            report.emit(Event::Note(&passed_over(&file, &other, nix)));
        }
        for selection in &options.selections {
            ensure_relative_arguments_work(selection, &file)?;
            let is_same = |known: &Wanted| known.file == file && known.selection == *selection;
            if !all.iter().any(is_same) {
                all.push(Wanted {
                    file: file.clone(),
                    selection: selection.clone(),
                    flake: None,
                });
            }
        }
    }
    Ok(all)
}

/// Whether options say which shell of a file it is.
fn has_options(options: &Options) -> bool {
    let mut selections = options.selections.iter();
    selections.any(|selection| *selection != Selection::default()) || !options.include.is_empty()
}

fn passed_over(file: &Path, other: &Path, nix: &Nix) -> String {
    format!(
        "packing {}, because nix-shell (Nix {}) looks for shell.nix only in the current directory; to \
         pack the other: shellpack create {}",
        file.display(),
        nix.version,
        shell_quoted(&other.to_string_lossy())
    )
}

/// Refuses relative paths in arguments unless the current directory is the shell file's: that is
/// where the target evaluates them.
fn ensure_relative_arguments_work(selection: &Selection, file: &Path) -> Result<()> {
    let expressions = selection.arguments.iter().filter(|one| !one.string);
    let mut relative = expressions.filter(|one| has_relative_path(&one.value));
    let Some(argument) = relative.next() else {
        return Ok(());
    };
    let directory = file.parent().unwrap_or(file);
    let here = std::env::current_dir().and_then(fs::canonicalize);
    if here.map_err(Error::io("find", "."))? == directory {
        return Ok(());
    }
    let name = argument.name.clone();
    Err(NoShell::RelativeArgument(name, directory.to_owned()).into())
}

/// The shells of a flake, named by `REFERENCE#ATTRIBUTE`, without duplicates. They must all belong
/// to the same flake, because its source is the project.
fn of_flake(options: &Options, nix: &Nix, scratch: &Path, report: &Report) -> Result<Vec<Wanted>> {
    let named: Vec<_> = options
        .subjects
        .iter()
        .map(reference)
        .collect::<Result<_>>()?;
    let reference = named[0].0;
    if let Some((other, _)) = named.iter().find(|(other, _)| *other != reference) {
        return Err(FlakeProblem::Several(reference.to_owned(), (*other).to_owned()).into());
    }
    ensure_no_other_options(options)?;
    let staged = Rc::new(StagedFlake::find(
        reference,
        options.locked,
        nix,
        scratch,
        report,
    )?);
    let mut all: Vec<Wanted> = Vec::new();
    for (_, fragment) in named {
        let selection = staged.select(fragment, nix, scratch)?;
        if !all.iter().any(|known| known.selection == selection) {
            all.push(Wanted {
                file: staged.file(),
                selection,
                flake: Some(Rc::clone(&staged)),
            });
        }
    }
    Ok(all)
}

/// Splits `REFERENCE#ATTRIBUTE`. As in Nix, an empty reference means the flake in the current
/// directory.
fn reference(subject: &Subject) -> Result<(&str, &str)> {
    let Subject::Flake(named) = subject else {
        return Err(FlakeProblem::Mixed.into());
    };
    let (reference, fragment) = named.split_once('#').unwrap_or((named, ""));
    let reference = if reference.is_empty() { "." } else { reference };
    Ok((reference, fragment))
}

/// Refuses options that a flake cannot use: its arguments and its files are defined by the flake
/// itself.
fn ensure_no_other_options(options: &Options) -> Result<()> {
    if has_options(options) {
        return Err(FlakeProblem::Arguments.into());
    }
    match options.extra_files.first() {
        Some(file) => Err(FlakeProblem::Include(file.display().to_string()).into()),
        None => Ok(()),
    }
}
