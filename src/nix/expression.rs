//! Texts of the Nix language.

use std::path::Path;

use crate::error::{Error, Result};

/// A string literal.
pub(crate) fn quote(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace("${", "\\${")
        .replace('\n', "\\n")
        .replace('\r', "\\r");
    format!("\"{escaped}\"")
}

/// String literals, as elements of a list.
pub(super) fn quote_all<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = texts.map(quote).collect();
    quoted.join(" ")
}

/// A path as text: shellpack writes Nix code in UTF-8 only.
pub(crate) fn utf8(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| Error::NotUtf8(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_for_nix() {
        assert_eq!(quote("a\"b\\c${d}$e"), r#""a\"b\\c\${d}$e""#);
    }
}
