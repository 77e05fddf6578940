//! Flakes: what Nix knows of a reference, and evaluation of a flake whose source lies in a
//! directory. That takes no `flakes` feature where its inputs are answered.

use std::path::{Path, PathBuf};
use std::{fmt, fs};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::command::{self, NixCommand};
use super::evaluate::{quote, quote_all, utf8};
use super::store_path::StorePath;
use super::{Nix, scope};
use crate::bundle::manifest::BundleName;
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

/// Names that lead to a value in a flake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath(Vec<String>);

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

impl AttributePath {
    /// Where `nix develop` looks for what follows the `#` of a reference, in this order.
    pub fn candidates(fragment: &str, system: &str) -> Vec<Self> {
        let path = |names: &[&str]| Self(names.iter().map(|&name| name.to_owned()).collect());
        if fragment.is_empty() {
            return vec![
                path(&["devShells", system, "default"]),
                path(&["devShell", system]),
                path(&["packages", system, "default"]),
                path(&["defaultPackage", system]),
            ];
        }
        // A leading dot is for a path from the top, and from nowhere else.
        if let Some(rest) = fragment.strip_prefix('.') {
            return vec![Self(names(rest))];
        }
        let below = |prefix: &[&str]| Self([path(prefix).0, names(fragment)].concat());
        vec![
            below(&["devShells", system]),
            below(&["packages", system]),
            below(&["legacyPackages", system]),
            below(&[]),
        ]
    }
}

/// The names of an attribute path; one with a dot in it is in quotes.
fn names(text: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut is_quoted = false;
    for c in text.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => names.push(String::new()),
            c => names
                .iter_mut()
                .last()
                .into_iter()
                .for_each(|name| name.push(c)),
        }
    }
    names
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            let quote = if name.contains('.') { "\"" } else { "" };
            write!(f, "{dot}{quote}{name}{quote}")?;
        }
        Ok(())
    }
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
        self.text("dir").unwrap_or_default()
    }

    /// The reference as a url, to be shown.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The directory of the user's that the flake lies in, if it does.
    pub fn local_directory(&self) -> Option<PathBuf> {
        let dir = match self.text("type")? {
            "path" => self.text("path")?,
            "git" => self.text("url")?.strip_prefix("file://")?,
            _ => return None,
        };
        Some(PathBuf::from(dir))
    }

    /// What else than a path the source is, as this Nix has it: revision, date.
    pub fn attributes(&self) -> Result<Value> {
        let reference = serde_json::to_string(&self.tree())
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

    /// As `fetchTree` takes it: the directory is not the tree's, and what begins with
    /// underscores is between Nix and itself.
    fn tree(&self) -> Map<String, Value> {
        let mut locked = self.locked.clone();
        locked.retain(|name, _| name != "dir" && !name.starts_with("__"));
        locked
    }

    /// Whether Nix took it from a working copy with changes.
    pub fn is_dirty(&self) -> bool {
        self.text("type") == Some("git") && self.text("rev").is_none()
    }

    /// What the flake may be called: as the directory or the repository that it is in.
    pub fn name(&self) -> String {
        let place = self.text("repo").or_else(|| self.text("path"));
        let place = place.or_else(|| self.text("url")).unwrap_or_default();
        let place = place.split(['?', '#']).next().unwrap_or_default();
        let last = place
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default();
        let name = [".git", ".tar.gz", ".tar.xz", ".zip"]
            .iter()
            .find_map(|suffix| last.strip_suffix(suffix));
        BundleName::from_directory(name.unwrap_or(last))
            .as_str()
            .to_owned()
    }

    /// Whether the source's own lock file says all there is to say.
    pub fn is_locked(&self) -> bool {
        self.locked().lock.is_none() || self.inputs().next().is_none()
    }

    /// The inputs, each with where it comes from.
    pub fn inputs(&self) -> impl Iterator<Item = String> {
        let root = self.locks["root"].as_str().unwrap_or_default();
        let nodes = self.locks["nodes"].as_object().into_iter().flatten();
        let inputs = nodes.filter(move |(name, _)| *name != root);
        inputs.map(|(name, node)| {
            let locked = &node["locked"];
            let text = |field: &str| locked[field].as_str().unwrap_or_default().to_owned();
            let place = match locked["owner"].as_str() {
                Some(owner) => format!("{}:{owner}/{}", text("type"), text("repo")),
                None => text("url") + &text("path"),
            };
            format!(
                "{name} {place} at {}{}",
                text("rev"),
                if locked["rev"].is_null() {
                    text("narHash")
                } else {
                    String::new()
                }
            )
        })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.locked.get(name).and_then(Value::as_str)
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

    /// The text that belongs into `flake.lock`, laid out as Nix does it.
    pub fn lock_file(&self) -> String {
        format!("{:#}\n", self.locks)
    }
}

impl Flake {
    /// The store path that its source is, which this brings into the store.
    pub fn store_path(&self, nix: &Nix, scratch: &Path) -> Result<StorePath> {
        let path: String = self.evaluate("source", &[], scratch)?;
        let path = nix.store.parse_path(&path);
        path.map_err(|bad| Error::nix_output("nix-instantiate", &bad.to_string()))
    }

    /// The first of these attribute paths that the flake has.
    pub fn first_of<'a>(
        &self,
        candidates: &'a [AttributePath],
        surroundings: &[(&'static str, String)],
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
  flake = ({}) import;
  has = value: path: path == [ ] || isAttrs value && value ? ${{head path}} && has value.${{head path}} (tail path);
  paths = [ {} ];
  first = at: if at == length paths then null else if has flake (elemAt paths at) then at else first (at + 1);
in first 0",
            Start::Flake(self).function()?,
            lists.join(" ")
        );
        let found: Option<usize> = self.evaluate(&expression, surroundings, scratch)?;
        Ok(found.and_then(|at| candidates.get(at)))
    }

    fn evaluate<T: DeserializeOwned>(
        &self,
        expression: &str,
        surroundings: &[(&'static str, String)],
        scratch: &Path,
    ) -> Result<T> {
        let text = Start::Flake(self).bindings(&self.source)? + expression;
        let file = scope::write(&scratch.join("flake"), None, &text)?;
        let command = NixCommand::new("nix-instantiate")
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
    /// What `function` and `project` are evaluated with, in front of them.
    pub(super) fn bindings(self, project: &Path) -> Result<String> {
        let Self::Flake(flake) = self else {
            return Ok(format!("let project = {}; in\n", quote(utf8(project)?)));
        };
        let files = flake.files.as_ref().map_or_else(
            || "null".to_owned(),
            |files| format!("[ {} ]", quote_all(files.iter().map(String::as_str))),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_sought_where_nix_develop_seeks_them() {
        let paths = |fragment| -> Vec<_> {
            let candidates = AttributePath::candidates(fragment, "s");
            candidates.iter().map(ToString::to_string).collect()
        };
        assert_eq!(paths("")[..2], ["devShells.s.default", "devShell.s"]);
        assert_eq!(
            paths("x.\"1.0\""),
            [
                "devShells.s.x.\"1.0\"",
                "packages.s.x.\"1.0\"",
                "legacyPackages.s.x.\"1.0\"",
                "x.\"1.0\""
            ]
        );
        assert_eq!(paths(".x.y"), ["x.y"]);
    }
}
