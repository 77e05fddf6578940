//! Nix's search path: what `<nixpkgs>` means, and how it is frozen into the store.
//!
//! The path comes from `-I`, then `NIX_PATH`, then `nix-path` of the configuration or the
//! default (`~/.nix-defexpr/channels`, the root user's channels). Nix itself is asked for
//! the result as `builtins.nixPath`, so that every version's rules hold.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Nix;
use super::command::{self, NixCommand};
use super::expression::{quote, utf8};
use crate::error::{Error, Result};
use shellpack_format::store::store_path::StorePath;

/// One entry of the search path.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct PathEntry {
    /// The prefix of the names that it answers; empty for an entry without `prefix=`.
    pub prefix: String,
    /// A directory, or the url of a tarball.
    pub path: String,
}

/// A look-up, resolved to a path in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frozen {
    /// The name that `NIX_PATH` must give it: `nixpkgs`.
    pub name: String,
    /// The store path that holds it.
    pub store_path: StorePath,
    /// The whole path: the store path, or one below it.
    pub path: String,
    /// The path in the search path: a directory, or a symlink.
    pub source: String,
}

/// The search path in force with these `-I` options.
pub(crate) fn in_force(include: &[String]) -> Result<Vec<PathEntry>> {
    let text = NixCommand::new("nix-instantiate")
        .args(include.iter().flat_map(|entry| ["-I", entry]))
        .args(["--eval", "--strict", "--json", "-E", "builtins.nixPath"])
        .stdout_text()?;
    let entries: Vec<PathEntry> = command::parse_json("nix-instantiate", &text)?;
    entries.into_iter().map(PathEntry::absolute).collect()
}

impl PathEntry {
    /// Makes a relative entry absolute: for Nix it is relative to the current directory.
    fn absolute(mut self) -> Result<Self> {
        if !is_url(&self.path) {
            let path = std::path::absolute(&self.path).map_err(Error::io("find", &self.path))?;
            utf8(&path)?.clone_into(&mut self.path);
        }
        Ok(self)
    }
}

/// Whether an entry is fetched rather than found.
pub(crate) fn is_url(path: &str) -> bool {
    is_tarball_url(path) || path.starts_with("flake:")
}

/// Whether Nix fetches a tarball where this text is a path.
pub(crate) fn is_tarball_url(text: &str) -> bool {
    [
        "channel:", "http://", "https://", "file://", "git://", "s3://", "ssh://",
    ]
    .iter()
    .any(|scheme| text.starts_with(scheme))
}

/// The entry that answers a look-up, the name to freeze it under, and the path to freeze. By Nix's
/// own rule it is the first entry whose prefix matches and below which the rest exists.
pub(crate) fn resolve<'a>(
    entries: &'a [PathEntry],
    name: &str,
) -> Option<(&'a PathEntry, String, String)> {
    entries.iter().find_map(|entry| {
        if entry.prefix.is_empty() {
            // Of an entry without prefix only the first component is frozen, under its own name.
            let first = name.split('/').next().unwrap_or(name);
            let dir = format!("{}/{first}", entry.path);
            return Path::new(&entry.path)
                .join(name)
                .exists()
                .then(|| (entry, first.to_owned(), dir));
        }
        let rest = name.strip_prefix(entry.prefix.as_str())?;
        let fits = rest.is_empty() || rest.starts_with('/');
        let found = is_url(&entry.path) || Path::new(&format!("{}{rest}", entry.path)).exists();
        (fits && found).then(|| (entry, entry.prefix.clone(), entry.path.clone()))
    })
}

/// Brings the result of a look-up into the store: as it is if it is there already, also behind
/// symlinks, else as a copy without `.git`.
pub(crate) fn freeze(nix: &Nix, name: String, source: String) -> Result<Frozen> {
    let real = std::fs::canonicalize(&source).map_err(Error::io("find", &source))?;
    let real = utf8(&real)?.to_owned();
    let path = match nix.store.containing(&real) {
        Some(_) => real,
        None => copy(&name, Path::new(&real))?,
    };
    let Some((store_path, _)) = nix.store.containing(&path) else {
        return Err(Error::nix_output(
            "nix-instantiate",
            &format!("{path} is not in the store"),
        ));
    };
    Ok(Frozen {
        name,
        store_path,
        path,
        source,
    })
}

fn copy(name: &str, dir: &Path) -> Result<String> {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "+-._?=".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    let expression = format!(
        "builtins.path {{ name = {}; path = /. + {}; filter = file: _: baseNameOf file != \".git\"; }}",
        quote(plain.trim_start_matches('.')),
        quote(utf8(dir)?)
    );
    let text = NixCommand::new("nix-instantiate")
        .args(["--eval", "--read-write-mode", "--json", "-E", &expression])
        .stdout_text()?;
    command::parse_json("nix-instantiate", &text)
}

/// The directories of the search path, whose files are not the project's. An entry that holds the
/// shell file itself is left out: its files are.
pub(crate) fn foreign_directories(entries: &[PathEntry], shell_file: &Path) -> Vec<PathBuf> {
    let dirs = entries
        .iter()
        .filter(|entry| !is_url(&entry.path))
        .map(|entry| PathBuf::from(&entry.path));
    dirs.filter(|dir| dir.is_absolute() && !shell_file.starts_with(dir))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(prefix: &str, path: &Path) -> PathEntry {
        PathEntry {
            prefix: prefix.to_owned(),
            path: path.to_str().unwrap().to_owned(),
        }
    }

    #[test]
    fn look_ups_are_resolved_as_nix_does() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(scratch.path().join("channels/nixpkgs/lib")).unwrap();
        std::fs::create_dir_all(scratch.path().join("other")).unwrap();
        let entries = [
            entry("nixpkgs", &scratch.path().join("missing")),
            entry("nix", &scratch.path().join("other")),
            entry("", &scratch.path().join("channels")),
        ];
        let (_, name, dir) = resolve(&entries, "nixpkgs/lib").unwrap();
        assert_eq!(
            (name.as_str(), Path::new(&dir)),
            ("nixpkgs", scratch.path().join("channels/nixpkgs").as_path())
        );
        assert!(resolve(&entries, "nixos").is_none());
        assert_eq!(resolve(&entries, "nix").unwrap().1, "nix");
    }
}
