//! The machine's variables that the project's files compare. An evaluation with another value shows
//! whether a value ends up in the shell, but not which ones it is compared with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::nix::evaluate::Recorded;
use crate::nix::tokens::{self, Token};

/// Names of variables, each with a file that compares it.
pub(in crate::create::shell) type Compared = BTreeMap<String, PathBuf>;

/// The variables that files of the project read otherwise than to make a longer text of them.
/// nixpkgs and other sources in the store have their own reasons to read some. `evaluated` are all
/// files.
pub(in crate::create::shell) fn by_project(
    events: &[Recorded],
    evaluated: &BTreeSet<PathBuf>,
    is_foreign: &dyn Fn(&Path) -> bool,
) -> Compared {
    let read = events.iter().filter_map(|event| match event {
        Recorded::Environment { name, from } if !is_foreign(from) => Some((name, from)),
        _ => None,
    });
    let read: BTreeMap<_, _> = read.collect();
    if read.is_empty() {
        return Compared::new();
    }
    let own = evaluated.iter().filter(|file| !is_foreign(file));
    let texts: Vec<_> = own
        .filter_map(|file| fs::read_to_string(file).ok())
        .collect();
    let code = Code(texts.iter().map(|text| tokens::of(text)).collect());
    let compared = read.into_iter().filter(|(name, _)| code.compares(name));
    compared
        .map(|(name, from)| (name.clone(), from.clone()))
        .collect()
}

/// The tokens of each file.
struct Code<'a>(Vec<Vec<Token<'a>>>);

/// A place in the code: a file, and the tokens from one to before another.
type Place = (usize, usize, usize);

impl<'a> Code<'a> {
    /// Whether any value of this variable is used otherwise than as a part of a text.
    fn compares(&self, variable: &str) -> bool {
        let named = self.places(|token| token == Token::Text(variable));
        let read: Vec<_> = named.filter_map(|place| self.reading(place)).collect();
        // Its name may be made of parts.
        read.is_empty()
            || !read
                .iter()
                .all(|place| self.is_text(*place, &mut BTreeSet::new()))
    }

    fn places(&self, wanted: impl Fn(Token<'a>) -> bool) -> impl Iterator<Item = Place> {
        let files = self.0.iter().enumerate();
        files.flat_map(move |(file, tokens)| {
            let found = tokens.iter().enumerate();
            let found: Vec<_> = found.filter(|(_, token)| wanted(**token)).collect();
            found.into_iter().map(move |(at, _)| (file, at, at + 1))
        })
    }

    fn token(&self, file: usize, at: Option<usize>) -> Option<Token<'a>> {
        self.0[file].get(at?).copied()
    }

    /// The call of `getEnv` with this text as its argument.
    fn reading(&self, (file, at, end): Place) -> Option<Place> {
        let before = |count: usize| self.token(file, at.checked_sub(count));
        let is_read = matches!(before(2)?, Token::Word("getEnv" | "__getEnv"));
        let is_of_set =
            before(3) == Some(Token::Sign(".")) && before(4) == Some(Token::Word("builtins"));
        is_read.then(|| (file, at - if is_of_set { 4 } else { 2 }, end + 1))
    }

    /// Whether a value is only a part of a text, or compared with the empty one: with and without a
    /// value, both is tried.
    fn is_text(&self, (file, mut start, mut end): Place, known: &mut BTreeSet<&'a str>) -> bool {
        loop {
            let before = |count: usize| self.token(file, start.checked_sub(count));
            let after = |count: usize| self.token(file, Some(end + count - 1));
            match (before(1), after(1)) {
                (Some(Token::Sign("(")), Some(Token::Sign(")"))) => {
                    (start, end) = (start - 1, end + 1);
                }
                (Some(Token::Splice), Some(Token::Unsplice)) => match (before(2), after(2)) {
                    (Some(Token::Quote), Some(Token::Unquote)) => {
                        (start, end) = (start - 2, end + 2);
                    }
                    // Elsewhere it names an attribute.
                    (part, _) => {
                        use Token::{Path, Quote, Text, Unsplice};
                        return matches!(part, Some(Quote | Text(_) | Unsplice | Path(_)));
                    }
                },
                (Some(Token::Word("toString")), _) => start -= 1,
                // Answers about files are carried.
                (Some(Token::Word("import" | "pathExists" | "readDir" | "readFile")), _) => {
                    return true;
                }
                (Some(Token::Sign("+")), _) | (_, Some(Token::Sign("+"))) => return true,
                (_, Some(Token::Sign("==" | "!="))) => {
                    return (after(2), after(3)) == (Some(Token::Quote), Some(Token::Unquote));
                }
                (Some(Token::Sign("=")), Some(Token::Sign(";"))) => {
                    return match before(2) {
                        Some(Token::Word(name)) => self.is_text_as(name, known),
                        _ => false,
                    };
                }
                _ => return self.is_inherited(file, start),
            }
        }
    }

    /// Whether a named value is only a part of a text, wherever the name is used.
    fn is_text_as(&self, name: &'a str, known: &mut BTreeSet<&'a str>) -> bool {
        if !known.insert(name) {
            return true;
        }
        let uses = self.places(|token| token == Token::Word(name));
        let mut uses =
            uses.filter(|(file, _, end)| self.token(*file, Some(*end)) != Some(Token::Sign("=")));
        uses.all(|place| self.is_text(place, known))
    }

    /// Whether a name is in a list behind `inherit`.
    fn is_inherited(&self, file: usize, at: usize) -> bool {
        let mut before = self.0[file][..at].iter().rev();
        let first = before.find(|token| !matches!(token, Token::Word(name) if *name != "inherit"));
        first == Some(&Token::Word("inherit"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compares(files: &[&str]) -> bool {
        Code(files.iter().map(|text| tokens::of(text)).collect()).compares("USER")
    }

    #[test]
    fn comparisons_are_seen() {
        for code in [
            r#"if builtins.getEnv "USER" == "alice" then 1 else 2"#,
            r#""alice" == builtins.getEnv "USER""#,
            r#"let user = builtins.getEnv "USER"; in lib.hasPrefix "a" user"#,
            r#"let user = "${builtins.getEnv "USER"}"; in hosts.${user} or 1"#,
            r#"with builtins; elem (getEnv "USER") [ "a" ]"#,
            r#"map builtins.getEnv [ "USER" ]"#,
            r#"let get = builtins.getEnv; in get "USER""#,
            r#"let u = { user = builtins.getEnv "USER"; }; in u.user != "x""#,
        ] {
            assert!(compares(&[code]), "{code}");
        }
        assert!(compares(&[
            r#"import ./x.nix { user = builtins.getEnv "USER"; }"#,
            r#"{ user }: if user == "alice" then 1 else 2"#,
        ]));
    }

    #[test]
    fn texts_are_no_comparisons() {
        for code in [
            r#""file://${builtins.getEnv "USER"}/x""#,
            r#"builtins.pathExists (builtins.getEnv "USER" + "/.x")"#,
            r#"/. + (builtins.getEnv "USER")"#,
            r#"let dir = builtins.getEnv "USER"; in builtins.pathExists dir"#,
            r#"if builtins.getEnv "USER" != "" then 1 else 2"#,
            r#"let user = builtins.getEnv "USER"; in mkShell { inherit user; A = user; B = "user ${user}/"; }"#,
            r#"mkShell { USER = builtins.getEnv "USER"; } # USER == x"#,
        ] {
            assert!(!compares(&[code]), "{code}");
        }
    }
}
