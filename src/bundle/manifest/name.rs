//! Names in a manifest, as types that cannot hold a dangerous one.

use serde::{Deserialize, Serialize};

/// One component of `[A-Za-z0-9._+-]`, not starting with `-` or `.`: safe as a file name on
/// every file system and as an argument of every command.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BundleName(String);

/// A relative path that stays below its root: no empty, `.` or `..` component.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntryPath(String);

impl BundleName {
    /// Parses a name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
        if text.is_empty()
            || text.len() > 200
            || text.starts_with(['-', '.'])
            || !text.chars().all(allowed)
        {
            return Err(format!(
                "'{}' is no bundle name: it must be made of letters, digits and ._+- and not start with - or .",
                text.escape_debug()
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The nearest name to a directory's: other characters become dashes.
    pub fn from_directory(name: &str) -> Self {
        let plain: String = name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "._+-".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        let plain = plain.trim_start_matches(['-', '.']);
        Self(if plain.is_empty() {
            "shell".to_owned()
        } else {
            plain.chars().take(200).collect()
        })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl EntryPath {
    /// Parses a relative path.
    pub fn parse(text: &str) -> Result<Self, String> {
        let safe = |part: &str| {
            !matches!(part, "" | "." | "..") && !part.contains('\0') && part.len() <= 255
        };
        if text.len() > 4000 || !text.split('/').all(safe) {
            return Err(format!(
                "'{}' is no path that stays in its directory",
                text.escape_debug()
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory that it is in; empty at the top.
    pub fn parent(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(parent, _)| parent)
    }
}

impl std::fmt::Display for BundleName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for EntryPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for BundleName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<BundleName> for String {
    fn from(name: BundleName) -> Self {
        name.0
    }
}

impl TryFrom<String> for EntryPath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<EntryPath> for String {
    fn from(path: EntryPath) -> Self {
        path.0
    }
}
