//! The words and signs of Nix code, without comments: enough to see where a name is used.

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

/// The surroundings of a place in the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    Brace,
    Splice,
    /// A string, with its delimiter.
    String(&'static str),
}

const SIGNS: [&str; 9] = ["==", "!=", "<=", ">=", "&&", "||", "->", "++", "//"];

/// Splits code. If it is not Nix, the result has no meaning.
pub(crate) fn of(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut around: Vec<Around> = Vec::new();
    let mut rest = code;
    while !rest.is_empty() {
        let (token, length) = match around.last() {
            Some(Around::String(end)) => in_string(rest, end),
            inner => in_code(rest, inner == Some(&Around::Splice)),
        };
        match token {
            Some(Token::Quote) => around.push(Around::String(delimiter(rest))),
            Some(Token::Splice) => around.push(Around::Splice),
            Some(Token::Sign("{")) => around.push(Around::Brace),
            Some(Token::Unquote | Token::Unsplice | Token::Sign("}")) => drop(around.pop()),
            _ => {}
        }
        tokens.extend(token);
        rest = &rest[length..];
    }
    tokens
}

/// The delimiter that a string begins and ends with.
fn delimiter(rest: &str) -> &'static str {
    if rest.starts_with('"') { "\"" } else { "''" }
}

/// The next token in a string, and its length.
fn in_string<'a>(rest: &'a str, end: &str) -> (Option<Token<'a>>, usize) {
    let escape = if end == "\"" { "\\" } else { "''" };
    let is_escape = |at: usize| {
        let from = &rest[at..];
        let after = from.strip_prefix(escape);
        after.is_some_and(|after| end == "\"" || after.starts_with(['$', '\'', '\\']))
    };
    if rest.starts_with("${") {
        return (Some(Token::Splice), 2);
    }
    if rest.starts_with(end) && !is_escape(0) {
        return (Some(Token::Unquote), end.len());
    }
    let mut at = 0;
    while at < rest.len() {
        let from = &rest[at..];
        if is_escape(at) {
            at += escape.len();
            // `''\` escapes one more character.
            at += usize::from(end != "\"" && rest[at..].starts_with('\\'));
        } else if from.starts_with("$$") {
            at += 1;
        } else if from.starts_with("${") || from.starts_with(end) {
            break;
        }
        at += rest[at..].chars().next().map_or(0, char::len_utf8);
    }
    (Some(Token::Text(&rest[..at])), at)
}

/// The next token outside of strings, and its length.
fn in_code(rest: &str, in_splice: bool) -> (Option<Token<'_>>, usize) {
    let space = rest.len() - rest.trim_start().len();
    if space > 0 {
        return (None, space);
    }
    if rest.starts_with('#') {
        return (None, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (None, rest.find("*/").map_or(rest.len(), |end| end + 2));
    }
    for (start, token) in [
        ("\"", Token::Quote),
        ("''", Token::Quote),
        ("${", Token::Splice),
    ] {
        if rest.starts_with(start) {
            return (Some(token), start.len());
        }
    }
    if in_splice && rest.starts_with('}') {
        return (Some(Token::Unsplice), 1);
    }
    if let Some(length) = path_length(rest) {
        return (Some(Token::Path(&rest[..length])), length);
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_'-".contains(c);
    let starts_word = rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if starts_word {
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        return (Some(Token::Word(&rest[..length])), length);
    }
    let two = SIGNS.iter().find(|sign| rest.starts_with(**sign));
    let one = rest.chars().next().map_or(0, char::len_utf8);
    let length = two.map_or(one, |sign| sign.len());
    (Some(Token::Sign(&rest[..length])), length)
}

/// The length of a path at the beginning, if there is one.
fn path_length(rest: &str) -> Option<usize> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    let part = |at: usize| at + rest[at..].find(|c| !is_part(c)).unwrap_or(rest.len() - at);
    let mut end = if rest.starts_with('~') { 1 } else { part(0) };
    let mut is_path = false;
    while rest[end..].starts_with('/') && part(end + 1) > end + 1 {
        end = part(end + 1);
        is_path = true;
    }
    // `./${name}` is one, too.
    let goes_on = rest[end..].starts_with("/${") && end > 0;
    (is_path || goes_on).then_some(end + usize::from(goes_on))
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
