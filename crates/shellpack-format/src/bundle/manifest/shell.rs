//! A shell, and the sources outside of the project that its evaluation needs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};

use super::{ProjectDirectory, RelativePath, ShellName};
use crate::bundle::manifest::selection::Argument;
use crate::store::hash::Digest;
use crate::store::store_path::StorePath;

/// The need of a bundle with a shell whose fetchers must be answered when it is evaluated.
pub const NEEDS_REPLAY: &str = "replay";

/// The need of a bundle with a shell of a flake.
pub const NEEDS_FLAKE: &str = "flake";

/// The need of a bundle without the sources for evaluation: its shells are entered with the
/// environment in the manifest.
pub const NEEDS_NO_EVAL: &str = "no-eval";

/// A shell that can be entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Shell {
    /// Its name. Each of several shells has one, and no two the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ShellName>,
    /// The shell file, relative to the project's root.
    pub file: RelativePath,
    /// The directory to enter, if it is not that of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<ProjectDirectory>,
    /// The attribute path in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// The arguments that it is called with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
    /// The script that runs in it, if it is one of a script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<Script>,
    /// The derivation that it evaluates to.
    pub derivation: StorePath,
    /// The system that it is for: `x86_64-linux`.
    pub system: String,
    /// The version of the Nix that evaluated it.
    pub nix_version: String,
    /// The oldest Nix that can evaluate it, if its nixpkgs states one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_nix_version: Option<String>,
    /// A Nix expression for the features that its nixpkgs requires of Nix and that the Nix which
    /// evaluates it lacks: `{ missing = [ { description = "…"; … } ]; … }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_nix_features: Option<String>,
    /// The absolute path of the interactive bash; without it the target's own is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bash: Option<String>,
    /// The entries of `NIX_PATH`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nix_path: Vec<SearchPathEntry>,
    /// The value of `NIXPKGS_CONFIG`: the packer's nixpkgs configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nixpkgs_config: Option<String>,
    /// Whether evaluation reads the user's nixpkgs configuration and overlays. Then those of the
    /// target must be kept out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub takes_user_config: bool,
    /// Files in the store that fetch, or import one that does. The fetchers in these and in the
    /// project's files must be answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fetching_files: Vec<String>,
    /// Environment variables that decide what evaluation gives, with their values. Evaluation sees
    /// these and the ones that [belong to the machine](super::belongs_to_machine), and no others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evaluation_variables: BTreeMap<String, String>,
    /// Settings of Nix that decide what evaluation gives, with their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evaluation_settings: BTreeMap<String, String>,
    /// Environment variables that evaluation reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables_read: Vec<String>,
    /// A file in the store with the text of its derivation and of all that this one is made of. It
    /// is compared with the target's, if evaluation has another result there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derivations: Option<String>,
    /// The store paths that get garbage collector roots: the shell needs them to be entered.
    pub roots: Vec<StorePath>,
    /// The content of `.attrs.json`, for entry without evaluation into a shell with structured
    /// attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured_attributes: Option<String>,
    /// The source that makes the project a flake, if the shell is one of a flake. Then `file` is its
    /// `flake.nix`, and `attribute` is the path to the shell in the flake's outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flake: Option<FlakeSource>,
    /// The derivation's environment: for entry without evaluation.
    pub environment: BTreeMap<String, String>,
}

impl Shell {
    /// The directory to enter, below the project's root; empty for the root itself.
    pub fn entered(&self) -> &str {
        let own = self.directory.as_ref();
        own.map_or(self.file.parent(), ProjectDirectory::below_root)
    }

    /// The directory to enter, where the project is at `root`.
    pub fn entered_in(&self, root: &Path) -> PathBuf {
        match self.entered() {
            "" => root.to_owned(),
            below => root.join(below),
        }
    }
}

/// A script of which nix-shell is the interpreter: its `#! nix-shell` lines name the shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Script {
    /// The script, relative to the project's root.
    pub file: RelativePath,
    /// The program that runs it (`-i`), perhaps with options, as words of a shell. Without
    /// it, and without a command, the script's shell is only entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<String>,
    /// The command that runs instead of it (`--run`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Whether its environment is cleared first (`--pure`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pure: bool,
    /// The variables that are kept then (`--keep`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<String>,
}

/// The project as the source of a flake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FlakeSource {
    /// Its url, if it can be fetched from elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its attributes besides the path, as a JSON object: revision, date.
    pub attributes: String,
}

/// One entry of a search path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SearchPathEntry {
    /// The name: `nixpkgs`.
    pub name: String,
    /// A path in the store.
    pub path: String,
}

/// A source outside of the project that evaluation used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pin {
    /// The builtin that fetched it, or `<name>` for a look-up.
    pub fetcher: String,
    /// Its origin: a url without secrets, or a directory.
    pub url: String,
    /// The hash that the project states, in the project's own notation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The revision that was fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rev: Option<String>,
    /// The store path that holds it.
    pub store_path: StorePath,
    /// Whether shellpack pinned it because the project did not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub frozen: bool,
    /// The digest of the fetcher's arguments, if it must be answered when the shell is evaluated
    /// again: see [`NEEDS_REPLAY`]. The arguments themselves may hold secrets.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "digest_of_arguments"
    )]
    pub arguments: Option<Digest>,
    /// The attributes that the fetcher returned besides a path, as a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<String>,
    /// The flake in it, if the fetcher returned one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flake: Option<FlakePin>,
}

/// The digest, or that of the arguments themselves: early writers wrote these, as JSON.
fn digest_of_arguments<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Digest>, D::Error> {
    let text = String::deserialize(from)?;
    let digest = match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(arguments) => Digest::of(arguments.to_string().as_bytes()),
        Err(_) => Digest::try_from(text).map_err(serde::de::Error::custom)?,
    };
    Ok(Some(digest))
}

/// A flake in a tree that was fetched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FlakePin {
    /// The directory of `flake.nix` in the tree; empty at the top.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub directory: String,
    /// The content of `flake.lock` as JSON, if the tree has none that is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
}
