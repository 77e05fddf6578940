//! Environment variables that a script uses before it sets them.

use std::collections::BTreeSet;

/// The names of the variables that these scripts use before they set them.
pub(super) fn used(scripts: &[String]) -> BTreeSet<String> {
    let mut found = Found::default();
    for script in scripts {
        for line in script.lines() {
            let mut words = line.split_whitespace();
            let is_comment = |word: &&str| word.starts_with('#');
            let code: Vec<_> = words
                .by_ref()
                .take_while(|word| !is_comment(word))
                .collect();
            for command in code.join(" ").split(';') {
                found.read(command);
            }
        }
    }
    found.used
}

#[derive(Default)]
struct Found {
    used: BTreeSet<String>,
    set: BTreeSet<String>,
}

impl Found {
    fn read(&mut self, command: &str) {
        let mut sets_all = false;
        let mut last = "";
        for word in command.split_whitespace() {
            if let Some((name, value)) = assigned(word) {
                self.use_all(value);
                self.set.insert(name.to_owned());
            } else {
                self.use_all(word);
                if name_at(word) == word && !word.is_empty() {
                    if sets_all || last == "for" {
                        self.set.insert(word.to_owned());
                    } else if ["-v", "printenv"].contains(&last) {
                        self.use_one(word);
                    }
                }
            }
            sets_all |= ["read", "local", "unset", "mapfile"].contains(&word);
            last = word;
        }
    }

    /// The variables in a word.
    fn use_all(&mut self, word: &str) {
        for (at, _) in word.match_indices('$') {
            let is_literal = word[..at].ends_with(['\\', '$']);
            let rest = &word[at + 1..];
            let rest = rest.strip_prefix('{').unwrap_or(rest);
            let name = name_at(rest.trim_start_matches(['#', '!']));
            if !is_literal && !name.is_empty() {
                self.use_one(name);
            }
        }
    }

    fn use_one(&mut self, name: &str) {
        if !self.set.contains(name) {
            self.used.insert(name.to_owned());
        }
    }
}

/// The name and the value, if the word assigns one.
fn assigned(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    (!name.is_empty() && name_at(name) == name).then_some((name, value))
}

/// The name of a variable at the beginning of a text; empty if there is none.
fn name_at(text: &str) -> &str {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return "";
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    &text[..text.find(|c| !is_part(c)).unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_used_before_they_are_set() {
        for (script, expected) in [
            ("export A=\"$B\"; echo ${C:-local} $A", &["B", "C"][..]),
            ("A=1; export B=$A\necho $A ${A}x", &[]),
            ("export A=${A:-x}; echo $A", &["A"]),
            ("for x in 1 2; do echo $x; done; read y z; echo $y $z", &[]),
            (
                "[ -v A ] && printenv B; echo ${#C} ${!D}",
                &["A", "B", "C", "D"],
            ),
            ("# $A\necho x # $B\necho \\$C $$ $1 $? $(D=1)", &[]),
            ("[ -n \"$A\" ] || A=x", &["A"]),
        ] {
            let found = used(&[script.to_owned()]);
            assert_eq!(found.into_iter().collect::<Vec<_>>(), expected, "{script}");
        }
    }
}
