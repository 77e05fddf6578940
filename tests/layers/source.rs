//! A Rust file as far as its imports go: the modules it declares, and every path it names.
//!
//! This is not a Rust parser. It reads tokens, skips comments, strings and code for tests, and
//! understands `use` trees and paths, which is all that imports are made of.

/// The imports of a Rust file.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The modules that it declares and that are in files of their own.
    pub(super) modules: Vec<String>,
    /// Every path that it names, in order.
    pub(super) paths: Vec<Named>,
}

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
        let tokens = without_tests(&tokens(text));
        let mut source = Self::default();
        let mut at = 0;
        while at < tokens.len() {
            at = match word(&tokens, at) {
                "use" if word(&tokens, at + 1) != "<" => source.read_use(&tokens, at),
                "mod" if word(&tokens, at + 2) == ";" => {
                    source.modules.push(word(&tokens, at + 1).to_owned());
                    at + 3
                }
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
        loop {
            match word(tokens, at) {
                "::" => {}
                "{" => {
                    while !["}", ""].contains(&word(tokens, at)) {
                        at = self.read_tree(tokens, at + 1, &path);
                    }
                    return at + 1;
                }
                "," | "}" | ";" | "" => break,
                "as" => break,
                "self" if path.len() > 1 || !stem.is_empty() => {}
                name => path.push(name.to_owned()),
            }
            at += 1;
        }
        let mut alias = path.last().cloned();
        if word(tokens, at) == "as" {
            alias = Some(word(tokens, at + 1).to_owned());
            at += 2;
        }
        if path.len() > stem.len() || word(tokens, at.wrapping_sub(1)) == "self" {
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
        let is_start = at == 0 || word(tokens, at - 1) != "::";
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

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Leaves out every item that is for tests only.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mark = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if (0..mark.len()).all(|i| word(tokens, at + i) == mark[i]) {
            at = end_of_item(tokens, at + mark.len());
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// The end of an item: its semicolon, or the brace that closes it.
fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0;
    while at < tokens.len() {
        match word(tokens, at) {
            "{" => depth += 1,
            "}" if depth == 1 => return at + 1,
            "}" => depth -= 1,
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
        at += 1;
    }
    at
}

/// Names, `::`, and single characters, without comments and strings.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => text_length(rest),
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
                tokens.push((first.to_string(), line));
                first.len_utf8()
            }
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
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
