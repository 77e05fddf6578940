//! The first stage: evaluates the shells, and records everything that evaluation used.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::TempDir;

use super::Options;
use super::project::{self, Beyond, Project};
use super::script;
use super::secrets;
use super::tools::WantedTools;
use super::wanted::{self, WantedScript};
use crate::error::{Error, NoShell, Result, first};
use crate::media::workplace::{Temporary, Workplace};
use crate::nix::Nix;
use crate::nix::daemon::Connection;
use crate::nix::options::NixOptions;
use crate::report::{Event, Phase, Report};
use crate::text::shown;
use crate::tree;
use shellpack_format::bundle::manifest::selection::Selection;
use shellpack_format::bundle::manifest::{BundleName, FlakeSource, Pin, ShellName};
use shellpack_format::store::derivation::Derivation;
use shellpack_format::store::store_path::StorePath;

mod alike;
mod answered;
mod asked;
mod choice;
mod environment;
mod evaluator;
mod fetching;
mod matter;
mod names;
mod names_of_builtins;
mod pins;
mod places;
mod reach;
mod reads;
mod recording;
mod surroundings;
mod user_config;

use answered::Answered;
pub(crate) use environment::Assignment;
pub(super) use environment::Values;
use environment::{Own, Variables};
use evaluator::{Evaluator, Observed};
pub(super) use reads::Reads;
pub(super) use surroundings::Surroundings;

/// Evaluated shells, at least one, and what they have in common.
#[must_use]
#[derive(Debug)]
pub(super) struct Shells {
    /// The Nix that evaluated them.
    pub(super) nix: Nix,
    /// The bundle's name.
    pub(super) name: BundleName,
    /// In the order of the command line.
    pub(super) all: Vec<Shell>,
    /// The sources that any of them fetched or looked up.
    pub(super) pins: Vec<Pin>,
    /// Answers that evaluation needs besides those of fetchers.
    pub(super) answers: Answered,
    /// The project's files.
    pub(super) project: Project,
    /// Whether everything that only evaluation needs is left out.
    pub(super) no_eval: bool,
    /// Programs to carry for machines that lack them.
    pub(super) tools: WantedTools,
    /// Roots and temporary files. They last as long as this value.
    pub(super) scratch: TempDir,
    /// As long as it is held, the directory is nobody's leftover.
    _workplace: Workplace,
    /// Holds the sources that evaluation fetched: Nix itself does not hold one that was already
    /// valid.
    _temporary_roots: Connection,
}

/// An evaluated shell.
#[must_use]
#[derive(Debug)]
pub(super) struct Shell {
    /// Its name, if there are several shells.
    pub(super) name: Option<ShellName>,
    /// The shell file, absolute.
    pub(super) file: PathBuf,
    /// Attribute and arguments.
    pub(super) selection: Selection,
    /// The script that runs in it, if any.
    pub(super) script: Option<WantedScript>,
    /// The path of its derivation.
    pub(super) path: StorePath,
    /// Its derivation.
    pub(super) derivation: Derivation,
    /// The sources that this shell fetched and looked up.
    pub(super) pins: Vec<Pin>,
    /// Derivations whose outputs evaluation reads.
    pub(super) read_while_evaluating: Reads,
    /// The search path and configuration that evaluation used, frozen into the store.
    pub(super) surroundings: Surroundings,
    /// Environment variables that decide what comes out, and that the bundle carries.
    pub(super) evaluation_variables: Values,
    /// Environment variables of this machine that decide it, with their values here.
    pub(super) machine_variables: Own,
    /// Others of this machine that the project's files compare.
    pub(super) compared_variables: BTreeSet<String>,
    /// Environment variables that evaluation reads.
    pub(super) variables_read: BTreeSet<String>,
    /// Files outside the project that call a fetcher, or import a file that does.
    pub(super) fetching_files: Vec<String>,
    /// The flake source, if the shell belongs to a flake.
    pub(super) flake: Option<FlakeSource>,
    /// A directory for the roots and temporary files of this shell.
    pub(super) scratch: PathBuf,
}

impl Shell {
    fn said(&self) -> secrets::Said<'_> {
        secrets::Said {
            who: ShellName::before_words(self.name.as_ref()),
            derivation: &self.derivation,
            selection: &self.selection,
            pins: &self.pins,
        }
    }
}

/// The names of directories for roots and temporary files.
const TEMPORARY: Temporary = Temporary {
    prefix: "shellpack-create-",
    suffix: "",
};

fn scratch() -> Result<(Workplace, TempDir)> {
    let place = std::env::temp_dir();
    let workplace = Workplace::enter(&place, TEMPORARY, |left| {
        let _ = tree::delete_tree(left);
    });
    let mut builder = tempfile::Builder::new();
    let scratch = builder
        .prefix(TEMPORARY.prefix)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(&place);
    let scratch = scratch.map_err(Error::io("create a directory in", place))?;
    Ok((workplace, scratch))
}

/// Evaluates the shells, and records everything that evaluation used.
pub(super) fn evaluate(options: &Options, report: &Report) -> Result<Shells> {
    report.emit(Event::Phase(Phase::Evaluate));
    ensure_name_is_usable(options)?;
    let variables = Variables::of(options)?;
    let (workplace, scratch) = scratch()?;
    let nix = find_nix(options)?;
    let wanted = wanted::locate_all(options, &nix, scratch.path(), report)?;
    let mut connection = nix.connect()?;
    let evaluator = Evaluator {
        options,
        nix: &nix,
        variables: &variables,
        scratch: scratch.path(),
        report,
        time: now(),
    };
    let extra_files = wanted.extra_files;
    let observed = evaluator.observe_all(wanted.shells, &mut connection)?;
    let parts: Vec<_> = observed.iter().map(Observed::part).collect();
    let (here, project) = if let Some(flake) = &observed[0].wanted.flake {
        (flake.here(), flake.project()?)
    } else {
        let here = std::env::current_dir().ok();
        let project = project::collect(&parts, &extra_files, here.as_deref())?;
        (here, project)
    };
    report.ensure_not_interrupted()?;
    if !options.no_eval {
        project.ensure_named_relatively(&parts)?;
        tell_of_files_beyond(&project, report);
        project.tell_of_large_files(report);
    }
    let (mut all, answers) = evaluator.evaluate_answered(&observed, &project)?;
    let name = name(options, &project.root)?;
    let project = if options.no_eval {
        without_evaluation(&project, &all, &extra_files, here.as_deref(), report)?
    } else {
        secrets::warn_of_files(&project, report);
        project
    };
    names::assign(&mut all, &project.root);
    for shell in &all {
        secrets::warn_of_values(&shell.said(), report);
    }
    Ok(Shells {
        nix,
        name,
        pins: pins::of_all(all.iter().map(|shell| &shell.pins)),
        all,
        answers,
        project,
        no_eval: options.no_eval,
        tools: options.tools.clone(),
        scratch,
        _workplace: workplace,
        _temporary_roots: connection,
    })
}

/// This machine's Nix, with the options that the user gives it.
fn find_nix(options: &Options) -> Result<Nix> {
    let mut settings = script::settings(&options.subjects)?;
    settings.extend(options.nix.settings.iter().cloned());
    let all = NixOptions {
        settings,
        ..options.nix.clone()
    };
    if let Some(setting) = all.search_path() {
        return Err(NoShell::SearchPath(setting.to_owned()).into());
    }
    let nix = Nix::find_with(all)?;
    nix.ensure_store_is_here()?;
    Ok(nix)
}

/// The project as far as it is carried for entry without evaluation.
fn without_evaluation(
    project: &Project,
    all: &[Shell],
    extra_files: &[PathBuf],
    here: Option<&Path>,
    report: &Report,
) -> Result<Project> {
    let copied = project.only_copied();
    secrets::warn_of_files(&copied, report);
    warn_of_project_paths(all, &project.root, report);
    let files: Vec<_> = all.iter().map(|shell| shell.file.as_path()).collect();
    let own = project::without_evaluation(&files, extra_files, here)?;
    secrets::warn_of_new_files(&own, &copied, report);
    Ok(own)
}

/// The time, in seconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn tell_of_files_beyond(project: &Project, report: &Report) {
    if let Some(Beyond { file, is_named }) = &project.beyond {
        let why = if *is_named {
            format!("{} is included", shown(file))
        } else {
            format!("evaluation reads {}", shown(file))
        };
        report.emit(Event::Warning(&format!(
            "{why}, so that the project begins at {}; only the files that are read there are carried",
            shown(&project.root)
        )));
    }
}

/// Checks `--name` before evaluation, which may be slow.
fn ensure_name_is_usable(options: &Options) -> Result<()> {
    name(options, Path::new("/")).map(drop)
}

/// The name that was asked for, else that of the only shell file, if it says more than the project
/// directory's.
fn name(options: &Options, root: &Path) -> Result<BundleName> {
    if let Some(name) = &options.name {
        return BundleName::parse(name).map_err(Error::BadName);
    }
    let own = match &options.subjects[..] {
        [subject] => subject.own_name(),
        _ => None,
    };
    let name = own.or(root.file_name()).unwrap_or_default();
    Ok(BundleName::from_directory(&name.to_string_lossy()))
}

/// Warns of variables that contain the path of the project. Evaluation on the target would adapt
/// them; entry without evaluation keeps them.
fn warn_of_project_paths(shells: &[Shell], root: &Path, report: &Report) {
    let Some(root) = root.to_str() else { return };
    for shell in shells {
        let environment = shell.derivation.environment.iter();
        let named = environment.filter(|(_, value)| value.contains(root));
        let named: Vec<_> = named.map(|(variable, _)| variable.as_str()).collect();
        let (variables, keep) = match &named[..] {
            [] => continue,
            [variable] => (
                format!("variable {variable} contains"),
                "it keeps that value",
            ),
            more => (
                format!("variables {} contain", first(more)),
                "they keep that value",
            ),
        };
        report.emit(Event::Warning(&format!(
            "the shell's {variables} the project's directory, {root}; without evaluation, {keep} on \
             every machine"
        )));
    }
}
