//! Flakes: the metadata of a reference, and evaluation of a flake whose source is in a directory,
//! which needs no `flakes` feature if its inputs are answered.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::command;
use super::expression::{quote, quote_all, utf8};
use super::{Nix, scope};
use crate::error::{Error, Result};
use shellpack_format::store::store_path::StorePath;

mod attribute;
mod metadata;

pub(crate) use attribute::AttributePath;
pub(crate) use metadata::Metadata;

/// The options that enable flakes. Nix before 2.4 has neither flakes nor these options.
pub(crate) const FEATURES: [&str; 2] = ["--extra-experimental-features", "nix-command flakes"];

/// The file that makes a tree a flake.
pub(crate) const FILE: &str = "flake.nix";
/// The file that pins a flake's inputs.
pub(crate) const LOCK_FILE: &str = "flake.lock";

/// A flake in a directory.
#[derive(Debug, Clone)]
pub(crate) struct Flake {
    /// The directory of its source, absolute.
    pub source: PathBuf,
    /// The flake's files in that directory, relative to it; `None` means all but `.git`.
    pub files: Option<Vec<String>>,
    /// The directory of `flake.nix` in it; empty at the top.
    pub directory: String,
    /// The other attributes of the source: revision, date.
    pub attributes: Value,
    /// The version of Nix whose rules for flakes apply.
    pub nix_version: String,
}

/// The starting point of an evaluation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start<'a> {
    /// A shell file.
    File(&'a Path),
    /// All outputs of a flake.
    Flake(&'a Flake),
}

/// The parts of a flake besides its tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Locked {
    /// The directory of `flake.nix` in the tree; empty at the top.
    pub directory: String,
    /// The content of `flake.lock`, if the tree has none that is complete.
    #[serde(default)]
    pub lock: Option<Value>,
}

impl Flake {
    /// Adds its source to the store, and returns the store path.
    pub(crate) fn store_path(&self, nix: &Nix, scratch: &Path) -> Result<StorePath> {
        let path: String = self.evaluate("source", &[], nix, scratch)?;
        let path = nix.store.parse_path(&path);
        path.map_err(|bad| Error::nix_output("nix-instantiate", &bad.to_string()))
    }

    /// The first of these attribute paths that the flake has.
    pub(crate) fn first_of<'a>(
        &self,
        candidates: &'a [AttributePath],
        surroundings: &[(&'static str, String)],
        nix: &Nix,
        scratch: &Path,
    ) -> Result<Option<&'a AttributePath>> {
        let lists = candidates.iter().map(|candidate| {
            let names = quote_all(candidate.0.iter().map(String::as_str));
            format!("[ {names} ]")
        });
        let lists: Vec<_> = lists.collect();
        let expression = format!(
            "let
  inherit (builtins) elemAt head isAttrs length tail;
  flake = {};
  has = value: path: path == [ ] || isAttrs value && value ? ${{head path}} && has value.${{head path}} (tail path);
  paths = [ {} ];
  first = at: if at == length paths then null else if has flake (elemAt paths at) then at else first (at + 1);
in first 0",
            self.value()?,
            lists.join(" ")
        );
        let found: Option<usize> = self.evaluate(&expression, surroundings, nix, scratch)?;
        Ok(found.and_then(|at| candidates.get(at)))
    }

    /// Its value without a recorder, behind the bindings of [`Start::bindings`]. Its inputs that are
    /// in the store are not fetched.
    pub(super) fn value(&self) -> Result<String> {
        let load = "(scopedImport { builtins = builtins // { fetchTree = import ./held.nix; }; })";
        Ok(format!("({}) {load}", Start::Flake(self).function()?))
    }

    fn evaluate<T: DeserializeOwned>(
        &self,
        expression: &str,
        surroundings: &[(&'static str, String)],
        nix: &Nix,
        scratch: &Path,
    ) -> Result<T> {
        let text = Start::Flake(self).bindings(&self.source)? + expression;
        let file = scope::write(&scratch.join("flake"), None, &text)?;
        let command = nix
            .command("nix-instantiate")
            .args(FEATURES)
            .args(["--eval", "--read-write-mode", "--strict", "--json"])
            .arg(file);
        let command = surroundings
            .iter()
            .fold(command, |command, (name, value)| command.env(name, value));
        command::parse_json("nix-instantiate", &command.stdout_text()?)
    }
}

impl Start<'_> {
    /// The `let` bindings that `function` and `project` need in front of them.
    pub(super) fn bindings(self, project: &Path) -> Result<String> {
        let files = self.files().map_or_else(
            || "null".to_owned(),
            |files| format!("[ {} ]", quote_all(files.iter().map(String::as_str))),
        );
        self.bindings_with(project, &files)
    }

    /// [`bindings`](Self::bindings), with the files of the source as an expression.
    pub(super) fn bindings_with(self, project: &Path, files: &str) -> Result<String> {
        let Self::Flake(flake) = self else {
            return Ok(format!("let project = {}; in\n", quote(utf8(project)?)));
        };
        Ok(format!(
            "let source = import ./source.nix {{ project = {}; files = {files}; }};\n\
             project = builtins.unsafeDiscardStringContext source; in\n",
            quote(utf8(&flake.source)?)
        ))
    }

    /// The files of the source; `None` if they are all that there are.
    pub(super) fn files(&self) -> Option<&[String]> {
        match self {
            Self::File(_) => None,
            Self::Flake(flake) => flake.files.as_deref(),
        }
    }

    /// A function of `import`.
    pub(super) fn function(self) -> Result<String> {
        match self {
            Self::File(file) => Ok(format!("load: load (/. + {})", quote(utf8(file)?))),
            Self::Flake(flake) => Ok(format!(
                "load: load (toString ./flake.nix) {{ source = builtins.fromJSON {} // {{ outPath = source; }}; directory = {}; nixVersion = {}; }}",
                quote(&flake.attributes.to_string()),
                quote(&flake.directory),
                quote(&flake.nix_version)
            )),
        }
    }

    /// Whether evaluation is pure: it cannot read the environment.
    pub(super) fn is_pure(self) -> bool {
        matches!(self, Self::Flake(_))
    }
}

/// The derivation that Nix itself finds for an attribute of a flake, as Nix prints it.
pub(crate) fn derivation_of_nix(reference: &str, attribute: &str, nix: &Nix) -> Result<String> {
    nix.command("nix")
        .args(FEATURES)
        .args(["eval", "--raw", "--no-write-lock-file"])
        .arg(format!("{reference}#{attribute}.drvPath"))
        .stdout_text()
}
