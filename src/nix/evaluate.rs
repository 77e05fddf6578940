//! Evaluation, watched: which derivation a shell is, and what evaluation took from outside.
//!
//! Two sources tell: Nix's own log at `-vvv` (every file it evaluated, every source it
//! copied, wherever in the code that happened), and the recorder `record.nix` (fetchers,
//! `<…>` look-ups and reads, in the project's files only).

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Nix;
use super::command::{NixCommand, Selection};
use super::derivation::Derivation;
use super::flake::{FEATURES, Locked, Metadata, Start};
use super::scope;
use super::store_path::StorePath;
use super::user_config;
use crate::error::{Error, Result};
use crate::report::{Report, Waiting};

/// What a recorder's line starts with. Nobody else traces this.
const TOKEN: &str = "shellpack-record:";

/// What to evaluate, and in which surroundings.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The file, or the flake.
    pub start: Start<'a>,
    /// Attribute and arguments.
    pub selection: &'a Selection,
    /// `-I` options, in order.
    pub include: &'a [String],
    /// Whether flakes are fetched: on demand only, since old versions of Nix know none.
    pub flakes: bool,
    /// `NIX_PATH` instead of the user's.
    pub nix_path: Option<String>,
    /// A nixpkgs configuration instead of the user's.
    pub nixpkgs_config: Option<String>,
    /// Where to put a root for the derivation and the recorder's files.
    pub scratch: &'a Path,
    /// Hears what evaluation waits for.
    pub report: &'a Report,
}

/// What an evaluation came to.
#[derive(Debug, Default)]
pub struct Evaluation {
    /// Derivations, in order; nix-shell wants exactly one.
    pub derivations: Vec<StorePath>,
    /// Files that were evaluated, wherever they are.
    pub evaluated: BTreeSet<PathBuf>,
    /// Trees and files that became store paths.
    pub copied: BTreeSet<PathBuf>,
    /// What the recorder saw, in order.
    pub events: Vec<Recorded>,
    /// Warnings and traces of the user's own code.
    pub talk: Vec<String>,
}

/// One line of the recorder.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Recorded {
    /// A fetcher was called.
    Fetch {
        /// The builtin: `fetchTarball`.
        fetcher: String,
        /// The file that called it.
        from: String,
        /// Its arguments.
        arguments: serde_json::Value,
        /// The store path it returned.
        path: String,
        /// What it returned besides, if that was a set: revision, date.
        attributes: Option<serde_json::Value>,
        /// What makes a flake of it, if it is a known one.
        #[serde(default)]
        flake: Option<Locked>,
    },
    /// A file was imported.
    Import {
        /// The file that imports it; empty for the shell file itself.
        from: PathBuf,
        /// Its absolute path.
        path: PathBuf,
    },
    /// Something was read that Nix had to have in the store, and may have built for it.
    Realise {
        /// A derivation or another store path.
        path: String,
        /// The derivation's outputs that were read.
        outputs: Vec<String>,
    },
    /// A file or directory of the project was read.
    Read {
        /// The builtin: `readFile`.
        reader: String,
        /// The file that reads it.
        #[serde(default)]
        from: PathBuf,
        /// Its absolute path.
        path: PathBuf,
    },
    /// A path was copied into the store by `path` or `filterSource`.
    Copy {
        /// Its absolute path.
        path: PathBuf,
        /// The store path that it became: with a filter, perhaps less than what is there.
        result: PathBuf,
    },
    /// A variable of the environment was read.
    Environment {
        /// Its name.
        name: String,
    },
    /// A `<…>` is about to be looked up.
    Search {
        /// What stands between the angle brackets.
        name: String,
    },
    /// A `<…>` was looked up, and found.
    Lookup {
        /// What stands between the angle brackets.
        name: String,
        /// The file that looked it up.
        from: String,
        /// What was found.
        path: String,
    },
}

impl<'a> Request<'a> {
    /// In the user's own surroundings.
    pub fn new(
        start: Start<'a>,
        selection: &'a Selection,
        include: &'a [String],
        scratch: &'a Path,
        report: &'a Report,
    ) -> Self {
        Self {
            start,
            selection,
            include,
            flakes: false,
            nix_path: None,
            nixpkgs_config: None,
            scratch,
            report,
        }
    }

    /// Evaluates as nix-shell would, only watching Nix's log.
    pub fn evaluate(&self, nix: &Nix) -> Result<Evaluation> {
        let Start::Flake(flake) = self.start else {
            return self.instantiate(nix, self.file(), self.selection);
        };
        let text = format!(
            "{}({}) import\n",
            self.start.bindings(&flake.source)?,
            self.start.function()?
        );
        self.instantiate_in("flake", None, &text, nix)
    }

    /// Evaluates through the recorder. `files` are what an evaluation without it imported;
    /// of what lies below `foreign` directories, only fetches and look-ups are recorded; of
    /// `flakes`, Nix has said what they are.
    pub fn record(
        &self,
        nix: &Nix,
        files: &BTreeSet<PathBuf>,
        foreign: &[PathBuf],
        flakes: &[KnownFlake],
    ) -> Result<Evaluation> {
        let quote_paths = |paths: &mut dyn Iterator<Item = &PathBuf>| -> Result<String> {
            let texts: Vec<_> = paths.map(|path| utf8(path)).collect::<Result<_>>()?;
            Ok(quote_all(texts.into_iter()))
        };
        let flakes = serde_json::to_string(flakes)
            .map_err(|error| Error::nix_output("nix flake metadata", &error.to_string()))?;
        let text = format!(
            "{}(import ./record.nix {{ token = {}; entry = {}; isPure = {}; files = [ {} ]; \
             foreign = [ {} ]; flakes = builtins.fromJSON {}; }})\n",
            self.start.bindings(self.file())?,
            quote(TOKEN),
            self.start.function()?,
            self.start.is_pure(),
            quote_paths(&mut files.iter())?,
            quote_paths(&mut foreign.iter())?,
            quote(&flakes),
        );
        let user = ("record.nix", include_str!("record.nix"));
        self.instantiate_in("recorder", Some(user), &text, nix)
    }

    /// Evaluates files of ours, which are not to be taken for the user's.
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
    pub fn file(&self) -> &'a Path {
        match self.start {
            Start::File(file) => file,
            Start::Flake(flake) => &flake.source,
        }
    }

    /// Evaluates through a file that stands for the shell's, such as a [`super::replay`].
    pub fn evaluate_through(&self, nix: &Nix, wrapper: &Path) -> Result<Evaluation> {
        let selection = scope::selection(self.selection, wrapper)?;
        self.instantiate(nix, wrapper, &selection)
    }

    fn instantiate(&self, nix: &Nix, file: &Path, selection: &Selection) -> Result<Evaluation> {
        let root = self.scratch.join("derivation");
        let mut evaluation = Evaluation::default();
        let mut failing = false;
        let mut download = None;
        let printed = self
            .command(instantiate_args(file, selection)?, &root)
            .stdout_text_with_log(|line| {
                // A trace of the user's may look like an error; so everything is noted all the same.
                failing |= line.starts_with("error:");
                evaluation.note(line);
                self.note_download(line, &mut download);
                failing
            })?;
        for link in printed.lines() {
            // The link may be followed by `!output` where not the default output was selected.
            let link = link.split('!').next().unwrap_or(link);
            let target = fs::read_link(link).map_err(Error::io("read the symlink", link))?;
            let path = nix.store.parse_path(&target.to_string_lossy());
            evaluation
                .derivations
                .push(path.map_err(|bad| Error::nix_output("nix-instantiate", &bad.to_string()))?);
        }
        Ok(evaluation)
    }

    /// A download is what evaluation takes longest for, and Nix says when it begins and ends.
    /// Should it say the end otherwise one day, it has ended where evaluation goes on.
    fn note_download(&self, line: &str, download: &mut Option<Waiting<'a>>) {
        if let Some(url) = quoted(line, "downloading '") {
            let what = format!("the download of {}", without_secrets(url));
            *download = Some(self.report.waiting(&what));
        } else if ["finished download of '", "evaluating file '"]
            .iter()
            .any(|prefix| line.starts_with(prefix))
        {
            *download = None;
        }
    }

    /// A flake's inputs are fetched by `fetchTree`.
    fn features(&self) -> &'static [&'static str] {
        let takes_fetch_tree = self.flakes || self.start.is_pure();
        if takes_fetch_tree { &FEATURES } else { &[] }
    }

    fn command(&self, args: Vec<OsString>, root: &Path) -> NixCommand {
        let mut command = NixCommand::new("nix-instantiate")
            .args(args)
            .args(self.include.iter().flat_map(|entry| ["-I", entry]))
            .args(self.features())
            .args(["--indirect", "-vvv", "--add-root"])
            .arg(root)
            .env("NO_COLOR", "1")
            // What nix-shell sets before it evaluates; nixpkgs' `lib.inNixShell` reads it.
            .env("IN_NIX_SHELL", "impure");
        if let Some(nix_path) = &self.nix_path {
            command = command.env("NIX_PATH", nix_path);
        }
        if let Some(file) = &self.nixpkgs_config {
            command = command.env(user_config::VARIABLE, file);
        }
        command
    }
}

/// A flake that `getFlake` returns.
#[derive(Debug, Clone, Serialize)]
pub struct KnownFlake {
    /// The reference that the shell names it by.
    pub reference: String,
    /// The store path of its source.
    pub path: String,
    /// What else the source is.
    pub attributes: serde_json::Value,
    /// What makes a flake of it.
    pub flake: Locked,
}

impl KnownFlake {
    /// Asks Nix what a reference leads to.
    pub fn of(reference: &str) -> Result<Self> {
        let metadata = Metadata::of(reference)?;
        Ok(Self {
            reference: reference.to_owned(),
            attributes: metadata.attributes()?,
            flake: metadata.locked(),
            path: metadata.path,
        })
    }
}

impl Evaluation {
    fn note(&mut self, line: &str) {
        if let Some(json) = line
            .strip_prefix("trace: ")
            .and_then(|text| text.strip_prefix(TOKEN))
        {
            // A line that is not ours by chance is nothing to fail over.
            self.events.extend(serde_json::from_str::<Recorded>(json));
        } else if let Some(file) = quoted(line, "evaluating file '") {
            self.evaluated.insert(file.into());
        } else if let Some(file) = quoted(line, "copied source '") {
            self.copied.insert(file.into());
        } else if line.starts_with("trace: ") || line.starts_with("warning: ") {
            self.talk.push(line.to_owned());
        }
    }
}

/// The text between a prefix and the quote that ends it.
fn quoted<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(prefix)?;
    let end = rest.find("' -> '").or_else(|| rest.rfind('\''))?;
    Some(&rest[..end])
}

/// A url without user, password and query: where it is shown, logs are kept.
fn without_secrets(url: &str) -> String {
    let shown = url.split(['?', '#']).next().unwrap_or(url);
    let Some((scheme, rest)) = shown.split_once("://") else {
        return shown.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}{path}")
}

/// What nix-instantiate is told, to evaluate what nix-shell would of a file and a selection: that
/// one passes `inNixShell` to a function that names it.
pub fn instantiate_args(file: &Path, selection: &Selection) -> Result<Vec<OsString>> {
    let mut arguments = selection.arguments.iter();
    if arguments.any(|argument| argument.name == "inNixShell") {
        let mut args = vec![file.as_os_str().to_owned()];
        args.extend(selection.to_args());
        return Ok(args);
    }
    let (base, file) = match file.strip_prefix("/") {
        Ok(below) => ("/.", below),
        Err(_) => ("./.", file),
    };
    let text = format!(
        "({}) (import ({base} + {}))",
        include_str!("call.nix"),
        quote(&format!("/{}", utf8(file)?))
    );
    let mut args = vec!["-E".into(), text.into()];
    args.extend(selection.to_args());
    args.extend(["--arg", "inNixShell", "true"].map(OsString::from));
    Ok(args)
}

/// Reads a derivation from the store.
pub fn read_derivation(nix: &Nix, path: &StorePath) -> Result<Derivation> {
    let file = nix.store.join(path);
    let bytes = fs::read(&file).map_err(Error::io("read", &file))?;
    parse_derivation(nix, path, &bytes)
}

/// Parses the text of a derivation.
pub fn parse_derivation(nix: &Nix, path: &StorePath, bytes: &[u8]) -> Result<Derivation> {
    Derivation::parse(bytes, &nix.store).map_err(|source| Error::BadDerivation {
        path: path.clone(),
        source,
    })
}

/// A string literal of the Nix language.
pub fn quote(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace("${", "\\${")
        .replace('\n', "\\n")
        .replace('\r', "\\r");
    format!("\"{escaped}\"")
}

/// String literals of the Nix language, as elements of a list.
pub(super) fn quote_all<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = texts.map(quote).collect();
    quoted.join(" ")
}

/// Nix's language has only UTF-8 text as far as we are concerned.
pub fn utf8(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| Error::NotUtf8(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_understood() {
        let mut evaluation = Evaluation::default();
        for line in [
            "evaluating file '/p/it's/shell.nix'",
            "copied source '/p/src' -> '/nix/store/abc-src'",
            "trace: hello",
            "trace: shellpack-record:{\"event\":\"read\",\"reader\":\"readFile\",\"from\":\"/p\",\"path\":\"/p/x\"}",
            "instantiated 'x' -> '/nix/store/y.drv'",
        ] {
            evaluation.note(line);
        }
        assert_eq!(
            evaluation.evaluated.first().unwrap(),
            Path::new("/p/it's/shell.nix")
        );
        assert_eq!(evaluation.copied.first().unwrap(), Path::new("/p/src"));
        assert_eq!(evaluation.talk, ["trace: hello"]);
        assert!(
            matches!(&evaluation.events[..], [Recorded::Read { path, .. }] if path == Path::new("/p/x"))
        );
    }

    #[test]
    fn urls_are_shown_without_secrets() {
        let urls = [
            "https://user:pa@ss@host:80/a@b/c.tar.gz?token=x#y",
            "https://host?token=x",
            "file:///a/b",
            "/a/b",
        ];
        assert_eq!(
            urls.map(without_secrets),
            [
                "https://host:80/a@b/c.tar.gz",
                "https://host",
                "file:///a/b",
                "/a/b"
            ]
        );
    }

    #[test]
    fn strings_are_quoted_for_nix() {
        assert_eq!(quote("a\"b\\c${d}$e"), r#""a\"b\\c\${d}$e""#);
    }
}
