//! Recorded answers: what evaluation learnt from the machine besides the contents of files
//! (`bundle-format.md`, section 4.4).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Project, RelativePath};

/// The need of a bundle whose shells must be evaluated with recorded answers.
pub const NEEDS_ANSWERS: &str = "answers";

/// The kinds of files, in the words of Nix's `readDir`.
const KINDS: [&str; 4] = ["directory", "regular", "symlink", "unknown"];

/// The start of a place that depends on where the project is.
pub const PROJECT_PLACE: &str = "@project@";

/// The start of a place in the home directory.
pub const HOME_PLACE: &str = "@home@";

/// The answers that evaluation gets about time, Nix and the machine. They hold for all shells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answers {
    /// The time, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<u64>,
    /// The names of all builtins. There are no others, and the version of Nix is the one that
    /// evaluated the shell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub builtins: Vec<String>,
    /// Files of the project that evaluation looked for or listed, but did not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
    /// Places outside of the project that evaluation looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<Probe>,
}

/// A file of the project that is not carried, though evaluation must see that it is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Seen {
    /// Its path, relative to the project's root.
    pub path: RelativePath,
    /// Its kind, in the words of `readDir`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A place on the machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Probe {
    /// An absolute path, or one below a placeholder.
    pub path: String,
    /// The kind of the file there; absent if there is none.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The kinds of all entries by name, if it was listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<BTreeMap<String, String>>,
}

impl Answers {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The first fault, as text.
    pub(super) fn fault(&self, project: &Project) -> Option<String> {
        if self.is_empty() {
            return Some("it has no recorded answers, and says that it has".to_owned());
        }
        if self.time.is_some_and(|time| i64::try_from(time).is_err()) {
            return Some("its time is too large".to_owned());
        }
        if !is_ascending(&self.builtins) || !self.builtins.iter().all(|name| is_identifier(name)) {
            return Some("its builtins are malformed".to_owned());
        }
        let paths: Vec<_> = self.seen.iter().map(|seen| &seen.path).collect();
        let is_carried = |seen: &Seen| {
            let found = project
                .files
                .binary_search_by(|file| file.path.cmp(&seen.path));
            found.is_ok()
        };
        let is_sound = |seen: &Seen| is_kind(&seen.kind) && !is_carried(seen);
        if !is_ascending(&paths) || !self.seen.iter().all(is_sound) {
            return Some("the files that its evaluation sees are malformed".to_owned());
        }
        let places: Vec<_> = self.probes.iter().map(|probe| &probe.path).collect();
        if !is_ascending(&places) || !self.probes.iter().all(Probe::is_sound) {
            return Some("the places that its evaluation looks at are malformed".to_owned());
        }
        None
    }
}

impl Probe {
    fn is_sound(&self) -> bool {
        let below = [PROJECT_PLACE, HOME_PLACE]
            .iter()
            .find_map(|start| self.path.strip_prefix(start));
        let is_place = below.unwrap_or(&self.path).starts_with('/');
        let is_entry = |(name, kind): (&String, &String)| {
            !name.is_empty() && !name.contains(['/', '\0']) && is_kind(kind)
        };
        let is_directory = self.kind.as_deref() == Some("directory");
        is_place
            && !self.path.contains(char::is_control)
            && self.kind.as_deref().is_none_or(is_kind)
            && self
                .entries
                .as_ref()
                .is_none_or(|entries| is_directory && entries.iter().all(is_entry))
    }
}

fn is_kind(kind: &str) -> bool {
    KINDS.contains(&kind)
}

fn is_ascending<T: PartialOrd>(values: &[T]) -> bool {
    values.windows(2).all(|pair| pair[0] < pair[1])
}

/// Whether Nix takes a text for a name.
fn is_identifier(name: &str) -> bool {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
    let is_rest = |c: char| is_start(c) || c.is_ascii_digit() || c == '\'' || c == '-';
    name.starts_with(is_start) && name.chars().all(is_rest)
}
