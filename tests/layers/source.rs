//! A Rust file as far as its imports go: the modules it declares, and every path it names.
//!
//! This is not a Rust parser. It reads tokens, skips comments, strings and code for tests, and
//! understands `use` trees and paths, which is all that imports are made of.

/// The imports of a Rust file.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The modules that it declares and that are in files of their own.
    pub(super) modules: Vec<String>,
    /// The same with those for tests only.
    pub(super) declared: Vec<String>,
    /// Every path that it names, in order.
    pub(super) paths: Vec<Named>,
    /// The lines on which it does something that hides imports from this reader.
    pub(super) hiding: Vec<usize>,
}

/// Ways to import something unseen: the text of another file, another name of this crate, a module
/// in an unusual place, macros of other modules, and paths that a macro puts together.
const HIDING: [&[&str]; 5] = [
    &["include", "!"],
    &["extern", "crate"],
    &["#", "[", "path"],
    &["#", "[", "macro_use"],
    &["::", "$"],
];

/// A path that a file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) line: usize,
    /// `crate`, `nix`, `Nix`; a glob ends in `*`.
    pub(super) path: Vec<String>,
    /// Its name in the file, if it is part of a `use`.
    pub(super) alias: Option<String>,
    /// Whether the `use` is public, and so re-exports the name.
    pub(super) is_handed_on: bool,
}

type Token = (String, usize);

impl Source {
    pub(super) fn read(text: &str) -> Self {
        let all = tokens(text);
        let tokens = without_tests(&all);
        let mut source = Self {
            declared: modules(&all),
            modules: modules(&tokens),
            ..Self::default()
        };
        let is_hiding = |at: &usize| HIDING.iter().any(|words| starts_with(&tokens, *at, words));
        let hiding = (0..tokens.len()).filter(is_hiding);
        source.hiding = hiding.map(|at| tokens[at].1).collect();
        let mut at = 0;
        while at < tokens.len() {
            at = match word(&tokens, at) {
                "use" if word(&tokens, at + 1) != "<" => source.read_use(&tokens, at),
                _ => source.read_path(&tokens, at),
            };
        }
        source
    }

    /// A `use`; returns where it ends.
    fn read_use(&mut self, tokens: &[Token], at: usize) -> usize {
        let is_end = |token: &Token| [";", "{", "}"].contains(&token.0.as_str());
        let before = tokens[..at].iter().rev().take_while(|token| !is_end(token));
        let is_handed_on = before.clone().any(|token| token.0 == "pub");
        let first = self.paths.len();
        let end = self.read_tree(tokens, at + 1, &[]);
        for named in &mut self.paths[first..] {
            named.is_handed_on = is_handed_on;
        }
        end
    }

    /// One branch of a `use`; returns where it ends.
    fn read_tree(&mut self, tokens: &[Token], mut at: usize, stem: &[String]) -> usize {
        let mut path = stem.to_vec();
        let line = tokens.get(at).map_or(0, |token| token.1);
        let mut is_stem = false;
        loop {
            match word(tokens, at) {
                "::" => {}
                "{" => {
                    while !["}", ""].contains(&word(tokens, at)) {
                        at = self.read_tree(tokens, at + 1, &path);
                    }
                    return at + 1;
                }
                "," | "}" | ";" | "as" | "" => break,
                "self" if !path.is_empty() => is_stem = true,
                name => path.push(name.to_owned()),
            }
            at += 1;
        }
        let mut alias = path.last().cloned();
        if word(tokens, at) == "as" {
            alias = Some(word(tokens, at + 1).to_owned());
            at += 2;
        }
        if path.len() > stem.len() || is_stem {
            self.paths.push(Named {
                line,
                path,
                alias,
                is_handed_on: false,
            });
        }
        at
    }

    /// A path in the code, if there is one; returns where it ends.
    fn read_path(&mut self, tokens: &[Token], at: usize) -> usize {
        let mut path = Vec::new();
        let mut next = at;
        while is_name(word(tokens, next)) && word(tokens, next + 1) == "::" {
            path.push(word(tokens, next).to_owned());
            next += 2;
        }
        if path.is_empty() {
            return at + 1;
        }
        if is_name(word(tokens, next)) {
            path.push(word(tokens, next).to_owned());
        }
        // `::std::fs` begins here; what comes behind `<T>::` does not.
        let is_start = match at {
            0 => true,
            _ if word(tokens, at - 1) != "::" => true,
            1 => true,
            _ => !is_name(word(tokens, at - 2)) && word(tokens, at - 2) != ">",
        };
        if is_start && path.len() > 1 {
            self.paths.push(Named {
                line: tokens[at].1,
                path,
                alias: None,
                is_handed_on: false,
            });
        }
        next + 1
    }
}

fn word(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| &token.0)
}

fn starts_with(tokens: &[Token], at: usize, words: &[&str]) -> bool {
    let mut words = words.iter().enumerate();
    words.all(|(i, expected)| word(tokens, at + i) == *expected)
}

/// The modules that are declared, and are in files of their own.
fn modules(tokens: &[Token]) -> Vec<String> {
    let is_module = |at: &usize| word(tokens, *at) == "mod" && word(tokens, at + 2) == ";";
    let places = (0..tokens.len()).filter(is_module);
    places.map(|at| word(tokens, at + 1).to_owned()).collect()
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// What an item may begin with, apart from attributes and `pub`.
const ITEMS: [&str; 14] = [
    "async",
    "const",
    "enum",
    "extern",
    "fn",
    "impl",
    "let",
    "macro_rules",
    "mod",
    "static",
    "struct",
    "trait",
    "type",
    "use",
];

/// Leaves out everything that is for tests only.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mark = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if starts_with(tokens, at, &mark) {
            at = end_of_marked(tokens, at + mark.len());
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// The end of what an attribute belongs to. An item ends with its semicolon or the brace that closes
/// it. A field, a variant or an arm ends with its comma, or where that ends which it is in.
fn end_of_marked(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0;
    let mut is_item = false;
    while at < tokens.len() {
        let next = word(tokens, at + 1);
        match word(tokens, at) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth == 0 => return at,
            "}" if depth == 1 && (is_item || next != ",") => return at + 1,
            ")" | "]" | "}" => depth -= 1,
            ";" if depth == 0 => return at + 1,
            "," if depth == 0 && !is_item => return at + 1,
            word => is_item |= depth == 0 && ITEMS.contains(&word),
        }
        at += 1;
    }
    at
}

/// Names, `::`, and single characters, without comments and strings. A string in an attribute that is
/// a path, as serde's `with` has it, is read as one.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut line = 1;
    let mut attribute = 0;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => {
                let length = text_length(rest);
                let text = rest[1..length].trim_end_matches('"');
                if attribute > 0 && is_path(text) {
                    tokens.extend(self::tokens(text).into_iter().map(|(word, _)| (word, line)));
                }
                length
            }
            'r' | 'b' if raw_length(rest).is_some() => raw_length(rest).unwrap_or(1),
            '\'' => character_length(rest),
            ':' if rest.starts_with("::") => {
                tokens.push(("::".to_owned(), line));
                2
            }
            _ if is_name(&rest[..first.len_utf8()]) => {
                let is_end = |c: char| !(c.is_alphanumeric() || c == '_');
                let end = rest.find(is_end).unwrap_or(rest.len());
                tokens.push((rest[..end].to_owned(), line));
                end
            }
            _ if first.is_whitespace() => first.len_utf8(),
            _ => {
                match first {
                    '[' if attribute > 0 || is_mark(&tokens) => attribute += 1,
                    ']' if attribute > 0 => attribute -= 1,
                    _ => {}
                }
                tokens.push((first.to_string(), line));
                first.len_utf8()
            }
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// Whether an attribute begins: `#` or `#!`.
fn is_mark(before: &[Token]) -> bool {
    let mut before = before.iter().rev().map(|token| token.0.as_str());
    match before.next() {
        Some("#") => true,
        Some("!") => before.next() == Some("#"),
        _ => false,
    }
}

fn is_path(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    text.contains("::") && text.chars().all(is_part)
}

/// The length of `"…"` at the beginning.
fn text_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of `r#"…"#` at the beginning, if that is there.
fn raw_length(text: &str) -> Option<usize> {
    let inner = text.trim_start_matches('b').strip_prefix('r')?;
    let hashes = inner.len() - inner.trim_start_matches('#').len();
    let inner = inner[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = inner.find(&close)? + close.len();
    Some(text.len() - inner.len() + end)
}

/// The length of `'x'` at the beginning, or of the quote of a lifetime.
fn character_length(text: &str) -> usize {
    let mut inside = text.char_indices().skip(1);
    match inside.next() {
        Some((_, '\\')) => text[2..].find('\'').map_or(1, |end| {
            // `'\''` ends one quote later.
            if end == 0 || text[2..].starts_with("''") {
                4
            } else {
                end + 3
            }
        }),
        _ => match inside.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
    }
}
