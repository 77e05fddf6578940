//! nix-shell, called so that it neither fetches nor looks for a bash. `open` runs it for the user,
//! and a rehearsal tries it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::entry::bash::{Bash, NIX_BUILD_SHELL};
use crate::entry::recipe::Recipe;
use crate::error::{Error, Result};
use crate::nix::command::{self, NixCommand, UNBUILDING};
use crate::nix::environment::Environment;
use crate::nix::evaluate;
use crate::nix::expression::quote;
use crate::nix::flake::{Flake, Start};
use crate::nix::replay;
use crate::nix::scope;
use crate::nix::user_config::{Nothing, OVERLAYS, UserConfig};
use shellpack_format::bundle::manifest::selection::Selection;
use shellpack_format::bundle::manifest::{NIX_PATH, NIXPKGS_CONFIG, RelativePath, Shell};
use shellpack_format::store::store_path::StorePath;

mod develop;

pub(crate) use develop::{Develop, Outcome};

/// How to enter a shell, in the terms of nix-shell's options.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// `--run` or `--command`, and the command.
    pub command: Option<(&'static str, String)>,
    /// `--pure`.
    pub pure: bool,
    /// `--keep`.
    pub keep: Vec<String>,
    /// The arguments for the shell's script, if that is to run.
    pub script: Option<Vec<String>>,
    /// Whether the directory of the shell is gone afterwards, so that nobody enters it by hand.
    pub is_rehearsal: bool,
}

impl Entry {
    /// An entry that only runs a command.
    pub fn run(command: &str) -> Self {
        Self {
            command: Some((RUN, command.to_owned())),
            ..Self::default()
        }
    }

    /// nix-shell's options. The shell runs `before` first, after its hook.
    fn options(&self, before: Option<&str>) -> Vec<OsString> {
        let mut options: Vec<OsString> = Vec::new();
        if self.pure {
            options.push("--pure".into());
        }
        for variable in &self.keep {
            options.extend(["--keep".into(), variable.into()]);
        }
        match (&self.command, before) {
            (Some((option, command)), None) => {
                options.extend([(*option).into(), command.into()]);
            }
            (Some((option, command)), Some(before)) => {
                options.extend([(*option).into(), format!("{before}; {command}").into()]);
            }
            // A command ends the shell, unless it returns to the prompt, if there is one. The status
            // there is that of the last command before the `return`.
            (None, Some(before)) => {
                let command = format!("{before}; if [[ $- == *i* ]]; then return; fi");
                options.extend(["--command".into(), command.into()]);
            }
            (None, None) => {}
        }
        options
    }

    /// Whether a command runs as with `--run`: never in an interactive shell.
    pub fn is_run(&self) -> bool {
        self.command
            .as_ref()
            .is_some_and(|(option, _)| *option == RUN)
    }
}

/// The option for a command in a non-interactive shell.
pub(crate) const RUN: &str = "--run";

/// A shell of a bundle, to be evaluated with the project files in a directory.
#[derive(Debug)]
pub struct Invocation<'a> {
    shell: &'a Shell,
    /// The shell file.
    file: PathBuf,
    /// The directory to enter.
    directory: PathBuf,
    /// The file that replaces the shell file if evaluation needs answers.
    replay: Option<PathBuf>,
    /// The flake that the shell belongs to, if any.
    flake: Option<Flake>,
    /// Attribute and arguments.
    selection: Selection,
    /// The search path and the nixpkgs configuration, as variables.
    variables: Vec<(&'static str, String)>,
    /// All variables of evaluation but for those.
    environment: Environment,
    /// The directory for files that entering needs.
    dir: PathBuf,
    /// Whether evaluation is for `--pure`.
    pure: bool,
}

impl<'a> Invocation<'a> {
    /// Prepares an invocation for the project at `project`. Files that it needs are written to
    /// `dir`.
    pub fn new(recipe: &'a Recipe, project: &Path, dir: &Path) -> Result<Self> {
        let file = project.join(recipe.shell.file.as_str());
        let mut replay = None;
        let flake = recipe.flake(project)?;
        if recipe.is_answered() || flake.is_some() {
            let own: Vec<_> = recipe.files.iter().map(RelativePath::as_str).collect();
            let place = replay::ReplayPlace {
                start: flake.as_ref().map_or(Start::File(&file), Start::Flake),
                project,
                own: &own,
                others: &recipe.shell.fetching_files,
                nix_version: &recipe.shell.nix_version,
                answers: &recipe.answers,
                unseen: &[],
                like: recipe.like.as_deref(),
            };
            replay = Some(replay::write(&recipe.sources, place, dir)?);
        }
        let variables = variables(&recipe.shell, dir)?;
        let environment = Environment::of_machine()
            .with_all(&recipe.shell.evaluation_variables)
            .in_directory(&real(file.parent().unwrap_or(&file)));
        let own = recipe.shell.selection();
        let selection = match &replay {
            Some(wrapper) => scope::selection(&own, wrapper)?,
            None => own,
        };
        Ok(Self {
            directory: recipe.shell.entered_in(project),
            shell: &recipe.shell,
            file,
            replay,
            flake,
            selection,
            variables,
            environment,
            dir: dir.to_owned(),
            pure: false,
        })
    }

    /// This invocation, evaluated as nix-shell evaluates for this entry.
    pub(crate) fn of_entry(self, entry: &Entry) -> Self {
        Self {
            pure: entry.pure,
            ..self
        }
    }

    /// This invocation with these variables instead of the machine's own.
    pub(crate) fn with_variables(mut self, variables: &BTreeMap<String, Option<String>>) -> Self {
        for (name, value) in variables {
            self.environment = match value {
                Some(value) => self.environment.with(name, value),
                None => self.environment.without(name),
            };
        }
        self
    }

    /// The directory of the shell file, in which it is evaluated.
    fn directory_of_file(&self) -> &Path {
        self.file.parent().unwrap_or(&self.file)
    }

    /// The shell file as it is passed to Nix: with `./` in front, so that no name can be mistaken
    /// for an option, a URL or a `<…>`.
    fn file_argument(&self) -> PathBuf {
        match &self.replay {
            Some(file) => file.clone(),
            None => Path::new(".").join(self.file.file_name().unwrap_or_default()),
        }
    }

    /// This shell for `nix develop`, if it belongs to a flake.
    pub(crate) fn develop(&self) -> Option<Develop<'_>> {
        let attribute = self.shell.attribute.as_deref()?;
        let flake = self.flake.as_ref()?;
        Some(Develop::new(
            flake,
            attribute,
            &self.directory,
            &self.selection,
        ))
    }

    /// The nix-shell command that enters the derivation which evaluation gave, in the directory to
    /// enter. The variables of evaluation do not reach the shell.
    pub fn command(&self, derivation: &Path, entry: &Entry) -> Result<NixCommand> {
        // Without a bash of ours, nix-shell would look for one in `<nixpkgs>`, and perhaps build it.
        let bash = Bash::of(self.shell).for_nix_shell(&self.dir)?;
        let command = NixCommand::new("nix-shell")
            // Options come first: nix-shell treats a first argument that is a file starting with
            // `#!` as a script.
            .args(UNBUILDING)
            .args(by_name(derivation))
            .args(entry.options(bash.before.as_deref()));
        let command = match bash.value {
            Some(value) => command.env(NIX_BUILD_SHELL, value),
            None => command,
        };
        Ok(self.surroundings(command).current_dir(&self.directory))
    }

    /// Evaluates the shell without entering it. The root at `root` keeps the derivation.
    pub fn instantiate(&self, root: &Path) -> Result<StorePath> {
        let command = self.evaluation()?.args(["--indirect", "--add-root"]);
        let evaluated = command.arg(root).stdout_text();
        evaluated.map_err(|error| evaluate::without_ours(error, &self.dir))?;
        let target = fs::read_link(root).map_err(Error::io("read the symlink", root))?;
        let base = target.file_name().unwrap_or_default().to_string_lossy();
        StorePath::from_base_name(&base)
            .map_err(|bad| Error::nix_output("nix-instantiate", &bad.to_string()))
    }

    /// The command that evaluates the shell. It sees no other variables than the machine's own and
    /// the bundle's.
    pub fn evaluation(&self) -> Result<NixCommand> {
        let args = evaluate::instantiate_args(&self.file_argument(), &self.selection)?;
        let command = NixCommand::new("nix-instantiate")
            .environment(&self.environment)
            .args(self.selection.to_options())
            .args(args)
            .args(command::offline())
            .env(evaluate::IN_NIX_SHELL, evaluate::in_nix_shell(self.pure))
            .current_dir(self.directory_of_file());
        Ok(self.surroundings(command))
    }

    /// The log of Nix when it evaluates and must not build.
    pub fn log(&self) -> Result<String> {
        let command = self.evaluation()?.arg("-vvv").env("NO_COLOR", "1");
        let output = command.output_of()?;
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// The line to type to enter without shellpack. It names a bash: nix-shell would try to build one, and
    /// complain at length.
    pub fn by_hand(&self) -> Result<String> {
        let replay = self.replay.as_ref().map(|file| file.to_string_lossy());
        let replay = replay.as_deref().map(|file| (file, &self.selection));
        let directory = self.directory.to_string_lossy();
        let bash = Bash::of(self.shell).for_nix_shell(&self.dir)?.value;
        let mut variables = self.variables.clone();
        variables.extend(bash.map(|bash| (NIX_BUILD_SHELL, bash)));
        Ok(self.shell.by_hand(&directory, replay, &variables))
    }

    fn surroundings(&self, command: NixCommand) -> NixCommand {
        let variables = self.variables.iter();
        variables.fold(command, |command, (name, value)| command.env(name, value))
    }
}

/// A derivation as nix-shell takes it. Where `/nix` is a symlink, nix-shell follows it, and takes a
/// derivation that it finds outside of its store for an expression.
fn by_name(derivation: &Path) -> Vec<OsString> {
    if real(derivation) == derivation {
        return vec![derivation.as_os_str().to_owned()];
    }
    let import = format!("import {}", quote(&derivation.to_string_lossy()));
    ["-E".into(), import.into()].into()
}

/// A directory without symlinks and `..`, as far as it is there.
fn real(directory: &Path) -> PathBuf {
    fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned())
}

/// The environment variables that evaluation needs. If it would use this user's own nixpkgs
/// configuration or overlays, and the bundle has none, empty ones in `dir` take their place.
fn variables(shell: &Shell, dir: &Path) -> Result<Vec<(&'static str, String)>> {
    let mut variables: BTreeMap<_, _> = shell.surroundings().into_iter().collect();
    if !shell.takes_user_config || !has_own_config() {
        return Ok(variables.into_iter().collect());
    }
    let nothing = Nothing::write(dir)?;
    variables.entry(NIXPKGS_CONFIG).or_insert(nothing.config);
    if !shell.nix_path.iter().any(|entry| entry.name == OVERLAYS) {
        let own = variables
            .remove(NIX_PATH)
            .or_else(|| std::env::var(NIX_PATH).ok());
        let none = nothing.overlays;
        let path = own.map_or(none.clone(), |own| format!("{none}:{own}"));
        variables.insert(NIX_PATH, path);
    }
    Ok(variables.into_iter().collect())
}

/// Whether this user has a configuration or overlays that nixpkgs would find by itself.
fn has_own_config() -> bool {
    let path = std::env::var(NIX_PATH).unwrap_or_default();
    let overlays = format!("{OVERLAYS}=");
    !UserConfig::of_user().is_empty() || path.split(':').any(|entry| entry.starts_with(&overlays))
}
