//! Files that ask which builtins Nix has. No evaluation shows it: `builtins ? x` leaves no trace.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Directories that are nixpkgs, which asks and has the same result on every Nix that it supports.
#[derive(Debug, Default)]
pub(super) struct PackageSets(HashMap<PathBuf, bool>);

impl PackageSets {
    /// Whether a file is in one.
    pub(super) fn have(&mut self, file: &Path) -> bool {
        let Some(dir) = file.parent() else {
            return false;
        };
        if let Some(known) = self.0.get(dir) {
            return *known;
        }
        let lib = dir.join("lib");
        let is_top = ["minver.nix", "minfeatures.nix"]
            .iter()
            .any(|name| lib.join(name).is_file());
        let is_in_one = is_top || self.have(dir);
        self.0.insert(dir.to_owned(), is_in_one);
        is_in_one
    }
}

/// Whether a file that was evaluated asks.
pub(super) fn are_asked_for(file: &Path, package_sets: &mut PackageSets) -> bool {
    !package_sets.have(file) && fs::read_to_string(file).is_ok_and(|text| asks(&text))
}

/// Whether Nix code uses the set of all builtins other than to take one of them.
fn asks(text: &str) -> bool {
    let text = without_comments(text);
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_'-".contains(c);
    text.match_indices("builtins").any(|(at, word)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        let is_word = !before.ends_with(|c| is_part(c) || c == '.') && !after.starts_with(is_part);
        is_word && !takes_one(before.trim_end(), after.trim_start())
    })
}

/// `builtins.x`, but not `builtins.x or y`; `inherit (builtins) x`; `with builtins;`.
fn takes_one(before: &str, after: &str) -> bool {
    if let Some(name) = after.strip_prefix('.') {
        let name = name.trim_start();
        let rest =
            name.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_'-\"".contains(c));
        let next = rest.trim_start();
        let is_default = next
            .strip_prefix("or")
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'));
        return rest.len() < name.len() && !is_default;
    }
    let inherits = before
        .strip_suffix('(')
        .is_some_and(|before| before.trim_end().ends_with("inherit"));
    (inherits && after.starts_with(')')) || (before.ends_with("with") && after.starts_with(';'))
}

/// Without `# …` and `/* … */`. In a string, they are none; what is lost there asks nothing.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['#', '/']) {
        kept.push_str(&rest[..at]);
        let comment = &rest[at..];
        let length = if comment.starts_with('#') {
            comment.find('\n').unwrap_or(comment.len())
        } else if comment.starts_with("/*") {
            comment.find("*/").map_or(comment.len(), |end| end + 2)
        } else {
            kept.push('/');
            1
        };
        rest = &comment[length..];
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_found() {
        for code in [
            "if builtins ? getFlake then 1 else 2",
            "builtins.fetchTree or (x: x)",
            "(builtins.fetchTree\n  or null)",
            "let b = builtins; in b ? x",
            "builtins.hasAttr \"x\" builtins",
            "builtins.attrNames builtins",
            "builtins.${name}",
            "{ inherit builtins; }",
        ] {
            assert!(asks(code), "{code}");
        }
        for code in [
            "builtins.getFlake x",
            "builtins.fetchTree order",
            "with builtins; map f l",
            "inherit (builtins) map;",
            "# builtins ? x\n1 /* builtins */",
            "lib.builtins.x ? y",
            "mybuiltins ? x",
        ] {
            assert!(!asks(code), "{code}");
        }
    }
}
