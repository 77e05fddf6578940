//! Files of the project that an entered shell names: in a variable, an alias or a function. Nothing
//! reads them before the user's programs do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::create::project::links::plain;
use crate::create::shell::Shell;
use crate::rehearse::visit::Seen;

/// Variables of the shell itself, which always name a directory.
const OWN: [&str; 3] = ["PWD", "OLDPWD", "HOME"];

/// Ways in which a script names the current directory.
const HERE: [&str; 4] = ["$PWD/", "${PWD}/", "$(pwd)/", "./"];

/// A text of a shell, by the name that the user knows it by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) name: &'a str,
    pub(super) content: &'a str,
    /// Whether it is a script, not a value.
    pub(super) is_script: bool,
}

/// All texts of a shell.
pub(super) struct Texts<'a> {
    values: BTreeMap<&'a str, &'a str>,
    definitions: &'a str,
}

impl<'a> Texts<'a> {
    /// Those of an entered shell, if it was seen, and of its derivation. Without evaluation, a value of
    /// the derivation that names a place below `top` does so on every machine.
    pub(super) fn of(seen: Option<&'a Seen>, shell: &'a Shell, no_eval: bool, top: &Path) -> Self {
        let own = shell.derivation.environment.iter();
        let mut values: BTreeMap<&str, &str> = own
            .filter(|(name, _)| *name != "shellHook")
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let seen_values = seen.into_iter().flat_map(Seen::environment);
        values.extend(seen_values.map(|(name, value)| (name.as_str(), value.as_str())));
        let top = top.to_string_lossy();
        let is_fixed = |name: &str| {
            let own = shell.derivation.environment.get(name);
            no_eval && own.is_some_and(|value| value.contains(&*top))
        };
        values.retain(|name, _| !is_fixed(name));
        Self {
            values,
            definitions: seen.map(Seen::definitions).unwrap_or_default(),
        }
    }

    /// The variables with their values.
    pub(super) fn values(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.values.iter().map(|(name, value)| (*name, *value))
    }

    /// The variables, the aliases, and the functions that these hooks define.
    pub(super) fn all(&self, hooks: &[String]) -> Vec<Text<'a>> {
        let values = self.values.iter().map(|(name, content)| Text {
            name,
            content,
            is_script: false,
        });
        let aliases = self.definitions.lines().filter_map(|line| {
            let (name, text) = line.strip_prefix("alias ")?.split_once('=')?;
            Some((name, text))
        });
        let is_of_hook = |name: &str| hooks.iter().any(|hook| hook.contains(name));
        let functions = functions(self.definitions);
        let functions = functions.into_iter().filter(|(name, _)| is_of_hook(name));
        let scripts = aliases.chain(functions).map(|(name, content)| Text {
            name,
            content,
            is_script: true,
        });
        values.chain(scripts).collect()
    }
}

/// The files and directories below `top` that the texts name, and the first text that does. A script
/// runs in `directory`. The top itself is only meant where programs look for files: in a search path.
pub(super) fn find<'a>(
    texts: impl IntoIterator<Item = Text<'a>>,
    directory: &Path,
    top: &Path,
) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for text in texts {
        if OWN.contains(&text.name) {
            continue;
        }
        let is_search_path = text.name.ends_with("PATH");
        for path in text.paths(directory, top) {
            if path != top || is_search_path {
                found.entry(path).or_insert_with(|| text.name.to_owned());
            }
        }
    }
    found
}

impl Text<'_> {
    fn paths(&self, directory: &Path, top: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        if let Some(prefix) = top.to_str() {
            for (at, _) in self.content.match_indices(prefix) {
                found.extend(existing(top, &self.content[at + prefix.len()..], top));
            }
        }
        if self.is_script {
            for prefix in HERE {
                for (at, _) in self.content.match_indices(prefix) {
                    let before = self.content[..at].chars().next_back();
                    let is_start =
                        before.is_none_or(|c| !c.is_alphanumeric() && !"./}".contains(c));
                    if is_start {
                        let rest = &self.content[at + prefix.len() - 1..];
                        found.extend(existing(directory, rest, top));
                    }
                }
            }
        } else {
            let parts = self.content.trim_matches('"').split(':');
            let relative = parts.filter_map(|part| part.strip_prefix('.'));
            found.extend(relative.filter_map(|rest| existing(directory, rest, top)));
        }
        found
    }
}

/// The file or directory that the beginning of a text names behind a directory.
fn existing(directory: &Path, rest: &str, top: &Path) -> Option<PathBuf> {
    let ends_name = |c: char| !(c.is_alphanumeric() || "/._-+@~%,= ".contains(c));
    let ends_word = |c: char| ends_name(c) || c.is_whitespace() || c == ',' || c == '=';
    if rest
        .chars()
        .next()
        .is_some_and(|c| c != '/' && !ends_word(c))
    {
        return None;
    }
    let cut = |ends: &dyn Fn(char) -> bool| rest.split(ends).next().unwrap_or_default();
    // A name may have spaces in it.
    let candidates = [cut(&ends_name), cut(&ends_word)];
    candidates.into_iter().find_map(|candidate| {
        let below = candidate
            .trim_matches('/')
            .trim_end_matches(['.', ' ', ',']);
        let path = plain(&directory.join(below));
        (path.starts_with(top) && path.symlink_metadata().is_ok()).then_some(path)
    })
}

/// The functions of `declare -f` by name, with their bodies.
pub(super) fn functions(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut start = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let plain = line.trim_end();
        if let Some(name) = plain.strip_suffix("()") {
            start.get_or_insert((name.trim_end(), at));
        } else if line.trim_end_matches('\n') == "}" {
            found.extend(start.take().map(|(name, start)| (name, &text[start..at])));
        }
        at += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, is_script: bool, name: &str) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let top = std::fs::canonicalize(dir.path()).unwrap();
        std::fs::create_dir_all(top.join("my src/lib")).unwrap();
        for file in ["kube.yml", "my src/x", "my src/lib/y"] {
            std::fs::write(top.join(file), "").unwrap();
        }
        let text = text.replace("TOP", top.to_str().unwrap());
        let text = Text {
            name,
            content: &text,
            is_script,
        };
        let found = find([text], &top, &top).into_keys();
        let below = found.map(|path| path.strip_prefix(&top).unwrap().display().to_string());
        below.collect()
    }

    #[test]
    fn files_are_found_in_values() {
        for (text, expected) in [
            ("\"TOP/kube.yml\"", &["kube.yml"][..]),
            ("/bin:TOP/my src/lib/:/x", &["my src/lib"]),
            ("a=TOP/kube.yml,b=TOP/my src/x.", &["kube.yml", "my src/x"]),
            ("./kube.yml", &["kube.yml"]),
            ("TOPping/kube.yml TOP/none", &[]),
            ("see ./kube.yml", &[]),
            ("TOP", &[]),
        ] {
            assert_eq!(found(text, false, "X"), expected, "{text}");
        }
        assert_eq!(found("TOP/", false, "PYTHONPATH"), [""]);
        assert!(found("TOP/kube.yml", false, "PWD").is_empty());
    }

    #[test]
    fn files_are_found_in_scripts() {
        for text in [
            "kubectl --kubeconfig $PWD/kube.yml \"$@\"",
            "cat ./kube.yml;",
            "x=${PWD}/kube.yml",
            "'TOP/kube.yml'",
        ] {
            assert_eq!(found(text, true, "k"), ["kube.yml"], "{text}");
        }
        assert!(found("../kube.yml a/./kube.yml", true, "k").is_empty());
    }

    #[test]
    fn functions_are_found_by_name() {
        let text = "a () \n{ \n    x ()\n    {\n        y\n    };\n}\nb () \n{ \n    z\n}\n";
        let functions = functions(text);
        let names: Vec<_> = functions.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(functions[1].1.contains("    z\n"));
    }
}
