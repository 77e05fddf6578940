//! Files that nix-shell is the interpreter of: it takes its options from their `#! nix-shell` lines.

use shellpack_format::bundle::manifest::selection::{Argument, Selection};

/// The request of the `#! nix-shell` lines of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    /// The program that runs the file (`-i`), perhaps with options.
    pub(crate) interpreter: Option<String>,
    /// Packages, as expressions, if the shell is one of packages.
    pub(crate) packages: Option<Vec<String>>,
    /// The shell file, or an expression.
    pub(crate) named: Option<String>,
    /// Whether it is an expression.
    pub(crate) is_expression: bool,
    /// Attribute and arguments.
    pub(crate) selection: Selection,
    /// `-I` options.
    pub(crate) include: Vec<String>,
    /// The command of `--run` or `--command`, which runs instead of the file.
    pub(crate) command: Option<String>,
    /// Settings of Nix, by `--option` or an option of their own.
    pub(crate) settings: Vec<(String, String)>,
    /// `--pure`.
    pub(crate) pure: bool,
    /// `--keep`.
    pub(crate) keep: Vec<String>,
}

/// Options of nix-shell without a value. Others beginning with `--` have one.
const SWITCHES: [&str; 22] = [
    "--accept-flake-config",
    "--allow-import-from-derivation",
    "--builders-use-substitutes",
    "--check",
    "--debug",
    "--dry-run",
    "--fallback",
    "--indirect",
    "--keep-derivations",
    "--keep-failed",
    "--keep-going",
    "--keep-outputs",
    "--pure-eval",
    "--quiet",
    "--read-write-mode",
    "--readonly-mode",
    "--repair",
    "--require-sigs",
    "--restrict-eval",
    "--show-trace",
    "--substitute",
    "--verbose",
];

impl Lines {
    /// The lines of a file with this text.
    pub(crate) fn of(text: &str) -> Self {
        let mut found = Self::default();
        if !text.starts_with("#!") {
            return found;
        }
        // The first line is the kernel's.
        let lines = text
            .lines()
            .skip(1)
            .filter_map(|line| line.strip_prefix("#!"));
        let lines = lines.filter_map(|line| line.trim_start().strip_prefix("nix-shell"));
        let mut words = lines.flat_map(words);
        let mut are_packages = false;
        let mut others = Vec::new();
        while let Some(word) = words.next() {
            let mut next = || words.next().unwrap_or_default();
            match word.as_str() {
                "-i" => {
                    found.interpreter = Some(next());
                    found.command = None;
                }
                "-p" | "--packages" => are_packages = true,
                "-E" | "--expr" => found.is_expression = true,
                "-A" | "--attr" => found.selection.attribute = Some(next()),
                "-I" => found.include.push(next()),
                "--arg" | "--argstr" => found.selection.arguments.push(Argument {
                    string: word == "--argstr",
                    name: next(),
                    value: next(),
                }),
                "--pure" => found.pure = true,
                "--impure" => found.pure = false,
                "--keep" => found.keep.push(next()),
                "--run" | "--command" => {
                    found.command = Some(next());
                    found.interpreter = None;
                }
                "--option" => found.settings.push((next(), next())),
                "-j" => found.settings.push(("max-jobs".to_owned(), next())),
                "--exclude" | "--log-format" => drop(next()),
                _ if SWITCHES.contains(&word.as_str()) || word.starts_with("--no-") => {}
                // Nix has an option for each of its settings.
                _ => match word.strip_prefix("--") {
                    Some(setting) => found.settings.push((setting.to_owned(), next())),
                    None if word.starts_with('-') => {}
                    None => others.push(word),
                },
            }
        }
        if are_packages {
            found.packages = Some(others);
        } else {
            found.named = others.pop();
        }
        found
    }

    /// Whether they decide which shell the file with this name is.
    pub(crate) fn choose(&self, name: &str) -> bool {
        let names_itself = |named: &String| named.trim_start_matches("./") == name;
        let names_another = self
            .named
            .as_ref()
            .is_some_and(|named| !names_itself(named));
        names_another || self.packages.is_some() || !self.options().is_empty()
    }

    /// The options that decide which shell it is, with their values. `create` has the same.
    pub(crate) fn options(&self) -> Vec<String> {
        let include = self.include.iter();
        let include = include.flat_map(|entry| ["-I".to_owned(), entry.clone()]);
        let selection = self.selection.to_args().into_iter();
        let selection = selection.map(|option| option.to_string_lossy().into_owned());
        selection.chain(include).collect()
    }
}

/// Splits a line as nix-shell does: at white space, except in quotes. A backslash stands before a
/// character that is only itself, but not in single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match quote {
            Some(end) if c == end => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None | Some('"') if c == '\\' => word.get_or_insert_default().extend(chars.next()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_scripts_are_read() {
        let lines = Lines::of(
            "#!/usr/bin/env nix-shell\n#! nix-shell -i python3 --pure --keep X --no-substitute\n\
             #!nix-shell -p hello \"python3.withPackages (p: [ p.x ])\" -I nixpkgs=channel:x\nprint()",
        );
        assert_eq!(lines.interpreter.as_deref(), Some("python3"));
        assert!(lines.pure && lines.keep == ["X"]);
        assert_eq!(
            lines.packages.as_deref().unwrap(),
            ["hello", "python3.withPackages (p: [ p.x ])"]
        );
        assert_eq!(lines.options(), ["-I", "nixpkgs=channel:x"]);
        let lines = Lines::of("#! nix-shell\n#! nix-shell ./dev.nix --option x y -A shell\n");
        assert_eq!(lines.named.as_deref(), Some("./dev.nix"));
        assert_eq!(lines.options(), ["-A", "shell"]);
    }

    #[test]
    fn words_are_quoted_and_escaped() {
        let found = words(r#" 'a "b" \c'"'"'d'  "e 'f' \"\g" \h\ i\'j '' "#);
        assert_eq!(found, [r#"a "b" \c'd"#, r#"e 'f' "g"#, "h i'j", ""]);
    }

    #[test]
    fn settings_have_values_and_packages_may_come_first() {
        let lines = Lines::of(
            "#!/x\n#! nix-shell hello --fallback -i bash -p --timeout 60 --option system x -j 2\n",
        );
        assert_eq!(lines.packages.unwrap(), ["hello"]);
        let settings = [("timeout", "60"), ("system", "x"), ("max-jobs", "2")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(lines.settings, settings);
        let lines = Lines::of("#!/x\n#! nix-shell -i bash -p --run 'a b'\n");
        assert_eq!(lines.packages.unwrap(), [""; 0]);
        assert_eq!(
            (lines.interpreter, lines.command.as_deref()),
            (None, Some("a b"))
        );
    }

    #[test]
    fn lines_may_choose_another_shell() {
        let chooses = |text: &str| Lines::of(text).choose("x.nix");
        for text in [
            "{ }\n#! nix-shell -A x",
            "#! /x\n#! nix-shell ./x.nix --pure -i sh\n",
        ] {
            assert!(!chooses(text), "{text}");
        }
        for text in ["-A x", "--argstr a b", "-p x", "other.nix", "-I x=y"] {
            assert!(chooses(&format!("#!/x\n#! nix-shell {text}\n")), "{text}");
        }
    }
}
