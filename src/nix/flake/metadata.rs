//! The metadata of a flake, as Nix resolves a reference.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{FEATURES, LOCK_FILE, Locked};
use crate::error::{Error, Result};
use crate::nix::Nix;
use crate::nix::command;
use crate::nix::expression::quote;
use shellpack_format::bundle::manifest::BundleName;

/// Nix's metadata of a flake.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    /// The store path of its source.
    pub path: String,
    /// The locked reference, which always resolves to the same source.
    locked: Map<String, Value>,
    /// Its inputs, as `flake.lock` has them.
    pub locks: Value,
    /// The same as a url; the revision is in it, if it has one.
    #[serde(default)]
    url: String,
}

impl Metadata {
    /// Asks Nix, which fetches the flake and locks its inputs without changing the user's lock file.
    pub(crate) fn of(reference: &str, nix: &Nix) -> Result<Self> {
        let text = nix
            .command("nix")
            .args(FEATURES)
            .args(["flake", "metadata", "--json", "--no-write-lock-file"])
            .arg(reference)
            .stdout_text()?;
        command::parse_json("nix flake metadata", &text)
    }

    /// The directory of `flake.nix` in the source; empty at the top.
    pub(crate) fn directory(&self) -> &str {
        self.text("dir").unwrap_or_default()
    }

    /// The reference as a url, for display.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether the flake is in a local directory.
    pub(crate) fn is_local(&self) -> bool {
        match self.text("type") {
            Some("path") => true,
            Some("git") => self
                .text("url")
                .is_some_and(|url| url.starts_with("file://")),
            _ => false,
        }
    }

    /// The directory that a local flake is in.
    pub(crate) fn local_directory(&self) -> Option<PathBuf> {
        let place = match self.text("type")? {
            "path" => self.text("path")?.to_owned(),
            "git" => {
                let url = self.text("url")?.strip_prefix("file://")?;
                url_decoded(url.split(['?', '#']).next()?)
            }
            _ => return None,
        };
        let place = PathBuf::from(place);
        place.is_absolute().then_some(place)
    }

    /// The source's attributes besides its path, as this Nix has them: revision, date.
    pub(crate) fn attributes(&self, nix: &Nix) -> Result<Value> {
        let reference = serde_json::to_string(&self.tree())
            .map_err(|error| Error::nix_output("nix flake metadata", &error.to_string()))?;
        let expression = format!(
            "removeAttrs (builtins.fetchTree (builtins.fromJSON {})) [ \"outPath\" ]",
            quote(&reference)
        );
        let text = nix
            .command("nix-instantiate")
            .args(FEATURES)
            .args(["--eval", "--strict", "--json", "-E", &expression])
            .stdout_text()?;
        command::parse_json("nix-instantiate", &text)
    }

    /// The reference for `fetchTree`: without the directory, which is not part of the tree, and
    /// without Nix's internal attributes, which begin with underscores.
    fn tree(&self) -> Map<String, Value> {
        let mut locked = self.locked.clone();
        locked.retain(|name, _| name != "dir" && !name.starts_with("__"));
        locked
    }

    /// Whether it is a working copy with changes.
    pub(crate) fn is_dirty(&self) -> bool {
        self.text("type") == Some("git") && self.text("rev").is_none()
    }

    /// A name for the flake: that of its directory or repository.
    pub(crate) fn name(&self) -> String {
        let path = || {
            let path = self.text("path")?;
            // Old versions of Nix print `.` if the user typed it.
            let real = fs::canonicalize(path).ok();
            Some(real.map_or_else(
                || path.to_owned(),
                |real| real.to_string_lossy().into_owned(),
            ))
        };
        let url = || {
            let url = self.text("url").unwrap_or_default();
            url_decoded(url.split(['?', '#']).next().unwrap_or_default())
        };
        let repo = self.text("repo").map(str::to_owned);
        let place = repo.or_else(path).unwrap_or_else(url);
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

    /// Whether the source's own lock file is complete.
    pub(crate) fn is_locked(&self) -> bool {
        self.locked().lock.is_none() || self.inputs().next().is_none()
    }

    /// The inputs, each with its origin.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = String> {
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

    /// The parts of the flake besides its source.
    pub(crate) fn locked(&self) -> Locked {
        let file = Path::new(&self.path).join(self.directory()).join(LOCK_FILE);
        let text = fs::read(file).ok();
        let own = text.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        let lock = (own.as_ref() != Some(&self.locks)).then(|| self.locks.clone());
        Locked {
            directory: self.directory().to_owned(),
            lock,
        }
    }

    /// The text of `flake.lock`, in Nix's layout.
    pub(crate) fn lock_file(&self) -> String {
        format!("{:#}\n", self.locks)
    }
}

/// The path of a url, decoded, as far as the url has one.
fn url_decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).map(|digits| u8::from_str_radix(digits, 16));
        match byte {
            Some(Ok(byte)) => {
                decoded.push(byte);
                decoded.extend(&part.as_bytes()[2..]);
            }
            _ => decoded.extend(["%", part].concat().as_bytes()),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_decoded() {
        for (url, path) in [
            ("file:///a%20b/%C3%BC", "file:///a b/ü"),
            ("100%", "100%"),
            ("%zz%2", "%zz%2"),
            ("%é", "%é"),
        ] {
            assert_eq!(url_decoded(url), path);
        }
    }

    #[test]
    fn a_flake_is_called_as_its_directory() {
        let name = |locked: serde_json::Value| {
            let metadata = serde_json::json!({ "path": "/s", "locked": locked, "locks": {} });
            serde_json::from_value::<Metadata>(metadata).unwrap().name()
        };
        assert_eq!(
            name(serde_json::json!({ "url": "file:///x/my%20project?dir=a" })),
            "my-project"
        );
        assert_eq!(name(serde_json::json!({ "path": "/x/100%25" })), "100-25");
        assert_eq!(
            name(serde_json::json!({ "url": "https://host/x.git" })),
            "x"
        );
    }
}
