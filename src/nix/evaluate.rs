//! Watched evaluation: the derivation of a shell, and everything from outside that evaluation used.
//!
//! There are two sources: Nix's own log at `-vvv` (every file that it evaluated, every source that it
//! copied, anywhere in the code), and the recorder `record.nix` (fetchers, `<…>` look-ups and reads, in
//! the project's files only).

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::Nix;
use super::command::NixCommand;
use super::environment::Environment;
use super::expression::{quote, quote_all, utf8};
use super::flake::{FEATURES, Start};
use super::scope;
use crate::error::{Error, Result};
use crate::report::{Report, Waiting};
use shellpack_format::bundle::manifest::NIXPKGS_CONFIG;
use shellpack_format::bundle::manifest::selection::Selection;
use shellpack_format::store::derivation::Derivation;
use shellpack_format::store::store_path::StorePath;

mod choices;
mod frames;
mod log;
mod recorded;
mod said;

pub(crate) use choices::Choices;
pub(crate) use frames::{as_expression, without_ours};
pub(crate) use log::Evaluation;
use log::quoted;
use recorded::TOKEN;
pub(crate) use recorded::{KnownFlake, Recorded};

/// A shell to evaluate, and the surroundings to evaluate it in.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    /// The file, or the flake.
    pub start: Start<'a>,
    /// Attribute and arguments.
    pub selection: &'a Selection,
    /// `-I` options, in order.
    pub include: &'a [String],
    /// The directory that relative paths in arguments start from, if it is not the current one.
    pub directory: Option<&'a Path>,
    /// `builtins.currentTime`, in a recording.
    pub time: u64,
    /// Whether flakes are fetched. Off by default, since old versions of Nix have no flakes.
    pub flakes: bool,
    /// `NIX_PATH` instead of the user's.
    pub nix_path: Option<String>,
    /// A nixpkgs configuration instead of the user's.
    pub nixpkgs_config: Option<String>,
    /// Whether it is for `nix-shell --pure`: nix-shell says so to the evaluation.
    pub pure: bool,
    /// All environment variables, besides those that follow from the fields above.
    pub environment: Environment,
    /// The directory for a root of the derivation and for the recorder's files.
    pub scratch: &'a Path,
    /// Is told what evaluation waits for.
    pub report: &'a Report,
}

impl<'a> Request<'a> {
    /// In the user's own surroundings but for the environment variables.
    pub(crate) fn new(
        start: Start<'a>,
        selection: &'a Selection,
        include: &'a [String],
        environment: Environment,
        scratch: &'a Path,
        report: &'a Report,
    ) -> Self {
        Self {
            start,
            selection,
            include,
            directory: None,
            time: 0,
            flakes: false,
            nix_path: None,
            nixpkgs_config: None,
            pure: false,
            environment,
            scratch,
            report,
        }
    }

    /// Evaluates as nix-shell would, and only watches Nix's log.
    pub(crate) fn evaluate(&self, nix: &Nix) -> Result<Evaluation> {
        let Start::Flake(flake) = self.start else {
            let evaluated = self.instantiate(nix, self.file(), self.selection);
            return evaluated.map_err(|error| self.said_by_nix(error, nix));
        };
        let text = self.start.bindings(&flake.source)? + &flake.value()? + "\n";
        self.instantiate_in("flake", None, &text, nix)
    }

    /// Evaluates through the recorder. `files` are the files that an evaluation without it imported.
    /// Below `foreign` directories, only fetches and look-ups are recorded, but also reads of the
    /// user's nixpkgs `configuration`. `flakes` are those that Nix has resolved.
    pub(crate) fn record(
        &self,
        nix: &Nix,
        files: &BTreeSet<PathBuf>,
        (foreign, configuration): (&[PathBuf], &[PathBuf]),
        flakes: &[KnownFlake],
    ) -> Result<Evaluation> {
        let quote_paths = |paths: &mut dyn Iterator<Item = &PathBuf>| -> Result<String> {
            let texts: Vec<_> = paths.map(|path| utf8(path)).collect::<Result<_>>()?;
            Ok(quote_all(texts.into_iter()))
        };
        let flakes = serde_json::to_string(flakes)
            .map_err(|error| Error::nix_output("nix flake metadata", &error.to_string()))?;
        let text = format!(
            "{}(import ./record.nix {{ token = {}; start = {}; isPure = {}; files = [ {} ]; \
             foreign = [ {} ]; configuration = [ {} ]; flakes = builtins.fromJSON {}; time = {}; names = {}; }})\n",
            self.start.bindings(self.file())?,
            quote(TOKEN),
            self.start.function()?,
            self.start.is_pure(),
            quote_paths(&mut files.iter())?,
            quote_paths(&mut foreign.iter())?,
            quote_paths(&mut configuration.iter())?,
            quote(&flakes),
            self.time,
            self.names(nix),
        );
        let user = ("record.nix", include_str!("record.nix"));
        self.instantiate_in("recorder", Some(user), &text, nix)
    }

    /// The builtins that the shell sees, if this evaluation has more of them than the user's own.
    fn names(&self, nix: &Nix) -> String {
        if self.features().is_empty() {
            return "null".to_owned();
        }
        let names = nix.builtins.iter().map(String::as_str);
        format!("[ {} ]", quote_all(names))
    }

    /// Evaluates files of ours, and keeps them out of the result.
    fn instantiate_in(
        &self,
        dir: &str,
        user: Option<(&str, &str)>,
        text: &str,
        nix: &Nix,
    ) -> Result<Evaluation> {
        let dir = self.scratch.join(dir);
        let wrapper = scope::write(&dir, user, text)?;
        let mut evaluation = self.evaluate_through(nix, &wrapper)?;
        evaluation.evaluated.retain(|file| !file.starts_with(&dir));
        evaluation.events.retain(
            |event| !matches!(event, Recorded::Import { path, .. } if path.starts_with(&dir)),
        );
        Ok(evaluation)
    }

    /// The shell file, or the directory of the flake.
    pub(crate) fn file(&self) -> &'a Path {
        match self.start {
            Start::File(file) => file,
            Start::Flake(flake) => &flake.source,
        }
    }

    /// Evaluates through a file in place of the shell's, such as a [`super::replay`].
    pub(crate) fn evaluate_through(&self, nix: &Nix, wrapper: &Path) -> Result<Evaluation> {
        let selection = scope::selection(self.selection, wrapper)?;
        let evaluated = self.instantiate(nix, wrapper, &selection);
        evaluated.map_err(|error| without_ours(error, self.scratch))
    }

    fn instantiate(&self, nix: &Nix, file: &Path, selection: &Selection) -> Result<Evaluation> {
        let mut evaluation = Evaluation::default();
        let printed = self.print(nix, instantiate_args(file, selection)?, &mut evaluation)?;
        for link in printed.lines() {
            // `!output` follows the link if another output than the default was selected.
            let link = link.split('!').next().unwrap_or(link);
            let target = fs::read_link(link).map_err(Error::io("read the symlink", link))?;
            let path = nix.store.parse_path(&target.to_string_lossy());
            evaluation
                .derivations
                .push(path.map_err(|bad| Error::nix_output("nix-instantiate", &bad.to_string()))?);
        }
        Ok(evaluation)
    }

    /// Runs nix-instantiate, and returns what it prints. What its log says goes to `evaluation`.
    fn print(&self, nix: &Nix, args: Vec<OsString>, evaluation: &mut Evaluation) -> Result<String> {
        let root = self.scratch.join("derivation");
        let mut waiting = None;
        let mut listener = said::Listener::default();
        let printed = self.command(nix, args, &root).stdout_text_with_log(|line| {
            evaluation.note(line);
            self.note_wait(line, &mut waiting);
            listener.is_told(line)
        });
        printed.map_err(|error| said::shortened(error, self.report))
    }

    /// Downloads and builds are the slowest parts of an evaluation, and Nix logs when one begins. It
    /// logs the end of a download; in case a later Nix words that differently, and for builds, it has
    /// also ended when evaluation goes on.
    fn note_wait(&self, line: &str, waiting: &mut Option<Waiting<'a>>) {
        if let Some(url) = quoted(line, "downloading '") {
            *waiting = Some(self.report.waiting(&format!("the download of {url}")));
        } else if let Some(derivation) = quoted(line, "building '") {
            *waiting = Some(self.report.waiting(&format!("the build of {derivation}")));
        } else if ["finished download of '", "evaluating file '"]
            .iter()
            .any(|prefix| line.starts_with(prefix))
        {
            *waiting = None;
        }
    }

    /// The features that `fetchTree` needs, which fetches a flake's inputs.
    fn features(&self) -> &'static [&'static str] {
        let needs_fetch_tree = self.flakes || self.start.is_pure();
        if needs_fetch_tree { &FEATURES } else { &[] }
    }

    fn command(&self, nix: &Nix, args: Vec<OsString>, root: &Path) -> NixCommand {
        self.evaluator(nix)
            .args(args)
            .args(["--indirect", "-vvv", "--add-root"])
            .arg(root)
    }

    /// nix-instantiate in the surroundings of this request, without anything to evaluate.
    fn evaluator(&self, nix: &Nix) -> NixCommand {
        let mut command = nix
            .command("nix-instantiate")
            .environment(&self.environment)
            .args(self.include.iter().flat_map(|entry| ["-I", entry]))
            .args(self.features())
            .env("NO_COLOR", "1")
            .env(IN_NIX_SHELL, in_nix_shell(self.pure));
        if let Some(directory) = self.directory {
            command = command.current_dir(directory);
        }
        if let Some(nix_path) = &self.nix_path {
            command = command.env("NIX_PATH", nix_path);
        }
        if let Some(file) = &self.nixpkgs_config {
            command = command.env(NIXPKGS_CONFIG, file);
        }
        command
    }
}

/// The variable that nix-shell sets before it evaluates; nixpkgs' `lib.inNixShell` reads it.
pub(crate) const IN_NIX_SHELL: &str = "IN_NIX_SHELL";

/// Its value.
pub(crate) fn in_nix_shell(pure: bool) -> &'static str {
    if pure { "pure" } else { "impure" }
}

/// The arguments with which nix-instantiate evaluates a file and a selection as nix-shell does, which
/// passes `inNixShell` to a function that has this argument.
pub(crate) fn instantiate_args(file: &Path, selection: &Selection) -> Result<Vec<OsString>> {
    let mut arguments = selection.arguments.iter();
    if arguments.any(|argument| argument.name == "inNixShell") {
        let mut args = vec![file.as_os_str().to_owned()];
        args.extend(selection.to_args());
        return Ok(args);
    }
    let mut args = vec!["-E".into(), call_of(file)?.into()];
    args.extend(selection.to_args());
    args.extend(["--arg", "inNixShell", "true"].map(OsString::from));
    Ok(args)
}

/// The arguments that name the file itself. nix-instantiate then passes `inNixShell` to more functions
/// than nix-shell does.
fn plain_args(file: &Path, selection: &Selection) -> Vec<OsString> {
    let mut args = vec![file.as_os_str().to_owned()];
    args.extend(selection.to_args());
    args.extend(["--arg", "inNixShell", "true"].map(OsString::from));
    args
}

/// The value of a file, for nix-instantiate to call as nix-shell does.
fn call_of(file: &Path) -> Result<String> {
    let (base, file) = match file.strip_prefix("/") {
        Ok(below) => ("/.", below),
        Err(_) => ("./.", file),
    };
    Ok(format!(
        "({}) (import ({base} + {}))",
        include_str!("call.nix"),
        quote(&format!("/{}", utf8(file)?))
    ))
}

/// Reads a derivation from the store.
pub(crate) fn read_derivation(nix: &Nix, path: &StorePath) -> Result<Derivation> {
    let file = nix.store.join(path);
    let bytes = fs::read(&file).map_err(Error::io("read", &file))?;
    parse_derivation(nix, path, &bytes)
}

/// Parses the text of a derivation.
pub(crate) fn parse_derivation(nix: &Nix, path: &StorePath, bytes: &[u8]) -> Result<Derivation> {
    Derivation::parse(bytes, &nix.store).map_err(|source| Error::BadDerivation {
        path: path.clone(),
        source,
    })
}
