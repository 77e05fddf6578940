//! For scripts that nix-shell is the interpreter of: how to pack their shell, and them with it.

use std::fs;
use std::path::Path;

use shellpack_format::bundle::manifest::shell_quoted;

/// How to pack the shell that a script names, with the script.
pub(super) fn shell_of(script: &Path) -> String {
    let text = fs::read_to_string(script).unwrap_or_default();
    let line = Line::of(&text);
    let pack = if line.packages.is_empty() {
        let named = line.file.as_deref().unwrap_or("FILE");
        let file = script.with_file_name(named);
        format!(
            "pack the shell that it names, and the script with it: shellpack create {}{} --include {}",
            quoted(&file),
            line.options(),
            quoted(script)
        )
    } else {
        let name = script.file_stem().unwrap_or_default().to_string_lossy();
        let file = script.with_file_name(format!("{name}-shell.nix"));
        let expression = format!(
            "with import <nixpkgs> {{ }}; mkShell {{ packages = [ {} ]; }}",
            line.elements().join(" ")
        );
        file_with(&expression, &file, script) + &line.options()
    };
    let run = format!(
        "{} {}",
        line.interpreter,
        quoted(Path::new(script.file_name().unwrap_or_default()))
    );
    format!(
        "{pack}\nand run it in that shell: shellpack open NAME.shellpack --run {}",
        shell_quoted(&run)
    )
}

/// How to pack an expression and a file that lies beside it.
pub(super) fn file_with(expression: &str, file: &Path, beside: &Path) -> String {
    format!(
        "write the expression to a file beside it, and pack both: echo {} > {} && shellpack create {} \
         --include {}",
        shell_quoted(expression),
        quoted(file),
        quoted(file),
        quoted(beside)
    )
}

fn quoted(path: &Path) -> String {
    shell_quoted(&path.to_string_lossy())
}

/// The words of the `#! nix-shell` lines of a script.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    interpreter: String,
    packages: Vec<String>,
    file: Option<String>,
    options: Vec<String>,
}

impl Line {
    fn of(text: &str) -> Self {
        let mut line = Self {
            interpreter: "bash".to_owned(),
            packages: Vec::new(),
            file: None,
            options: Vec::new(),
        };
        let lines = text.lines().filter_map(|line| line.strip_prefix("#!"));
        let lines = lines.filter_map(|line| line.trim_start().strip_prefix("nix-shell"));
        let mut words = lines.flat_map(words);
        let mut are_packages = false;
        while let Some(word) = words.next() {
            let mut next = || words.next().unwrap_or_default();
            match word.as_str() {
                "-i" => line.interpreter = next(),
                "-p" | "--packages" => are_packages = true,
                // How it is entered, not which shell it is.
                "--keep" | "--run" | "--command" => drop(next()),
                "--pure" | "--impure" => {}
                "-A" | "--attr" | "-I" => line.options.extend([word.clone(), next()]),
                "--arg" | "--argstr" => line.options.extend([word.clone(), next(), next()]),
                _ if word.starts_with('-') => line.options.push(word),
                _ if are_packages => line.packages.push(word),
                _ => line.file = Some(word),
            }
        }
        line
    }

    /// The packages as elements of a list.
    fn elements(&self) -> Vec<String> {
        let is_call = |package: &str| package.contains(|c: char| c.is_whitespace() || c == '(');
        let packages = self.packages.iter();
        packages
            .map(|package| {
                if is_call(package) {
                    format!("({package})")
                } else {
                    package.clone()
                }
            })
            .collect()
    }

    /// The options for `create`, each after a space.
    fn options(&self) -> String {
        let options = self.options.iter();
        options
            .map(|option| format!(" {}", shell_quoted(option)))
            .collect()
    }
}

/// Splits a line as nix-shell does: at white space, except in quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
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
        let line = Line::of(
            "#!/usr/bin/env nix-shell\n#! nix-shell -i python3 --pure --keep X\n\
             #!nix-shell -p hello \"python3.withPackages (p: [ p.x ])\" -I nixpkgs=channel:x\nprint()",
        );
        assert_eq!(line.interpreter, "python3");
        assert_eq!(
            line.packages,
            ["hello", "python3.withPackages (p: [ p.x ])"]
        );
        assert_eq!(line.options(), " -I nixpkgs=channel:x");
        let line = Line::of("#! nix-shell\n#! nix-shell ./dev.nix -A shell\n");
        assert_eq!(line.file.as_deref(), Some("./dev.nix"));
        assert_eq!(line.options(), " -A shell");
    }
}
