//! A shell and what its evaluation takes from outside of the project.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{EntryPath, ShellName};
use crate::bundle::manifest::selection::Argument;
use crate::store::store_path::StorePath;

/// The feature of a shell whose fetchers must be answered when it is evaluated.
pub const NEEDS_REPLAY: &str = "replay";

/// The feature of a shell that is a flake's.
pub const NEEDS_FLAKE: &str = "flake";

/// The feature of a bundle without what evaluation takes: its shell is entered by the
/// environment that the manifest has.
pub const NEEDS_NO_EVAL: &str = "no-eval";

/// A shell that can be entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Shell {
    /// What tells it from the others; each of several has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ShellName>,
    /// The shell file, relative to the project's root.
    pub file: EntryPath,
    /// Attribute path in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// Arguments that it is called with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
    /// What it evaluates to.
    pub derivation: StorePath,
    /// The system that it is for.
    pub system: String,
    /// The Nix that evaluated it.
    pub nix_version: String,
    /// The oldest Nix that can evaluate it, where its nixpkgs says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_nix_version: Option<String>,
    /// The interactive bash; absent where the target's own is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bash: Option<String>,
    /// What `NIX_PATH` must say: name and path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nix_path: Vec<SearchPathEntry>,
    /// What `NIXPKGS_CONFIG` must say: the configuration of whoever made the bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nixpkgs_config: Option<String>,
    /// Whether evaluation asks for the user's nixpkgs configuration and overlays: the target's
    /// own must be kept out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub takes_user_config: bool,
    /// Files in the store that fetch, or import one that does: with the project's own, those
    /// whose fetchers must be answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fetching_files: Vec<String>,
    /// Environment variables that evaluation reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables_read: Vec<String>,
    /// The text of its derivation and of all derivations that this one is made of, in the store:
    /// what it is compared with where it comes out differently.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derivations: Option<String>,
    /// Store paths that must stay for the shell to be entered: what garbage collection
    /// roots are made for.
    pub roots: Vec<StorePath>,
    /// What `.attrs.json` must say, for entry without evaluation into a shell with structured
    /// attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured_attributes: Option<String>,
    /// What makes a flake of the project, where the shell is a flake's: `file` is its
    /// `flake.nix` then, and `attribute` leads to the shell from what the flake puts out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flake: Option<FlakeSource>,
    /// The derivation's environment, for entry without evaluation.
    pub environment: BTreeMap<String, String>,
}

/// The source that a project is to a flake in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FlakeSource {
    /// Where it came from, if others can have it from there, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What Nix says of it besides its path, as JSON: revision, date.
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

/// A source that evaluation took from outside the project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pin {
    /// The builtin that fetched it, or `<name>` for a look-up.
    pub fetcher: String,
    /// Where it came from: a url, a directory.
    pub url: String,
    /// The hash that the project states, in the project's own notation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The revision that it was at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rev: Option<String>,
    /// The store path that holds it.
    pub store_path: StorePath,
    /// Whether shellpack pinned it, because the project did not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub frozen: bool,
    /// The fetcher's arguments as JSON, where it must be answered when the shell is evaluated
    /// again: [`NEEDS_REPLAY`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
    /// What the fetcher returned besides a path, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<String>,
    /// What makes a flake of it, where that is what the fetcher returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flake: Option<FlakePin>,
}

/// A flake in a tree that was fetched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FlakePin {
    /// Where in the tree `flake.nix` lies; empty at the top.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub directory: String,
    /// What `flake.lock` would say, as JSON, where the tree has none that is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
}
