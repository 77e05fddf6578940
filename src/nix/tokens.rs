//! The words and signs of Nix code, without comments: enough to see where a name is used.

use rnix::SyntaxKind;

/// A part of Nix code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A name, a keyword or a number.
    Word(&'a str),
    /// A path: it has a slash.
    Path(&'a str),
    /// An operator or a bracket.
    Sign(&'a str),
    /// The beginning of a string.
    Quote,
    /// A part of a string, as it is written.
    Text(&'a str),
    /// The end of a string.
    Unquote,
    /// `${`.
    Splice,
    /// The `}` that ends it.
    Unsplice,
}

/// Splits code. Where it is not Nix, the rest is missing.
pub(crate) fn of(code: &str) -> Vec<Token<'_>> {
    let tokens = rnix::tokenize(code);
    tokens
        .filter_map(|(kind, text)| token(kind, text))
        .collect()
}

/// The token of this kind; `None` for space between two.
fn token(kind: SyntaxKind, text: &str) -> Option<Token<'_>> {
    Some(match kind {
        SyntaxKind::TOKEN_WHITESPACE | SyntaxKind::TOKEN_COMMENT | SyntaxKind::TOKEN_ERROR => {
            return None;
        }
        SyntaxKind::TOKEN_STRING_START => Token::Quote,
        SyntaxKind::TOKEN_STRING_CONTENT => Token::Text(text),
        SyntaxKind::TOKEN_STRING_END => Token::Unquote,
        SyntaxKind::TOKEN_INTERPOL_START => Token::Splice,
        SyntaxKind::TOKEN_INTERPOL_END => Token::Unsplice,
        SyntaxKind::TOKEN_PATH_ABS
        | SyntaxKind::TOKEN_PATH_HOME
        | SyntaxKind::TOKEN_PATH_REL
        | SyntaxKind::TOKEN_PATH_SEARCH => Token::Path(text),
        // A URI is a text without quotes.
        SyntaxKind::TOKEN_URI => Token::Text(text),
        _ if text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') => Token::Word(text),
        _ => Token::Sign(text),
    })
}

#[cfg(test)]
mod tests {
    use super::Token::{Path, Quote, Sign, Splice, Text, Unquote, Unsplice, Word};
    use super::*;

    #[test]
    fn code_is_split() {
        for (code, expected) in [
            (
                "a.b-c==d",
                vec![Word("a"), Sign("."), Word("b-c"), Sign("=="), Word("d")],
            ),
            (
                "import ./x.nix // y",
                vec![Word("import"), Path("./x.nix"), Sign("//"), Word("y")],
            ),
            ("~/x + a/b", vec![Path("~/x"), Sign("+"), Path("a/b")]),
            (
                r#""a ${b} \"''" c"#,
                vec![
                    Quote,
                    Text("a "),
                    Splice,
                    Word("b"),
                    Unsplice,
                    Text(r#" \"''"#),
                    Unquote,
                    Word("c"),
                ],
            ),
            (
                "''x ''${y} ''' ${ { a = \"}\"; } }'' z",
                vec![
                    Quote,
                    Text("x ''${y} ''' "),
                    Splice,
                    Sign("{"),
                    Word("a"),
                    Sign("="),
                    Quote,
                    Text("}"),
                    Unquote,
                    Sign(";"),
                    Sign("}"),
                    Unsplice,
                    Unquote,
                    Word("z"),
                ],
            ),
            ("a # b\n/* c */ d", vec![Word("a"), Word("d")]),
            ("\"\"''''", vec![Quote, Unquote, Quote, Unquote]),
        ] {
            assert_eq!(of(code), expected, "{code}");
        }
    }

    /// Unfinished code does not stop it.
    #[test]
    fn any_text_is_split() {
        for code in [
            "\"", "''", "${", "\"\\", "''''\\", "''\\", "ü/ü", "/", "~", "\"$", "}}", "''$",
        ] {
            of(code);
        }
    }
}
