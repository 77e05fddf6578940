//! Attribute paths in the outputs of a flake.

use std::fmt;

use serde::Deserialize;

/// The names that lead to a value in a flake's outputs, or in a shell file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct AttributePath(pub(super) Vec<String>);

impl AttributePath {
    /// The path that a text names; a name with a dot in it is in quotes.
    pub(crate) fn parse(text: &str) -> Self {
        Self(names(text))
    }

    /// The names on the way.
    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }

    /// The places where `nix develop` looks for the text behind the `#` of a reference, in this
    /// order.
    pub(crate) fn candidates(fragment: &str, system: &str) -> Vec<Self> {
        let path = |names: &[&str]| Self(names.iter().map(|&name| name.to_owned()).collect());
        if fragment.is_empty() {
            return vec![
                path(&["devShells", system, "default"]),
                path(&["devShell", system]),
                path(&["packages", system, "default"]),
                path(&["defaultPackage", system]),
            ];
        }
        // A leading dot means a path from the top.
        if let Some(rest) = fragment.strip_prefix('.') {
            return vec![Self(names(rest))];
        }
        let below = |prefix: &[&str]| Self([path(prefix).0, names(fragment)].concat());
        vec![
            below(&["devShells", system]),
            below(&["packages", system]),
            below(&["legacyPackages", system]),
            below(&[]),
        ]
    }
}

/// The names of an attribute path; one with a dot in it is in quotes.
fn names(text: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut is_quoted = false;
    for c in text.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => names.push(String::new()),
            c => names
                .iter_mut()
                .last()
                .into_iter()
                .for_each(|name| name.push(c)),
        }
    }
    names
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            let quote = if name.contains('.') { "\"" } else { "" };
            write!(f, "{dot}{quote}{name}{quote}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_sought_where_nix_develop_seeks_them() {
        let paths = |fragment| -> Vec<_> {
            let candidates = AttributePath::candidates(fragment, "s");
            candidates.iter().map(ToString::to_string).collect()
        };
        assert_eq!(paths("")[..2], ["devShells.s.default", "devShell.s"]);
        assert_eq!(
            paths("x.\"1.0\""),
            [
                "devShells.s.x.\"1.0\"",
                "packages.s.x.\"1.0\"",
                "legacyPackages.s.x.\"1.0\"",
                "x.\"1.0\""
            ]
        );
        assert_eq!(paths(".x.y"), ["x.y"]);
    }
}
