//! The requirements of a nixpkgs on Nix. It aborts if Nix does not meet one.

use std::fs;
use std::path::Path;

use super::command::{self, NixCommand};
use crate::error::Result;

/// A file with the oldest version of Nix, as a string. nixpkgs had it until August 2025.
const VERSION: &str = "lib/minver.nix";

/// A file that has taken its place: an expression that asks Nix for features, and for a version among
/// them.
const FEATURES: &str = "lib/minfeatures.nix";

/// A longer text is no list of features, and would be in each bundle.
const LONGEST: usize = 32 << 10;

/// The requirements that a nixpkgs states.
#[derive(Debug, Clone, Default)]
pub(crate) struct Required {
    /// The oldest version.
    pub(crate) version: Option<String>,
    /// The expression of [`missing_features`].
    pub(crate) features: Option<String>,
}

/// Whether a directory states requirements, as every nixpkgs does.
pub(crate) fn are_stated_in(dir: &Path) -> bool {
    [VERSION, FEATURES]
        .iter()
        .any(|name| dir.join(name).is_file())
}

impl Required {
    /// The requirements stated in this directory.
    pub(crate) fn stated_in(dir: &Path) -> Self {
        let text = |name| fs::read_to_string(dir.join(name)).ok();
        let features = text(FEATURES).filter(|text| text.len() <= LONGEST);
        let version = match &features {
            Some(features) => compared_version(features),
            None => text(VERSION).as_deref().and_then(literal),
        };
        Self {
            version,
            // It must make sense alone, since on the target it is asked before its nixpkgs is there.
            features: features.filter(|text| missing_features(text).is_ok()),
        }
    }
}

/// How a text of a bundle is evaluated: it sees no files, and fetches, writes and builds nothing,
/// whatever the user's settings are, since nothing of the bundle is accepted by then.
const SETTINGS: [&str; 16] = [
    "--readonly-mode",
    "--option",
    "restrict-eval",
    "true",
    "--option",
    "allow-import-from-derivation",
    "false",
    "--option",
    "allowed-uris",
    "",
    "--option",
    "allow-unsafe-native-code-during-evaluation",
    "false",
    "--option",
    "max-jobs",
    "0",
];

/// The descriptions of the features that this Nix lacks, by the text of `lib/minfeatures.nix`.
pub(crate) fn missing_features(text: &str) -> Result<Vec<String>> {
    let expression = format!("map (feature: feature.description) ({text}\n).missing");
    let command = NixCommand::new("nix-instantiate").args(SETTINGS);
    // Files on the search path could be read even so.
    let command =
        command
            .env("NIX_PATH", "")
            .args(["--eval", "--strict", "--json", "-E", &expression]);
    let missing = command.stdout_text()?;
    command::parse_json("nix-instantiate", &missing)
}

/// The string that is the first thing on a line.
fn literal(text: &str) -> Option<String> {
    let line = text
        .lines()
        .find(|line| line.trim_start().starts_with('"'))?;
    line.split('"').nth(1).map(str::to_owned)
}

/// The version that Nix's own is compared with.
fn compared_version(text: &str) -> Option<String> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let mut compared = code.filter_map(|line| line.split_once("compareVersions \""));
    let (_, version) = compared.next()?;
    let (version, rest) = version.split_once('"')?;
    rest.trim_start()
        .starts_with("builtins.nixVersion")
        .then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_both_generations_are_found() {
        let minver = "# Expose the minimum required version\n\"2.3.17\"\n";
        assert_eq!(literal(minver).as_deref(), Some("2.3.17"));
        let features = r#"[ { description = "compareVersions \"9\"";
            # builtins.compareVersions "3" builtins.nixVersion
            condition = builtins ? nixVersion && builtins.compareVersions "2.18" builtins.nixVersion != 1; } ]"#;
        assert_eq!(compared_version(features).as_deref(), Some("2.18"));
        assert_eq!(compared_version("builtins ? nixVersion"), None);
    }
}
