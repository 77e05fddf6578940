//! Nix's search path: what `<nixpkgs>` means, and how it is frozen into the store.
//!
//! The path comes from `-I`, then `NIX_PATH`, then `nix-path` of the configuration or the
//! default (`~/.nix-defexpr/channels`, the root user's channels). Nix itself is asked for
//! the result as `builtins.nixPath`, so that every version's rules hold.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Nix;
use super::command::{self, NixCommand};
use super::expression::{quote, quote_all, utf8};
use super::options::NixOptions;
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
    /// If more than the source is in the store path: the directory that it is a part of.
    pub part_of: Option<PathBuf>,
}

/// A part of a directory, to freeze.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// The directory, without symlinks.
    directory: PathBuf,
    /// The path in it that is looked up.
    source: PathBuf,
    /// Files in it.
    files: BTreeSet<PathBuf>,
    /// Directories and files in it, with all of their contents.
    trees: Vec<PathBuf>,
}

impl Part {
    /// A path with files and whole directories beside it. The directory is so far up that every
    /// directory among them keeps its name.
    pub(crate) fn of(source: &Path, mut files: BTreeSet<PathBuf>, trees: Vec<PathBuf>) -> Self {
        files.insert(source.to_owned());
        let all = || files.iter().chain(&trees);
        let holds_all = |dir: &&Path| all().all(|path| path != dir && path.starts_with(dir));
        let directory = source.ancestors().find(holds_all);
        let directory = directory.unwrap_or(Path::new("/"));
        let above = directory.parent().filter(|_| source.is_file());
        let directory = above.unwrap_or(directory);
        Self {
            directory: directory.to_owned(),
            source: source.to_owned(),
            files,
            trees,
        }
    }

    /// The filter of `builtins.path` that keeps this part, and nothing of Git's.
    fn filter(&self) -> Result<String> {
        let on_the_way = |path: &Path| path.starts_with(&self.directory) && path != self.directory;
        let paths = self.files.iter().chain(&self.trees);
        let kept: BTreeSet<_> = paths
            .flat_map(|path| path.ancestors())
            .filter(|path| on_the_way(path))
            .collect();
        let text = |paths: &mut dyn Iterator<Item = &Path>| -> Result<String> {
            let texts: Vec<_> = paths.map(utf8).collect::<Result<_>>()?;
            Ok(quote_all(texts.into_iter()))
        };
        Ok(format!(
            "let kept = builtins.listToAttrs (map (name: {{ inherit name; value = null; }}) [ {} ]); \
             isBelow = file: dir: builtins.substring 0 (builtins.stringLength dir + 1) file == dir + \"/\"; in \
             file: _: baseNameOf file != \".git\" && (kept ? ${{file}} || builtins.any (isBelow file) [ {} ])",
            text(&mut kept.into_iter())?,
            text(&mut self.trees.iter().map(PathBuf::as_path))?
        ))
    }
}

/// The search path in force with these `-I` options.
pub(crate) fn in_force(nix: &Nix, include: &[String]) -> Result<Vec<PathEntry>> {
    let text = nix
        .command("nix-instantiate")
        .args(include.iter().flat_map(|entry| ["-I", entry]))
        .args(["--eval", "--strict", "--json", "-E", "builtins.nixPath"])
        .stdout_text()?;
    let entries: Vec<PathEntry> = command::parse_json("nix-instantiate", &text)?;
    entries.into_iter().map(PathEntry::absolute).collect()
}

impl PathEntry {
    /// Makes a relative entry absolute: for Nix it is relative to the current directory, which an empty
    /// one is.
    fn absolute(mut self) -> Result<Self> {
        if !is_url(&self.path) {
            let here = Path::new(".").join(&self.path);
            let path = std::path::absolute(here).map_err(Error::io("find", &self.path))?;
            utf8(&path)?.clone_into(&mut self.path);
        }
        Ok(self)
    }

    /// The part of a look-up that is below this entry: nothing, or `/` and a path; `None` if its
    /// prefix does not match.
    fn rest(&self, wanted: &str) -> Option<String> {
        if self.prefix.is_empty() {
            return Some(format!("/{wanted}"));
        }
        let rest = wanted.strip_prefix(self.prefix.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then(|| rest.to_owned())
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

/// The part of the search path that answers a look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The entry's place in the search path.
    pub place: usize,
    /// The name to freeze it under.
    pub name: String,
    /// The path to freeze; of an url, where Nix has it.
    pub source: String,
}

/// Answers a look-up that had the result `found`. By Nix's own rule, the answer is the first entry
/// whose prefix matches and below which the rest exists.
pub(crate) fn resolve(
    entries: &[PathEntry],
    (wanted, found): (&str, &str),
    options: &NixOptions,
) -> Option<Answer> {
    let fitting = entries.iter().enumerate();
    let fitting = fitting.filter_map(|(place, entry)| Some((place, entry, entry.rest(wanted)?)));
    let fitting: Vec<_> = fitting.collect();
    let is_alone = fitting.len() == 1;
    fitting.into_iter().find_map(|(place, entry, rest)| {
        let dir = match is_url(&entry.path) {
            false => entry.path.clone(),
            // Evaluation fetched it, and the look-up has its path.
            true if is_alone => found.strip_suffix(&rest).unwrap_or(found).to_owned(),
            true => fetched(&entry.path, options)?,
        };
        if !Path::new(&format!("{dir}{rest}")).exists() {
            return None;
        }
        let (name, source) = if entry.prefix.is_empty() {
            // Only the first component is frozen, under its own name.
            let first = wanted.split('/').next().unwrap_or(wanted);
            (first.to_owned(), format!("{dir}/{first}"))
        } else {
            (entry.prefix.clone(), dir)
        };
        Some(Answer {
            place,
            name,
            source,
        })
    })
}

/// Where Nix has an url of the search path; `None` if it cannot fetch it, and passes it over.
fn fetched(url: &str, options: &NixOptions) -> Option<String> {
    let expression = format!(
        "toString (builtins.findFile [ {{ prefix = \"url\"; path = {}; }} ] \"url\")",
        quote(url)
    );
    let text = NixCommand::with("nix-instantiate", options)
        .args(["--eval", "--read-write-mode", "--json", "-E", &expression])
        .stdout_text();
    command::parse_json("nix-instantiate", &text.ok()?).ok()
}

/// Brings the result of a look-up into the store: as it is if it is there already, also behind
/// symlinks, else as a copy without `.git`.
pub(crate) fn freeze(nix: &Nix, name: String, source: String) -> Result<Frozen> {
    let real = std::fs::canonicalize(&source).map_err(Error::io("find", &source))?;
    let real = utf8(&real)?.to_owned();
    let path = match nix.store.containing(&real) {
        Some(_) => real,
        None => copy(nix, &name, Path::new(&real), WITHOUT_GIT)?,
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
        part_of: None,
    })
}

/// Brings a part of a directory into the store, as the answer of the source in it.
pub(crate) fn freeze_part(nix: &Nix, name: String, source: String, part: Part) -> Result<Frozen> {
    let copied = copy(nix, &name, &part.directory, &part.filter()?)?;
    let frozen = freeze(nix, name, copied)?;
    let rest = part.source.strip_prefix(&part.directory);
    let path = Path::new(&frozen.path).join(rest.unwrap_or(Path::new("")));
    Ok(Frozen {
        path: utf8(&path)?.to_owned(),
        source,
        part_of: Some(part.directory),
        ..frozen
    })
}

/// The filter that leaves out what Git keeps beside a working copy.
const WITHOUT_GIT: &str = "file: _: baseNameOf file != \".git\"";

/// Copies a directory or a file, unless its copy is there. To hash a nixpkgs takes a tenth of the time
/// that Nix takes to copy it, to find at the end that it has it.
fn copy(nix: &Nix, name: &str, dir: &Path, filter: &str) -> Result<String> {
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
        "builtins.path {{ name = {}; path = /. + {}; filter = {filter}; }}",
        quote(plain.trim_start_matches('.')),
        quote(utf8(dir)?)
    );
    let evaluated = |options: &[&str]| -> Result<String> {
        let text = nix
            .command("nix-instantiate")
            .args(["--eval", "--json", "-E", &expression])
            .args(options)
            .stdout_text()?;
        command::parse_json("nix-instantiate", &text)
    };
    // Without an option it only computes the path.
    let path = evaluated(&[])?;
    match nix.store.parse_path(&path) {
        Ok(known) if is_valid(nix, &known)? => Ok(path),
        _ => evaluated(&["--read-write-mode"]),
    }
}

fn is_valid(nix: &Nix, path: &StorePath) -> Result<bool> {
    Ok(!nix
        .connect()?
        .valid_paths(std::slice::from_ref(path))?
        .is_empty())
}

/// The directories of the search path, whose files are not the project's.
pub(crate) fn directories(entries: &[PathEntry]) -> Vec<PathBuf> {
    let dirs = entries
        .iter()
        .filter(|entry| !is_url(&entry.path))
        .map(|entry| PathBuf::from(&entry.path));
    dirs.filter(|dir| dir.is_absolute()).collect()
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
        let answer = |wanted: &str| resolve(&entries, (wanted, ""), &NixOptions::default());
        let found = answer("nixpkgs/lib").unwrap();
        assert_eq!((found.place, found.name.as_str()), (2, "nixpkgs"));
        assert_eq!(
            Path::new(&found.source),
            scratch.path().join("channels/nixpkgs")
        );
        assert_eq!(answer("nixos"), None);
        assert_eq!(answer("nix").unwrap().name, "nix");
    }

    #[test]
    fn each_of_two_entries_with_one_name_answers_what_it_has() {
        let scratch = tempfile::tempdir().unwrap();
        for file in ["new/a", "old/a", "old/b"] {
            std::fs::create_dir_all(scratch.path().join(file)).unwrap();
        }
        let entries = ["new", "old"].map(|dir| entry("lib", &scratch.path().join(dir)));
        let place = |wanted: &str| {
            resolve(&entries, (wanted, ""), &NixOptions::default()).map(|answer| answer.place)
        };
        assert_eq!(
            ["lib", "lib/a", "lib/b", "lib/c"].map(place),
            [Some(0), Some(0), Some(1), None]
        );
    }
}
