//! The shells that the user asks for: each a file that is there, and which derivation of it is meant.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::Options;
use super::flake::Packed;
use super::subject::{Located, Subject, has_relative_path};
use crate::error::{Error, FlakeProblem, Result};
use crate::nix::Nix;
use crate::report::Report;
use shellpack_format::bundle::manifest::selection::Selection;

/// A shell that is to be packed: a file that is there, and what of it.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The file, absolute, at its real place.
    pub(super) file: PathBuf,
    /// Attribute and arguments.
    pub(super) selection: Selection,
    /// The symlink by which a directory's shell file was found, if it is one: it is where
    /// nix-shell is typed, so it travels as well.
    pub(super) link: Option<PathBuf>,
    /// The flake that it is of, if it is.
    pub(super) flake: Option<Rc<Packed>>,
}

/// Every shell that the user asks for, each once, in that order.
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
        let Located { file, link } = subject.locate(scratch)?;
        for selection in &options.selections {
            ensure_arguments_start_there(selection, &file)?;
            let is_same = |known: &Wanted| known.file == file && known.selection == *selection;
            if !all.iter().any(is_same) {
                all.push(Wanted {
                    file: file.clone(),
                    selection: selection.clone(),
                    link: link.clone(),
                    flake: None,
                });
            }
        }
    }
    Ok(all)
}

/// On the target, nix-shell is typed in the shell file's directory.
fn ensure_arguments_start_there(selection: &Selection, file: &Path) -> Result<()> {
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
    Err(Error::RelativeArgument(name, directory.to_owned()))
}

/// The shells of a flake that the user named by `REFERENCE#ATTRIBUTE`, each once. All of them
/// must be the same flake's, since its source is the project.
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
    let packed = Rc::new(Packed::find(
        reference,
        options.locked,
        nix,
        scratch,
        report,
    )?);
    let mut all: Vec<Wanted> = Vec::new();
    for (_, fragment) in named {
        let selection = packed.select(fragment, nix, scratch)?;
        if !all.iter().any(|known| known.selection == selection) {
            all.push(Wanted {
                file: packed.file(),
                selection,
                link: None,
                flake: Some(Rc::clone(&packed)),
            });
        }
    }
    Ok(all)
}

/// A reference and what follows its `#`. As for Nix, nothing is the flake here.
fn reference(subject: &Subject) -> Result<(&str, &str)> {
    let Subject::Flake(named) = subject else {
        return Err(FlakeProblem::Mixed.into());
    };
    let (reference, fragment) = named.split_once('#').unwrap_or((named, ""));
    let reference = if reference.is_empty() { "." } else { reference };
    Ok((reference, fragment))
}

/// A flake says by itself what it is called with, and what belongs to it.
fn ensure_no_other_options(options: &Options) -> Result<()> {
    let takes_arguments = options
        .selections
        .iter()
        .any(|selection| *selection != Selection::default());
    if takes_arguments || !options.include.is_empty() {
        return Err(FlakeProblem::Arguments.into());
    }
    match options.extra_files.first() {
        Some(file) => Err(FlakeProblem::Include(file.display().to_string()).into()),
        None => Ok(()),
    }
}
