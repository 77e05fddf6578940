//! Flakes: what Nix knows of a reference, and evaluation of a flake whose source lies in a
//! directory. That takes no `flakes` feature where its inputs are answered.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::command::{self, NixCommand};
use super::evaluate::{quote, utf8};
use crate::error::{Error, Result};

/// What turns the feature on. Nix before 2.4 knows neither flakes nor this option.
pub const FEATURES: [&str; 2] = ["--extra-experimental-features", "nix-command flakes"];

/// The file that makes a tree a flake.
pub const FILE: &str = "flake.nix";
/// The file that pins a flake's inputs.
pub const LOCK_FILE: &str = "flake.lock";

/// A flake in a directory.
#[derive(Debug, Clone)]
pub struct Flake {
    /// The directory of its source, absolute.
    pub source: PathBuf,
    /// What in that directory is the flake's, relative to it; all but `.git` if `None`.
    pub files: Option<Vec<String>>,
    /// Where in it `flake.nix` lies; empty at the top.
    pub directory: String,
    /// What else Nix says of the source: revision, date.
    pub attributes: Value,
}

/// What is evaluated.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a> {
    /// A file, as nix-shell takes it.
    File(&'a Path),
    /// All that a flake puts out.
    Flake(&'a Flake),
}

/// What makes a flake of a tree, besides `flake.nix`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locked {
    /// Where in the tree `flake.nix` lies; empty at the top.
    pub directory: String,
    /// What `flake.lock` would say, where the tree has none that is complete.
    #[serde(default)]
    pub lock: Option<Value>,
}

/// What Nix says of a flake.
#[derive(Debug, Clone, Deserialize)]
pub struct Metadata {
    /// The store path of its source.
    pub path: String,
    /// The reference by which it can be had again.
    locked: Map<String, Value>,
    /// Its inputs, as `flake.lock` has them.
    pub locks: Value,
    /// The same as a url; the revision is in it, if it has one.
    #[serde(default)]
    url: String,
}

impl Metadata {
    /// Asks Nix, which fetches the flake and finds out what is not locked yet, and leaves the
    /// user's lock file alone.
    pub fn of(reference: &str) -> Result<Self> {
        let text = NixCommand::new("nix")
            .args(FEATURES)
            .args(["flake", "metadata", "--json", "--no-write-lock-file"])
            .arg(reference)
            .stdout_text()?;
        command::parse_json("nix flake metadata", &text)
    }

    /// Where in the source `flake.nix` lies; empty at the top.
    pub fn directory(&self) -> &str {
        let dir = self.locked.get("dir").and_then(Value::as_str);
        dir.unwrap_or_default()
    }

    /// The reference as a url, to be shown.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The directory of the user's that the flake lies in, if it does.
    pub fn local_directory(&self) -> Option<PathBuf> {
        let text = |name: &str| self.locked.get(name).and_then(Value::as_str);
        let dir = match text("type")? {
            "path" => text("path")?,
            "git" => text("url")?.strip_prefix("file://")?,
            _ => return None,
        };
        Some(PathBuf::from(dir))
    }

    /// What else than a path the source is, as this Nix has it: revision, date.
    pub fn attributes(&self) -> Result<Value> {
        let reference = serde_json::to_string(&self.without_directory())
            .map_err(|error| Error::nix_output("nix flake metadata", &error.to_string()))?;
        let expression = format!(
            "removeAttrs (builtins.fetchTree (builtins.fromJSON {})) [ \"outPath\" ]",
            quote(&reference)
        );
        let text = NixCommand::new("nix-instantiate")
            .args(FEATURES)
            .args(["--eval", "--strict", "--json", "-E", &expression])
            .stdout_text()?;
        command::parse_json("nix-instantiate", &text)
    }

    fn without_directory(&self) -> Map<String, Value> {
        let mut locked = self.locked.clone();
        locked.remove("dir");
        locked
    }

    /// The revision, if there is one.
    pub fn rev(&self) -> Option<&str> {
        self.locked.get("rev").and_then(Value::as_str)
    }

    /// What makes a flake of its source.
    pub fn locked(&self) -> Locked {
        let file = Path::new(&self.path).join(self.directory()).join(LOCK_FILE);
        let text = fs::read(file).ok();
        let own = text.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        let lock = (own.as_ref() != Some(&self.locks)).then(|| self.locks.clone());
        Locked {
            directory: self.directory().to_owned(),
            lock,
        }
    }

    /// The text that belongs into `flake.lock`, as Nix lays it out; `None` for a flake without
    /// inputs, which Nix leaves without one.
    pub fn lock_file(&self) -> Option<String> {
        let nodes = self.locks.get("nodes").and_then(Value::as_object)?;
        let text = serde_json::to_string_pretty(&self.locks).ok()?;
        (nodes.len() > 1).then(|| text + "\n")
    }
}

impl Start<'_> {
    /// What `function` and `project` are evaluated with, in front of them.
    pub(super) fn bindings(self, project: &Path) -> Result<String> {
        let Self::Flake(flake) = self else {
            return Ok(format!("let project = {}; in\n", quote(utf8(project)?)));
        };
        let files = flake.files.as_ref().map_or_else(
            || "null".to_owned(),
            |files| {
                let quoted: Vec<_> = files.iter().map(|file| quote(file)).collect();
                format!("[ {} ]", quoted.join(" "))
            },
        );
        Ok(format!(
            "let source = import ./source.nix {{ project = {}; files = {files}; }};\n\
             project = builtins.unsafeDiscardStringContext source; in\n",
            quote(utf8(&flake.source)?)
        ))
    }

    /// A function of `import`.
    pub(super) fn function(self) -> Result<String> {
        match self {
            Self::File(file) => Ok(format!("load: load (/. + {})", quote(utf8(file)?))),
            Self::Flake(flake) => Ok(format!(
                "load: load (toString ./flake.nix) {{ source = builtins.fromJSON {} // {{ outPath = source; }}; directory = {}; }}",
                quote(&flake.attributes.to_string()),
                quote(&flake.directory)
            )),
        }
    }

    /// Whether the environment is out of reach.
    pub(super) fn is_pure(self) -> bool {
        matches!(self, Self::Flake(_))
    }
}
