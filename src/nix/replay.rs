//! Evaluation whose fetchers return what a recorded evaluation got from them.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::expression::{quote, quote_all, utf8};
use super::flake::{Locked, Start};
use super::scope;
use crate::error::{Error, Result};
use shellpack_format::bundle::manifest::{FlakePin, Pin};
use shellpack_format::store::store_path::StoreDir;

/// What the project's directory is called in recorded arguments, since it is elsewhere on
/// every machine.
const PROJECT: &str = "@project@";

/// A fetch and its result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The builtin: `fetchGit`.
    pub fetcher: String,
    /// Its arguments; places in the project as [`portable`] has them.
    pub arguments: serde_json::Value,
    /// The store path that it returned, in full.
    pub path: String,
    /// What else it returned, if that was a set.
    pub attributes: Option<serde_json::Value>,
    /// What makes a flake of it, if that is what it returned.
    #[serde(default)]
    pub flake: Option<Locked>,
}

impl Answer {
    /// What a pin's fetcher is to be answered, if it must be.
    pub(crate) fn of_pin(pin: &Pin, store: &StoreDir) -> Option<Self> {
        let json = |text: &String| serde_json::from_str(text).ok();
        Some(Self {
            fetcher: pin.fetcher.clone(),
            arguments: pin.arguments.as_ref().and_then(json)?,
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

    /// As the manifest has it.
    pub(crate) fn to_pin(&self) -> FlakePin {
        FlakePin {
            directory: self.directory.clone(),
            lock: self.lock.as_ref().map(ToString::to_string),
        }
    }
}

/// Where a replay is evaluated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReplayPlace<'a> {
    /// What is evaluated.
    pub start: Start<'a>,
    /// The project's directory, absolute.
    pub project: &'a Path,
    /// The project's files of Nix code, relative to its directory.
    pub own: &'a [&'a str],
    /// Others that may be imported and lead to a fetch, absolute paths.
    pub others: &'a [String],
    /// The version of Nix that recorded.
    pub nix_version: &'a str,
}

/// Writes what evaluates the shell with these sources into `dir`; the file that is returned
/// stands for the shell's. All of it is overwritten, and holds for this place only.
pub(crate) fn write(sources: &[Answer], place: ReplayPlace<'_>, dir: &Path) -> Result<PathBuf> {
    let project = utf8(place.project)?;
    let text = format!(
        "{}(import ./replay.nix {{ entry = {}; inherit project; isPure = {}; nixVersion = {}; \
         files = map (file: project + \"/\" + file) [ {} ] ++ [ {} ]; \
         sources = builtins.fromJSON (builtins.readFile ./sources.json); }})\n",
        place.start.bindings(place.project)?,
        place.start.function()?,
        place.start.is_pure(),
        quote(place.nix_version),
        quote_all(place.own.iter().copied()),
        quote_all(place.others.iter().map(String::as_str)),
    );
    let wrapper = scope::write(dir, Some(("replay.nix", include_str!("replay.nix"))), &text)?;
    let here: Vec<_> = sources
        .iter()
        .map(|source| Answer {
            arguments: map_texts(&source.arguments, &|text| text.replace(PROJECT, project)),
            ..source.clone()
        })
        .collect();
    let file = dir.join("sources.json");
    let json =
        serde_json::to_vec(&here).map_err(|error| Error::io("write", &file)(error.into()))?;
    fs::write(&file, json).map_err(Error::io("write", &file))?;
    Ok(wrapper)
}

/// Arguments that say the same wherever the project lies.
pub(crate) fn portable(arguments: &serde_json::Value, project: &Path) -> serde_json::Value {
    let Some(project) = project.to_str() else {
        return arguments.clone();
    };
    map_texts(arguments, &|text| replace_directory(text, project))
}

/// A url or path as it may be shown and kept: a place in the project is relative to it.
pub(crate) fn without_directory(text: &str, project: &Path) -> String {
    let Some(project) = project.to_str() else {
        return text.to_owned();
    };
    replace_directory(text, project).replace(PROJECT, ".")
}

/// Replaces a directory where it is named as a whole: at the beginning or behind a scheme, and
/// up to the end of a component.
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
