//! From a manifest's text to its types, in bounded memory (`bundle-format.md`, section 8).
//!
//! A TOML parser needs a hundred bytes and more for each token, so a text of 64 MiB could take
//! gigabytes. The two arrays that make a manifest long, store paths and project files, are therefore
//! parsed in batches. Whatever cannot be parsed in batches has few tokens, or is refused before it is
//! parsed.

use std::ops::Range;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml_parser::Source;
use toml_parser::lexer::{Lexer, TokenKind};

use super::{ClosurePath, Manifest, ProjectFile};
use crate::bundle::BadBundle;

/// The most tokens of TOML that are parsed at once. Meanwhile a token takes up to 600 bytes of memory.
/// The shells, pins and answers of a large project have some hundred thousand.
pub const MOST_TOKENS: usize = 1_000_000;

/// How many bytes of a long array are parsed at once.
const BATCH: usize = 64 << 10;

/// The longest message of the TOML parser that is passed on: it may quote any text of the manifest.
const LONGEST_MESSAGE: usize = 400;

/// An array that is parsed in batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Array {
    Paths,
    Files,
}

/// The text in parts: batches of the two long arrays, and the rest.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    text: &'a str,
    tokens: usize,
    /// The end of the fields of the top level.
    top: usize,
    /// The text without the batches. The first element of each array stays in it, where the parser
    /// sees whether something else defines the array, too.
    rest: Vec<Range<usize>>,
    batches: Vec<(Array, Range<usize>)>,
}

impl<'a> Parts<'a> {
    /// Cuts the text at the headers of its tables.
    pub(super) fn of(text: &'a str) -> Result<Self, BadBundle> {
        let mut parts = Self {
            text,
            tokens: 0,
            top: text.len(),
            rest: Vec::new(),
            batches: Vec::new(),
        };
        let mut seen = Vec::new();
        let mut array = None;
        let (mut start, mut in_part, mut in_rest) = (0, 0, 0);
        for Header { at, tokens } in Headers::of(text) {
            parts.top = parts.top.min(at);
            parts.tokens += tokens;
            in_part += tokens;
            in_rest += if array.is_none() { tokens } else { 0 };
            if in_part.max(in_rest) > MOST_TOKENS {
                return Err(too_many());
            }
            let found = array_of(&text[at..], array);
            let first = found.filter(|found| !seen.contains(found));
            seen.extend(first);
            let next = if first.is_some() { None } else { found };
            let is_full = array.is_some() && at - start >= BATCH;
            if next != array || is_full || at == text.len() {
                parts.add(array, start..at);
                (array, start, in_part) = (next, at, 0);
            }
        }
        Ok(parts)
    }

    fn add(&mut self, array: Option<Array>, range: Range<usize>) {
        match array {
            Some(array) => self.batches.push((array, range)),
            None => self.rest.push(range),
        }
    }

    /// The fields of the top level, which come before the first table.
    pub(super) fn top<T: DeserializeOwned>(&self) -> Result<T, BadBundle> {
        parsed(&self.text[..self.top])
    }

    /// The whole manifest.
    pub(super) fn manifest(&self) -> Result<Manifest, BadBundle> {
        let rest = self.rest.iter().map(|part| &self.text[part.clone()]);
        let mut manifest: Manifest = parsed(&rest.collect::<String>())?;
        let (paths, files) = (&mut manifest.closure.paths, &mut manifest.project.files);
        let has = |array| self.batches.iter().any(|(of, _)| *of == array);
        if (has(Array::Paths) && paths.len() != 1) || (has(Array::Files) && files.len() != 1) {
            // Headers in another spelling are between the batches.
            return self.at_once();
        }
        for (array, range) in &self.batches {
            let text = &self.text[range.clone()];
            match array {
                Array::Paths => paths.extend(parsed::<PathsOnly>(text)?.closure.paths),
                Array::Files => files.extend(parsed::<FilesOnly>(text)?.project.files),
            }
        }
        Ok(manifest)
    }

    fn at_once(&self) -> Result<Manifest, BadBundle> {
        if self.tokens > MOST_TOKENS {
            return Err(too_many());
        }
        parsed(self.text)
    }
}

/// A header of a table, or the end of the text.
#[derive(Debug)]
struct Header {
    at: usize,
    /// The number of tokens since the last header.
    tokens: usize,
}

/// The headers in a text. If it is no TOML, they may be at wrong places; but then one of the parts
/// between them is no TOML, either. The tokens are not collected, since all of them together take much
/// more memory than the text does.
struct Headers<'a> {
    lexer: Lexer<'a>,
    depth: usize,
    is_line_start: bool,
}

impl<'a> Headers<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            lexer: Source::new(text).lex(),
            depth: 0,
            is_line_start: true,
        }
    }
}

impl Iterator for Headers<'_> {
    type Item = Header;

    fn next(&mut self) -> Option<Header> {
        for (before, token) in self.lexer.by_ref().enumerate() {
            let was_line_start = self.is_line_start && self.depth == 0;
            self.is_line_start = match token.kind() {
                TokenKind::Newline => true,
                TokenKind::Whitespace => self.is_line_start,
                _ => false,
            };
            let is_header = was_line_start && token.kind() == TokenKind::LeftSquareBracket;
            match token.kind() {
                TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => self.depth += 1,
                TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => {
                    self.depth = self.depth.saturating_sub(1);
                }
                _ => {}
            }
            if is_header || token.kind() == TokenKind::Eof {
                return Some(Header {
                    at: token.span().start(),
                    tokens: before + 1,
                });
            }
        }
        None
    }
}

/// The array that a table belongs to, by its header. A table below an element comes directly after
/// that element.
fn array_of(text: &str, before: Option<Array>) -> Option<Array> {
    let header = text.lines().next().unwrap_or_default();
    let name = header.trim_start_matches('[');
    for (array, of) in [
        (Array::Paths, "closure.paths"),
        (Array::Files, "project.files"),
    ] {
        let Some(rest) = name.strip_prefix(of) else {
            continue;
        };
        if header.len() - name.len() == 2 && rest.trim_end() == "]]" {
            return Some(array);
        }
        if rest.starts_with('.') {
            return before.filter(|before| *before == array);
        }
    }
    None
}

/// The part of a manifest that is in a batch of an array.
#[derive(Deserialize)]
struct PathsOnly {
    closure: Paths,
}

#[derive(Deserialize)]
struct Paths {
    paths: Vec<ClosurePath>,
}

#[derive(Deserialize)]
struct FilesOnly {
    project: Files,
}

#[derive(Deserialize)]
struct Files {
    files: Vec<ProjectFile>,
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, BadBundle> {
    toml::from_str(text).map_err(|error| {
        let words = error.message().split_whitespace().collect::<Vec<_>>();
        BadBundle::Manifest(shortened(&words.join(" ")))
    })
}

fn too_many() -> BadBundle {
    BadBundle::Manifest(format!(
        "it has more than {MOST_TOKENS} tokens outside of its tables of store paths and project files"
    ))
}

/// A text without its middle, if it is longer than a message should be.
pub(super) fn shortened(text: &str) -> String {
    let mut from_start = text.char_indices().map(|(at, _)| at);
    let mut from_end = text.char_indices().rev().map(|(at, _)| at);
    match (
        from_start.nth(LONGEST_MESSAGE / 2),
        from_end.nth(LONGEST_MESSAGE / 2),
    ) {
        (Some(start), Some(end)) if start < end => format!("{}…{}", &text[..start], &text[end..]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (Vec<&str>, Vec<&str>) {
        let parts = Parts::of(text).unwrap();
        let rest = parts.rest.iter().map(|part| &text[part.clone()]);
        let batches = parts.batches.iter().map(|(_, part)| &text[part.clone()]);
        (rest.collect(), batches.collect())
    }

    #[test]
    fn the_first_element_of_an_array_stays_in_the_rest() {
        let text = "a = 1\n[[closure.paths]]\nb = 2\n[[closure.paths]]\nc = [\n[3]]\n\
                    [closure.paths.d]\n[x]\n[[project.files]]\n[[project.files]] # e\n[[project.files]]\n";
        assert_eq!(
            parts(text),
            (
                vec![
                    "a = 1\n[[closure.paths]]\nb = 2\n",
                    "[x]\n[[project.files]]\n[[project.files]] # e\n"
                ],
                vec![
                    "[[closure.paths]]\nc = [\n[3]]\n[closure.paths.d]\n",
                    "[[project.files]]\n"
                ]
            )
        );
        assert_eq!(Parts::of(text).unwrap().top, 6);
    }

    #[test]
    fn headers_in_texts_are_no_headers() {
        let text = "a = \"\"\"\n[[closure.paths]]\n\"\"\"\n# x\n[[closure.paths]]\nb = '''\n[[closure.paths]]'''";
        assert_eq!(parts(text), (vec![text], vec![]));
    }

    #[test]
    fn a_long_array_comes_in_batches() {
        let one = "[[closure.paths]]\nx = 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy'\n";
        let text = one.repeat(4 * BATCH / one.len());
        let (rest, batches) = parts(&text);
        assert_eq!(rest, [one]);
        assert_eq!(batches.concat().len(), text.len() - one.len());
        assert!(batches.len() == 4 && batches.iter().all(|batch| batch.len() < 2 * BATCH));
    }

    #[test]
    fn too_many_tokens_are_refused_before_they_are_parsed() {
        for (text, is_fine) in [
            (
                "a = [".to_owned() + &"1,".repeat(MOST_TOKENS / 2 - 10) + "]",
                true,
            ),
            (
                "a = [".to_owned() + &"1,".repeat(MOST_TOKENS / 2) + "]",
                false,
            ),
            ("[a]\n".repeat(MOST_TOKENS / 4 + 1), false),
            (
                "[[closure.paths]]\n[[closure.paths]]\nreferences = [".to_owned()
                    + &"1,".repeat(MOST_TOKENS / 2),
                false,
            ),
        ] {
            assert_eq!(Parts::of(&text).is_ok(), is_fine, "{}", &text[..20]);
        }
    }
}
