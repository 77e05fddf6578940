//! Finds the shells to pack: for each, its file and the derivation that is meant.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::Options;
use super::flake::StagedFlake;
use super::script::{Script, Stage};
use super::subject::{Subject, has_relative_path};
use crate::error::{Error, FlakeProblem, NoShell, Result};
use crate::nix::Nix;
use crate::nix::flake::AttributePath;
use crate::nix::script::Lines;
use crate::report::{Event, Report};
use crate::text::shown;
use shellpack_format::bundle::manifest::selection::{Argument, Selection};
use shellpack_format::bundle::manifest::shell_typed;

/// A shell to pack.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The shell file: absolute. It may be a symlink, in the directory that nix-shell enters.
    pub(super) file: PathBuf,
    /// Attribute and arguments.
    pub(super) selection: Selection,
    /// `-I` options, in order.
    pub(super) include: Vec<String>,
    /// The directory that relative paths in arguments start from, if it is not the current one.
    pub(super) directory: Option<PathBuf>,
    /// The script that runs in the shell, if any.
    pub(super) script: Option<WantedScript>,
    /// The flake that the shell belongs to, if any.
    pub(super) flake: Option<Rc<StagedFlake>>,
}

impl Wanted {
    fn is_same(&self, other: &Self) -> bool {
        let script = |wanted: &Self| wanted.script.as_ref().map(|script| script.file.clone());
        self.file == other.file
            && self.selection == other.selection
            && script(self) == script(other)
    }

    /// The shell with what the lines of its script say, too. Relative paths in their arguments start from
    /// the script.
    fn of_script(mut self, placed: &Placed) -> Result<Self> {
        let Placed {
            script,
            file,
            is_staged,
        } = placed;
        self.selection = script.selected(&self.selection);
        ensure_relative_arguments_work(&self.selection, &script.file)?;
        self.include.extend(script.lines.include.iter().cloned());
        if *is_staged {
            let mut arguments = relative_arguments(&self.selection);
            if arguments.next().is_some() {
                self.directory = self.file.parent().map(Path::to_owned);
                self.include = self
                    .include
                    .iter()
                    .map(|entry| from_anywhere(entry))
                    .collect();
            }
        }
        self.script = Some(WantedScript {
            file: file.clone(),
            lines: Rc::clone(&script.lines),
        });
        Ok(self)
    }
}

/// A script to pack with its shell.
#[derive(Debug, Clone)]
pub(super) struct WantedScript {
    /// The script, absolute.
    pub(super) file: PathBuf,
    /// Its `#! nix-shell` lines.
    pub(super) lines: Rc<Lines>,
}

/// The shells to pack, and the files that come with them.
#[derive(Debug)]
pub(super) struct AllWanted {
    /// In order and without duplicates.
    pub(super) shells: Vec<Wanted>,
    /// Files to carry although evaluation does not read them: scripts, and those that the user names.
    pub(super) extra_files: Vec<PathBuf>,
}

/// Every shell that the user asks for.
pub(super) fn locate_all(
    options: &Options,
    nix: &Nix,
    scratch: &Path,
    report: &Report,
) -> Result<AllWanted> {
    let mut found = AllWanted {
        shells: Vec::new(),
        extra_files: options.extra_files.clone(),
    };
    if options.subjects.iter().any(Subject::is_flake) {
        found.shells = of_flake(options, nix, scratch, report)?;
        return Ok(found);
    }
    let scripts: Vec<_> = options
        .subjects
        .iter()
        .map(Script::of)
        .collect::<Result<_>>()?;
    let stage = stage(&options.subjects, &scripts, scratch)?;
    if let Some(stage) = &stage {
        let copies = options.extra_files.iter().map(|file| stage.copy(file));
        found.extra_files = copies.collect::<Result<_>>()?;
    }
    for (subject, script) in options.subjects.iter().zip(scripts) {
        let Some(script) = script else {
            let file = of_subject(subject, options, (nix, scratch), report)?;
            add(&mut found, options, (nix, &file), None)?;
            continue;
        };
        let located = match &stage {
            Some(stage) => stage.add(&script, nix)?,
            None => script.locate(nix)?,
        };
        let script = Placed {
            script,
            file: located.script.clone(),
            is_staged: stage.is_some(),
        };
        found.extra_files.push(located.script.clone());
        found.extra_files.extend(located.behind);
        add(&mut found, options, (nix, &located.shell), Some(&script))?;
    }
    Ok(found)
}

/// The project of scripts whose shells are in no file. It has no other shells.
fn stage(
    subjects: &[Subject],
    scripts: &[Option<Script>],
    scratch: &Path,
) -> Result<Option<Stage>> {
    let loose = scripts.iter().flatten().filter(|one| !one.is_in_project());
    let loose: Vec<_> = loose.collect();
    match loose.first() {
        None => Ok(None),
        Some(script) if loose.len() < subjects.len() => {
            Err(NoShell::ScriptAmongOthers(script.file.clone()).into())
        }
        Some(_) => Stage::new(&loose, scratch).map(Some),
    }
}

/// The shell file of a subject that is no script.
fn of_subject(
    subject: &Subject,
    options: &Options,
    (nix, scratch): (&Nix, &Path),
    report: &Report,
) -> Result<PathBuf> {
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
    Ok(file)
}

/// A script at its place in the project.
struct Placed {
    script: Script,
    file: PathBuf,
    is_staged: bool,
}

/// Adds the shells that the options select in a file, unless they are there already.
fn add(
    found: &mut AllWanted,
    options: &Options,
    (nix, file): (&Nix, &Path),
    script: Option<&Placed>,
) -> Result<()> {
    for selection in &options.selections {
        let wanted = Wanted {
            file: file.to_owned(),
            selection: Selection {
                settings: nix.options.of_evaluation(),
                ..selection.clone()
            },
            include: options.include.clone(),
            directory: None,
            script: None,
            flake: None,
        };
        let wanted = if let Some(placed) = script {
            wanted.of_script(placed)?
        } else {
            ensure_relative_arguments_work(selection, file)?;
            wanted
        };
        if !found.shells.iter().any(|known| known.is_same(&wanted)) {
            found.shells.push(wanted);
        }
    }
    Ok(())
}

/// An `-I` option that means the same in every directory.
fn from_anywhere(entry: &str) -> String {
    let (name, place) = match entry.split_once('=') {
        Some((name, place)) => (format!("{name}="), place),
        None => (String::new(), entry),
    };
    match fs::canonicalize(place) {
        Ok(place) => name + &place.to_string_lossy(),
        Err(_) => entry.to_owned(),
    }
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
        shown(file),
        nix.version,
        shell_typed(&other.to_string_lossy())
    )
}

/// Refuses relative paths in arguments unless the current directory is the shell file's: that is
/// where the target evaluates them.
fn ensure_relative_arguments_work(selection: &Selection, file: &Path) -> Result<()> {
    let Some(argument) = relative_arguments(selection).next() else {
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

/// The arguments that have a relative path in them.
fn relative_arguments(selection: &Selection) -> impl Iterator<Item = &Argument> {
    let expressions = selection.arguments.iter().filter(|one| !one.string);
    expressions.filter(|one| has_relative_path(&one.value))
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
    if options.nix.is_impure() {
        let attribute = AttributePath::candidates(named[0].1, &nix.system).swap_remove(0);
        return Err(FlakeProblem::Impure {
            reference: reference.to_owned(),
            attribute: attribute.to_string(),
        }
        .into());
    }
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
                include: Vec::new(),
                directory: None,
                script: None,
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
        Some(file) => Err(FlakeProblem::Include(shown(file).to_string()).into()),
        None => Ok(()),
    }
}
