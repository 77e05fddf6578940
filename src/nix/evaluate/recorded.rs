//! The recorder's events, and the flakes that it is told about.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::nix::Nix;
use crate::nix::flake::{Locked, Metadata};

/// How a line of the recorder starts. Nothing else traces this.
pub(super) const TOKEN: &str = "shellpack-record:";

/// One line of the recorder.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum Recorded {
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
        /// The other attributes that it returned, if it returned a set: revision, date.
        attributes: Option<serde_json::Value>,
        /// The flake in it, if it is a known one.
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
    /// A store path was read, which Nix may have built for it.
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
        /// The builtin's result: whether it exists, its kind, or kinds by name.
        #[serde(default)]
        result: serde_json::Value,
    },
    /// A path was copied into the store by `path` or `filterSource`.
    Copy {
        /// Its absolute path.
        path: PathBuf,
        /// The store path that it became. A filter may have left files out.
        result: PathBuf,
    },
    /// The time was asked for.
    Time {
        /// The file that asks.
        from: PathBuf,
    },
    /// The version of Nix was asked for, by a file outside of nixpkgs.
    Version {
        /// The file that asks.
        from: PathBuf,
    },
    /// All builtins that the shell sees.
    Builtins {
        /// Their names.
        names: Vec<String>,
    },
    /// A variable of the environment was read.
    Environment {
        /// Its name.
        name: String,
        /// The file that reads it.
        #[serde(default)]
        from: PathBuf,
    },
    /// A `<…>` is about to be looked up.
    Search {
        /// The text between the angle brackets.
        name: String,
    },
    /// A `<…>` was looked up, and found.
    Lookup {
        /// The text between the angle brackets.
        name: String,
        /// The file that looked it up.
        from: String,
        /// The path that was found.
        path: String,
    },
}

impl Recorded {
    /// A file whose contents are imported or read, after the file that does so.
    pub(crate) fn contents_read(&self) -> Option<(&Path, &Path)> {
        match self {
            Self::Read { reader, .. } if !matches!(reader.as_str(), "readFile" | "hashFile") => {
                None
            }
            Self::Read { from, path, .. } | Self::Import { from, path } => Some((from, path)),
            _ => None,
        }
    }
}

/// A flake that `getFlake` returns.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct KnownFlake {
    /// The reference that the shell names it by.
    pub reference: String,
    /// The store path of its source.
    pub path: String,
    /// The other attributes of the source.
    pub attributes: serde_json::Value,
    /// The flake in it.
    pub flake: Locked,
}

impl KnownFlake {
    /// Asks Nix to resolve a reference.
    pub(crate) fn of(reference: &str, nix: &Nix) -> Result<Self> {
        let metadata = Metadata::of(reference, nix)?;
        Ok(Self {
            reference: reference.to_owned(),
            attributes: metadata.attributes(nix)?,
            flake: metadata.locked(),
            path: metadata.path,
        })
    }
}
