//! Names in a manifest, as types that cannot hold a dangerous one.

use serde::{Deserialize, Serialize};

/// One component of `[A-Za-z0-9._+-]`, not starting with `-` or `.`: safe as a file name on
/// every file system and as an argument of every command.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BundleName(String);

/// The name of one of several shells: one or more components like a [`BundleName`], with `/` between
/// them, such as `tools/b`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShellName(String);

/// The longest name of a bundle or of a shell, in bytes. With an ending it is still a file's name.
const LONGEST: usize = 200;
/// The length at which a derived name is cut off, so that a number still fits behind it.
const LONGEST_MADE: usize = 180;

/// The most components of a relative path: as deep as a NAR may be.
const DEEPEST: usize = 256;

/// A relative path that stays below its root: no empty, `.` or `..` component.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelativePath(String);

/// A directory of the project: its root, `.`, or one below.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectDirectory(Option<RelativePath>);

/// The root of the project as text.
const ROOT: &str = ".";

impl BundleName {
    /// Parses a name. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST || !is_plain(text) {
            return Err(format!(
                "'{}' is not a bundle name: it must be made of letters, digits and ._+- and not start with - or .",
                text.escape_debug()
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name nearest to a directory's: other characters become dashes.
    pub fn from_directory(name: &str) -> Self {
        let plain = plain(name);
        Self(if plain.is_empty() {
            "shell".to_owned()
        } else {
            plain.chars().take(LONGEST).collect()
        })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ShellName {
    /// Parses a name. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST || !text.split('/').all(is_plain) {
            return Err(format!(
                "'{}' is not the name of a shell: it must be made of letters, digits and ._+-, and of / between parts that do not start with - or .",
                text.escape_debug()
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name nearest to a path: other characters become dashes.
    pub fn from_path(path: &str) -> Self {
        let parts: Vec<_> = path.split('/').map(plain).collect();
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let name: String = parts.join("/").chars().take(LONGEST_MADE).collect();
        match name.trim_end_matches('/') {
            "" => Self("shell".to_owned()),
            name => Self(name.to_owned()),
        }
    }

    /// This name with a number behind it.
    #[must_use]
    pub fn numbered(&self, number: usize) -> Self {
        Self(format!("{}-{number}", self.0))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The prefix of a line about one of several shells, `tools/b: `, or nothing.
    pub fn before_words(name: Option<&Self>) -> String {
        name.map_or_else(String::new, |name| format!("{name}: "))
    }

    /// A file name for it. No two names have the same, since no name has a `=`.
    pub fn file_name(&self) -> String {
        self.0.replace('/', "=")
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._+-".contains(c)
}

fn is_plain(part: &str) -> bool {
    !part.is_empty() && !part.starts_with(['-', '.']) && part.chars().all(is_allowed)
}

/// The plain part nearest to a text; empty if nothing is left.
fn plain(part: &str) -> String {
    let dashed = |c| if is_allowed(c) { c } else { '-' };
    let plain: String = part.chars().map(dashed).collect();
    plain
        .trim_start_matches(['-', '.'])
        .trim_end_matches('-')
        .to_owned()
}

/// Characters that some file systems drop from names, and that nobody sees.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Whether a bundle may say that its root has this name. It is joined to the directory that the user
/// named, so it must not lead to what programs keep there: `.git`, `.config`, `.ssh`. A `~` or a `:` makes
/// another name for such a directory on file systems of other systems.
pub fn may_name_root(name: &str) -> bool {
    let is_component = RelativePath::parse(name).is_ok() && !name.contains('/');
    let is_dangerous = |c| matches!(c, '~' | ':' | '\\') || is_invisible(c);
    is_component && !name.starts_with('.') && !name.contains(is_dangerous)
}

impl RelativePath {
    /// Parses a relative path: at most 4000 bytes, 256 components of at most 255. The error says what
    /// is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let safe = |part: &str| {
            !matches!(part, "" | "." | "..") && !part.contains('\0') && part.len() <= 255
        };
        if text.len() > 4000 || text.split('/').count() > DEEPEST || !text.split('/').all(safe) {
            return Err(format!(
                "'{}' is not a path that stays in its directory",
                text.escape_debug()
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory above it; empty at the top.
    pub fn parent(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(parent, _)| parent)
    }
}

impl ProjectDirectory {
    /// Parses `.` or a relative path. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == ROOT {
            return Ok(Self(None));
        }
        RelativePath::parse(text).map(|path| Self(Some(path)))
    }

    /// Its path below the root; empty for the root itself.
    pub fn below_root(&self) -> &str {
        self.0.as_ref().map_or("", RelativePath::as_str)
    }
}

impl std::fmt::Display for BundleName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for ShellName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for RelativePath {
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

impl TryFrom<String> for ShellName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<ShellName> for String {
    fn from(name: ShellName) -> Self {
        name.0
    }
}

impl TryFrom<String> for RelativePath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<RelativePath> for String {
    fn from(path: RelativePath) -> Self {
        path.0
    }
}

impl TryFrom<String> for ProjectDirectory {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<ProjectDirectory> for String {
    fn from(directory: ProjectDirectory) -> Self {
        directory.0.map_or_else(|| ROOT.to_owned(), Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_named_like_its_place() {
        let long = "x".repeat(300);
        for (path, name) in [
            ("tools/b", "tools/b"),
            ("my env/it's ü", "my-env/it-s"),
            (".hidden/-x", "hidden/x"),
            ("a//../b/", "a/b"),
            ("...", "shell"),
            ("", "shell"),
            (&long, &long[..180]),
        ] {
            assert_eq!(ShellName::from_path(path).as_str(), name);
            assert!(ShellName::parse(name).is_ok(), "{name}");
        }
        let slash_at_the_cut = format!("{}/x", &long[..179]);
        assert_eq!(
            ShellName::from_path(&slash_at_the_cut).as_str(),
            &long[..179]
        );
    }
}
