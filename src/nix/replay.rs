//! Evaluation with recorded answers in place of fetchers, and of what differs between machines.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::expression::{quote, quote_all};
use super::flake::{Locked, Start};
use super::scope;
use crate::error::{Error, Result};
use crate::replace;
use shellpack_format::bundle::manifest::{Answers, FlakePin, Pin};
use shellpack_format::store::hash::Digest;
use shellpack_format::store::store_path::StoreDir;

mod answers;

use answers::Here;

/// The placeholder for the project's directory in the arguments of a call: it differs on every machine.
/// `replay.nix` has the same.
const PROJECT: &str = "@project@";

/// The files with what is the same for all shells of a place.
const SOURCES: &str = "sources.json";
const ANSWERS: &str = "answers.json";
const FILES: &str = "files.json";
const SOURCE: &str = "source.json";

/// The answer for one call of a fetcher.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The builtin: `fetchGit`.
    pub fetcher: String,
    /// The [`digest`] of its arguments.
    pub arguments: String,
    /// The store path that it returned, in full.
    pub path: String,
    /// The other attributes that it returned, if it returned a set.
    pub attributes: Option<serde_json::Value>,
    /// The flake in it, if it returned one.
    #[serde(default)]
    pub flake: Option<Locked>,
}

impl Answer {
    /// The answer for a pin's fetcher, if it needs one.
    pub(crate) fn of_pin(pin: &Pin, store: &StoreDir) -> Option<Self> {
        let json = |text: &String| serde_json::from_str(text).ok();
        Some(Self {
            fetcher: pin.fetcher.clone(),
            arguments: pin.arguments.as_ref()?.hex(),
            path: store.print(&pin.store_path),
            attributes: pin.attributes.as_ref().and_then(json),
            flake: pin.flake.as_ref().map(Locked::of_pin),
        })
    }
}

impl Locked {
    fn of_pin(pin: &FlakePin) -> Self {
        let json = |text: &String| serde_json::from_str(text).ok();
        Self {
            directory: pin.directory.clone(),
            lock: pin.lock.as_ref().and_then(json),
        }
    }

    /// The form in the manifest.
    pub(crate) fn to_pin(&self) -> FlakePin {
        FlakePin {
            directory: self.directory.clone(),
            lock: self.lock.as_ref().map(ToString::to_string),
        }
    }
}

/// The place where a replay is evaluated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReplayPlace<'a> {
    /// The starting point.
    pub start: Start<'a>,
    /// The project's directory, absolute.
    pub project: &'a Path,
    /// The project's Nix files, relative to its directory.
    pub own: &'a [&'a str],
    /// Absolute paths of other files that may be imported and lead to a fetch.
    pub others: &'a [String],
    /// The version of Nix that recorded.
    pub nix_version: &'a str,
    /// Answers besides those of fetchers.
    pub answers: &'a Answers,
    /// Places that evaluation must not see, although they are there.
    pub unseen: &'a [String],
    /// A directory with the same answers, that is, of another shell at this place. A bundle has up to
    /// a thousand shells, and its answers can be large.
    pub like: Option<&'a Path>,
}

/// Writes the files that evaluate the shell with these answers into `dir`, and returns the file to
/// use in place of the shell's. Existing files are replaced. The files are valid for this place
/// only.
pub(crate) fn write(answers: &[Answer], place: ReplayPlace<'_>, dir: &Path) -> Result<PathBuf> {
    let text = format!(
        "{}(import ./replay.nix {{ start = {}; inherit project; isPure = {}; nixVersion = {}; \
         files = map (file: project + \"/\" + file) (builtins.fromJSON (builtins.readFile ./files.json)) ++ [ {} ]; \
         sources = builtins.fromJSON (builtins.readFile ./sources.json); \
         answers = builtins.fromJSON (builtins.readFile ./answers.json); }})\n",
        place.start.bindings_with(
            place.project,
            "builtins.fromJSON (builtins.readFile ./source.json)"
        )?,
        place.start.function()?,
        place.start.is_pure(),
        quote(place.nix_version),
        quote_all(place.others.iter().map(String::as_str)),
    );
    let wrapper = scope::write(dir, Some(("replay.nix", include_str!("replay.nix"))), &text)?;
    if place.like.is_some_and(|like| is_shared(like, dir)) {
        return Ok(wrapper);
    }
    write_json(&dir.join(SOURCES), &answers)?;
    let here = Here::of(place.answers, place.unseen, place.project)?;
    write_json(&dir.join(ANSWERS), &here)?;
    write_json(&dir.join(FILES), &place.own)?;
    write_json(&dir.join(SOURCE), &place.start.files())?;
    Ok(wrapper)
}

/// Makes the files of a place the files of another directory, too; `false` if it cannot.
fn is_shared(from: &Path, dir: &Path) -> bool {
    [SOURCES, ANSWERS, FILES, SOURCE]
        .iter()
        .all(|name| replace::hard_link(&dir.join(name), &from.join(name)).is_ok())
}

/// Another directory may have the file that was there, so it is not written over.
fn write_json(file: &Path, value: &impl Serialize) -> Result<()> {
    let json = serde_json::to_vec(value).map_err(|error| Error::io("write", file)(error.into()))?;
    replace::file(file, &json)
}

/// The key of a call: the digest of its arguments, wherever the project is. The arguments themselves
/// may hold passwords and tokens.
pub(crate) fn digest(arguments: &serde_json::Value, project: &Path) -> Digest {
    Digest::of(portable(arguments, project).to_string().as_bytes())
}

/// Makes arguments independent of the project's directory.
fn portable(arguments: &serde_json::Value, project: &Path) -> serde_json::Value {
    let Some(project) = project.to_str() else {
        return arguments.clone();
    };
    map_texts(arguments, &|text| replace_directory(text, project))
}

/// A url or path to show and to keep: relative if it is in the project.
pub(crate) fn without_directory(text: &str, project: &Path) -> String {
    let Some(project) = project.to_str() else {
        return text.to_owned();
    };
    replace_directory(text, project).replace(PROJECT, ".")
}

/// Replaces a directory at the beginning of a text or behind a scheme, if whole components match.
fn replace_directory(text: &str, dir: &str) -> String {
    let at = text.find("://").map_or(0, |at| at + "://".len());
    let (scheme, path) = text.split_at(at);
    match path.strip_prefix(dir) {
        Some(rest) if rest.is_empty() || rest.starts_with(['/', '?', '#']) => {
            format!("{scheme}{PROJECT}{rest}")
        }
        _ => text.to_owned(),
    }
}

fn map_texts(value: &serde_json::Value, map: &dyn Fn(&str) -> String) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(text) => Value::String(map(text)),
        Value::Array(values) => values.iter().map(|value| map_texts(value, map)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), map_texts(value, map)))
            .collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_in_the_project_are_portable() {
        let arguments = json!({
            "url": "/home/me/p", "submodules": true, "list": ["/home/me/p/x", "/home/me/px"],
            "git": "git+file:///home/me/p?rev=1", "other": "https://host/home/me/p"
        });
        assert_eq!(
            portable(&arguments, Path::new("/home/me/p")),
            json!({
                "url": "@project@", "submodules": true, "list": ["@project@/x", "/home/me/px"],
                "git": "git+file://@project@?rev=1", "other": "https://host/home/me/p"
            })
        );
    }
}
